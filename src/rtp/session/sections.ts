import { ExtensionUri } from '../extension-values.ts'
import type { SessionCodec, SessionSection } from './types.ts'

/** The ids of the header extensions that a session reads and writes itself; 0: not in use. */
export interface ManagedIds {
  readonly mid: number
  readonly rtpStreamId: number
  readonly repairedRtpStreamId: number
  readonly absSendTime: number
  readonly transmissionOffset: number
  readonly transportSequence: number
}

/** A section with its payload types as tables, for what is looked up with every packet. */
export class SectionTable {
  readonly section: SessionSection
  readonly ids: ManagedIds
  /** Codecs by payload type. */
  readonly receive: readonly (SessionCodec | undefined)[]
  readonly send: readonly (SessionCodec | undefined)[]
  /** For the payload type of a retransmission that of what it repeats, or -1. */
  readonly originals: Int16Array
  /** For described retransmission streams the stream that they repeat. */
  readonly repairs: ReadonlyMap<number, number>

  constructor(section: SessionSection) {
    this.section = section
    this.ids = managedIds(section)
    this.receive = byPayloadType(section.receive)
    this.send = byPayloadType(section.send)
    this.originals = new Int16Array(128).fill(-1)
    for (const { payloadType, rtx } of section.receive) if (rtx !== undefined) this.originals[rtx & 0x7f] = payloadType
    const repairs = new Map<number, number>()
    for (const { ssrc, rtxSsrc } of section.describedStreams) if (rtxSsrc !== undefined) repairs.set(rtxSsrc, ssrc)
    this.repairs = repairs
  }

  get mid(): string {
    return this.section.mid
  }

  /** All payload types that may arrive. */
  *payloadTypes(): IterableIterator<number> {
    for (const { payloadType, rtx } of this.section.receive) {
      yield payloadType
      if (rtx !== undefined) yield rtx
    }
  }

  *describedSsrcs(): IterableIterator<number> {
    for (const { ssrc, rtxSsrc } of this.section.describedStreams) {
      yield ssrc
      if (rtxSsrc !== undefined) yield rtxSsrc
    }
  }
}

function byPayloadType(codecs: readonly SessionCodec[]): readonly (SessionCodec | undefined)[] {
  const table: (SessionCodec | undefined)[] = new Array(128).fill(undefined)
  for (const codec of codecs) table[codec.payloadType & 0x7f] = codec
  return table
}

function managedIds({ extensions }: SessionSection): ManagedIds {
  const idOf = (uri: string): number => extensions.find(extension => extension.uri === uri)?.id ?? 0
  return {
    mid: idOf(ExtensionUri.mid),
    rtpStreamId: idOf(ExtensionUri.rtpStreamId),
    repairedRtpStreamId: idOf(ExtensionUri.repairedRtpStreamId),
    absSendTime: idOf(ExtensionUri.absSendTime),
    transmissionOffset: idOf(ExtensionUri.transmissionOffset),
    transportSequence: idOf(ExtensionUri.transportSequenceNumber) || idOf(ExtensionUri.transportSequenceNumber2),
  }
}

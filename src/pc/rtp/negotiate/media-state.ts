import { randomUuid } from '../../../base/random.ts'
import { type SdpDirection, type SdpSession, sends } from '../../../sdp/index.ts'
import type { MediaStream } from '../../media/media-stream.ts'
import type { MediaKind } from '../../media/track-signal.ts'
import type { RTCRtpHeaderExtensionCapability } from '../parameters.ts'
import type { EncodingSlots, MediaTransport, NegotiatedSection, TransceiverHost, TransceiverSlots } from '../slots.ts'
import { MediaEvents } from './media-events.ts'
import { NumberSpace } from './number-space.ts'
import { RemoteStreams } from './remote-streams.ts'

/** What negotiation remembers of a transceiver besides its slots. */
export interface TransceiverRecord {
  readonly slots: TransceiverSlots
  /** The appdata of its a=msid lines. */
  readonly trackId: string
  /** Its [[CurrentDirection]] has had the value `sendrecv` or `sendonly`. */
  hasSent: boolean
  /** addTrack() has given it a track. */
  hasTrack: boolean
  /** Created by the remote offer that is pending. */
  isProvisional: boolean
  /** A description has given it a transport: a local one, or an answer. */
  isPlaced: boolean
  /** What a rollback goes back to; undefined in the stable state, and for what was created since. */
  stable: StableState | undefined
  /** What sender and receiver were told last. */
  delivered: { readonly section: NegotiatedSection | undefined; readonly transport: MediaTransport | undefined }
}

/** webrtc-pc §4.4.1.4, step 4.6.4, and what it leaves to JSEP. */
export interface StableState {
  readonly mid: string | null
  readonly jsepMid: string | null
  readonly mLineIndex: number | undefined
  readonly isPlaced: boolean
  readonly receptive: boolean
  readonly negotiated: NegotiatedSection | undefined
  /** [[LastStableRidlessSendEncodings]] */
  readonly ridlessEncodings: EncodingSlots[] | undefined
  /** [[LastStableStateAssociatedRemoteMediaStreams]] */
  readonly streams: readonly MediaStream[]
}

export type Side = 'local' | 'remote'

/** A pair of descriptions that were agreed on. */
export interface AgreedDescriptions {
  readonly local: SdpSession
  readonly remote: SdpSession
  /** Whose description is the answer. */
  readonly answerer: Side
}

/** The transceivers of a connection, and what its descriptions have come to. */
export class MediaState {
  readonly host: TransceiverHost
  /** The set of transceivers, in insertion order. */
  records: readonly TransceiverRecord[] = []
  current: AgreedDescriptions | undefined
  pendingOffer: { readonly side: Side; readonly session: SdpSession } | undefined
  /** RFC 8829 §5.2.1: which transceiver the sections of the last offer that was created are for, by index. */
  promised: ReadonlyMap<number, TransceiverRecord> = new Map()
  readonly numbers: NumberSpace = new NumberSpace()
  readonly streams: RemoteStreams = new RemoteStreams()
  readonly events: MediaEvents = new MediaEvents()

  #defaultStreamId: string | undefined
  /** By the index that they were placed at; they may have left it since. */
  #byIndex: Map<number | undefined, TransceiverRecord> | undefined

  constructor(host: TransceiverHost) {
    this.host = host
  }

  /** RFC 8829 §5.8.2: of the stream of tracks that the peer has given to none. */
  get defaultStreamId(): string {
    this.#defaultStreamId ??= randomUuid(length => this.host.random(length))
    return this.#defaultStreamId
  }

  add(
    slots: TransceiverSlots,
    made: { readonly hasTrack: boolean; readonly isProvisional: boolean },
  ): TransceiverRecord {
    const record: TransceiverRecord = {
      slots,
      trackId: slots.sender.track?.id ?? randomUuid(length => this.host.random(length)),
      hasSent: false,
      ...made,
      isPlaced: false,
      stable: undefined,
      delivered: { section: undefined, transport: undefined },
    }
    this.records = [...this.records, record]
    return record
  }

  remove(isRemoved: (record: TransceiverRecord) => boolean): void {
    this.records = this.records.filter(record => !isRemoved(record))
    this.#byIndex = undefined
  }

  /** The transceiver that is associated with a section, by its index. */
  at(index: number): TransceiverRecord | undefined {
    // By a map, as a description has up to a thousand sections, and each is asked for several times.
    this.#byIndex ??= new Map(this.records.map(record => [record.slots.mLineIndex, record]))
    const record = this.#byIndex.get(index)
    return record?.slots.mLineIndex === index ? record : undefined
  }

  /** The record is associated with the section of this index from now on. */
  place(record: TransceiverRecord, index: number): void {
    record.slots.mLineIndex = index
    this.#byIndex?.set(index, record)
  }
}

/** RFC 8829 §4.1: ties a transceiver to a section, and unties whichever was there before. */
export function associate(state: MediaState, record: TransceiverRecord, index: number, mid: string): void {
  const other = state.at(index)
  if (other !== undefined && other !== record) disassociate(other)
  const { slots } = record
  state.place(record, index)
  slots.jsepMid = mid
  // webrtc-pc §4.4.1.4, steps 4.6.11.1.1.2 and 4.6.11.2.9
  slots.mid = mid
}

export function disassociate({ slots }: TransceiverRecord): void {
  slots.mLineIndex = undefined
  slots.jsepMid = null
  slots.mid = null
}

/** [[CurrentDirection]], after an answer. */
export function setCurrentDirection(record: TransceiverRecord, direction: SdpDirection): void {
  record.slots.currentDirection = direction
  if (sends(direction)) record.hasSent = true
}

/** webrtc-extensions §5.1: those of the first transceiver of the kind that is not stopping. */
export function inheritedExtensions(
  state: MediaState,
  kind: MediaKind,
): { readonly headerExtensionsToNegotiate: readonly RTCRtpHeaderExtensionCapability[] | undefined } {
  const first = state.records.find(({ slots }) => slots.kind === kind && !slots.stopping && !slots.stopped)
  return { headerExtensionsToNegotiate: first?.slots.headerExtensionsToNegotiate }
}

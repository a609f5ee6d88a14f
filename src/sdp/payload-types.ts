import { codecRole, sameConfiguration } from './codec-match.ts'
import { codecParameters, withFormatParameter } from './codec-parameters.ts'
import type { SdpCodec } from './rtp-description.ts'

/** RFC 3551 §6: dynamic; then, RFC 5761 §4, what is left without looking like RTCP. */
const dynamicPayloadTypes: readonly number[] = [...range(96, 127), ...range(35, 63)]

/**
 * Codecs with payload types that are free.
 *
 * RFC 9143 §9.1.1: the sections of a BUNDLE group share one space of payload types. A codec that is taken already, with
 * the same configuration, gets the same payload type; another one keeps its own if that is free, and gets a free one
 * if not. What `rtx` and `red` refer to follows. A codec for which none is left, or that refers to one, is left out.
 *
 * @param codecs each with the payload type that it would like to have
 * @param taken what the other sections of the group, and earlier descriptions of this one, have said
 */
export function assignPayloadTypes(codecs: readonly SdpCodec[], taken: readonly SdpCodec[]): readonly SdpCodec[] {
  const pool = new PayloadTypePool(taken, codecs)
  const assigned = new Map<number, SdpCodec>()
  for (const codec of [...codecs].sort((a, b) => referenceRank(a) - referenceRank(b))) {
    const moved = withReferences(codec, assigned)
    const payloadType = moved === undefined ? undefined : pool.take(moved)
    if (moved !== undefined && payloadType !== undefined) assigned.set(codec.payloadType, { ...moved, payloadType })
  }
  return codecs.flatMap(({ payloadType }) => assigned.get(payloadType) ?? [])
}

/** What is referred to comes first; retransmissions may be of red. */
function referenceRank(codec: SdpCodec): number {
  const role = codecRole(codec)
  return role === 'rtx' ? 2 : role === 'red' ? 1 : 0
}

class PayloadTypePool {
  readonly #taken = new Map<number, SdpCodec>()
  /** Those that one of the codecs at hand has now. */
  readonly #given = new Set<number>()
  /** Those that one of the codecs at hand would like to keep. */
  readonly #wanted: ReadonlySet<number>

  constructor(taken: readonly SdpCodec[], codecs: readonly SdpCodec[]) {
    for (const codec of taken) this.#taken.set(codec.payloadType, codec)
    this.#wanted = new Set(codecs.map(({ payloadType }) => payloadType))
  }

  take(codec: SdpCodec): number | undefined {
    const payloadType = this.#sameAsTaken(codec) ?? this.#free(codec.payloadType)
    if (payloadType !== undefined) this.#given.add(payloadType)
    return payloadType
  }

  #sameAsTaken(codec: SdpCodec): number | undefined {
    for (const [payloadType, other] of this.#taken) {
      if (!this.#given.has(payloadType) && sameConfiguration(other, codec)) return payloadType
    }
    return undefined
  }

  #free(preferred: number): number | undefined {
    if (this.#isFree(preferred)) return preferred
    const free = dynamicPayloadTypes.filter(payloadType => this.#isFree(payloadType))
    return free.find(payloadType => !this.#wanted.has(payloadType)) ?? free[0]
  }

  #isFree(payloadType: number): boolean {
    return !this.#taken.has(payloadType) && !this.#given.has(payloadType)
  }
}

/** The codec with the payload types that it refers to as they are now; undefined if one of them is not there. */
function withReferences(codec: SdpCodec, assigned: ReadonlyMap<number, SdpCodec>): SdpCodec | undefined {
  const parameters = codecParameters(codec)
  if (parameters.codec === 'rtx') {
    const apt = parameters.apt === undefined ? undefined : assigned.get(parameters.apt)?.payloadType
    if (apt === undefined) return undefined
    return { ...codec, fmtp: withFormatParameter(codec.fmtp ?? '', 'apt', String(apt)) }
  }
  if (parameters.codec !== 'red' || parameters.payloadTypes.length === 0) return codec
  const carried = parameters.payloadTypes.map(payloadType => assigned.get(payloadType)?.payloadType)
  return carried.includes(undefined) ? undefined : { ...codec, fmtp: carried.join('/') }
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

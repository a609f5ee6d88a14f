import { read16 } from '../wire.ts'
import {
  type Depacketized,
  type Depacketizer,
  noFrames,
  type PayloadDropped,
  type PayloadPacket,
  payloadDropped,
} from './frame.ts'
import { FrameAssembler } from './frame-assembler.ts'
import { joinAnnexB, mayBeginAccessUnit, NalType, nalType } from './h264-nal.ts'

export interface H264DepacketizerOptions {
  /**
   * Parameter sets that were told in the session description (`sprop-parameter-sets`), decoded. They go before each IDR
   * picture that comes without.
   */
  readonly parameterSets?: readonly Uint8Array[]
}

const startCode = Uint8Array.of(0, 0, 0, 1)
const keyframe = { keyframe: true, dependency: undefined } as const
const otherFrame = { keyframe: false, dependency: undefined } as const

/**
 * Puts access units together, as byte streams (annex B): RFC 6184 §7.1, packetization modes 0 and 1. Every NAL unit has a
 * start code of four bytes.
 *
 * Where packets are lost, what precedes the slices of a picture and is not needed to decode it (SEI) may be among them.
 */
export class H264Depacketizer implements Depacketizer {
  readonly #assembler = new FrameAssembler()
  readonly #parameterSets: Uint8Array
  #withinUnit = false
  #hasParameterSets = false
  /** Whether parameter sets are part of the stream: where none were told, they have to be. */
  #sendsParameterSets: boolean
  #isKeyframe = false
  /** Whether nothing is missing before the next packet, so that it begins an access unit if it has another timestamp. */
  #unbroken = false

  constructor({ parameterSets = [] }: H264DepacketizerOptions = {}) {
    this.#parameterSets = joinAnnexB(parameterSets)
    this.#sendsParameterSets = parameterSets.length === 0
  }

  push(packet: PayloadPacket): Depacketized {
    const assembler = this.#assembler
    const step = assembler.step(packet)
    if (step === 'old') return payloadDropped.old
    if (step === 'gap') this.#broken()
    if (packet.payload.length === 0) return noFrames
    // RFC 6184 §5.4, table 3: the reserved types are to be ignored.
    if (isReserved(nalType(packet.payload))) return payloadDropped.unsupported
    const same = assembler.collecting && assembler.timestamp === packet.timestamp
    // RFC 6184 §5.1: the marker is not to be relied on, another timestamp begins another access unit.
    if (!same && this.#withinUnit) this.#broken()
    const before = same ? undefined : assembler.finish()
    const refused = this.#take(packet, same)
    if (refused) {
      assembler.abandon()
      this.#broken()
      return before ? [before] : refused
    }
    this.#unbroken = true
    const frame = packet.marker && !this.#withinUnit ? assembler.finish() : undefined
    if (before) return frame ? [before, frame] : [before]
    return frame ? [frame] : noFrames
  }

  isStart(payload: Uint8Array): boolean {
    return this.#mayBegin(firstUnit(payload))
  }

  reset(): void {
    this.#broken()
    this.#assembler.reset()
  }

  #broken(): void {
    this.#withinUnit = false
    this.#unbroken = false
    this.#assembler.abandon()
  }

  #take({ payload, timestamp }: PayloadPacket, same: boolean): PayloadDropped | undefined {
    if (!same) {
      if (!this.#unbroken && !this.#mayBegin(firstUnit(payload))) return payloadDropped.incomplete
      this.#hasParameterSets = false
      this.#isKeyframe = false
      this.#assembler.begin(timestamp, otherFrame)
    }
    const type = nalType(payload)
    if (type === NalType.fuA) return this.#takeFragment(payload)
    // RFC 6184 §5.8: nothing comes between the fragments of a unit.
    if (this.#withinUnit) return payloadDropped.malformed
    if (type === NalType.stapA) return this.#takeAggregate(payload)
    // RFC 6184 §5.4, table 3: these belong to the interleaved mode, which is not offered.
    if (type > NalType.stapA) return payloadDropped.unsupported
    return this.#takeUnit(payload)
  }

  /** Whether a packet can begin an access unit, where the one before it is missing. */
  #mayBegin(unit: Uint8Array): boolean {
    // RFC 6184 §8.4: a sender that sends parameter sets sends them before each IDR picture, so they are what is missing.
    return mayBeginAccessUnit(unit) && !(this.#sendsParameterSets && nalType(unit) === NalType.idrSlice)
  }

  #takeUnit(unit: Uint8Array): PayloadDropped | undefined {
    return this.#beginUnit(nalType(unit)) ?? this.#append(unit)
  }

  /** RFC 6184 §5.7.1. */
  #takeAggregate(payload: Uint8Array): PayloadDropped | undefined {
    let at = 1
    if (at === payload.length) return payloadDropped.malformed
    while (at < payload.length) {
      if (at + 2 > payload.length) return payloadDropped.malformed
      const length = read16(payload, at)
      const unit = payload.subarray(at + 2, at + 2 + length)
      // RFC 6184 §5.7: aggregates are not nested, and hold no fragments.
      if (length === 0 || unit.length < length || nalType(unit) >= NalType.stapA) return payloadDropped.malformed
      const refused = this.#takeUnit(unit)
      if (refused) return refused
      at += 2 + length
    }
    return undefined
  }

  /** RFC 6184 §5.8. */
  #takeFragment(payload: Uint8Array): PayloadDropped | undefined {
    if (payload.length < 2) return payloadDropped.malformed
    const marks = payload[1] as number
    const starts = (marks & 0x80) !== 0
    const ends = (marks & 0x40) !== 0
    if ((starts && (ends || this.#withinUnit)) || (marks & 0x1f) >= NalType.stapA) return payloadDropped.malformed
    if (!starts && !this.#withinUnit) return payloadDropped.incomplete
    if (starts) {
      const header = ((payload[0] as number) & 0xe0) | (marks & 0x1f)
      const refused = this.#beginUnit(marks & 0x1f) ?? this.#append(Uint8Array.of(header))
      if (refused) return refused
    }
    this.#withinUnit = !ends
    return this.#append(payload.subarray(2))
  }

  #beginUnit(type: number): PayloadDropped | undefined {
    if (type === NalType.sequenceParameters) this.#hasParameterSets = this.#sendsParameterSets = true
    if (type === NalType.idrSlice && !this.#isKeyframe) {
      this.#isKeyframe = true
      this.#assembler.amend(keyframe)
      if (!this.#hasParameterSets && this.#parameterSets.length > 0) {
        const refused = this.#append(this.#parameterSets)
        if (refused) return refused
      }
    }
    return this.#append(startCode)
  }

  #append(part: Uint8Array): PayloadDropped | undefined {
    return this.#assembler.append(part) ? undefined : payloadDropped['too-large']
  }
}

function isReserved(type: number): boolean {
  return type === 0 || type > 29
}

/** The NAL unit that a payload begins with, or what is there of it. */
function firstUnit(payload: Uint8Array): Uint8Array {
  switch (nalType(payload)) {
    case NalType.stapA:
      return payload.subarray(3)
    case NalType.fuA: {
      const marks = payload[1] ?? 0
      // A fragment from the middle begins nothing.
      return (marks & 0x80) === 0 ? new Uint8Array(0) : Uint8Array.of(marks & 0x1f, payload[2] ?? 0)
    }
    default:
      return payload
  }
}

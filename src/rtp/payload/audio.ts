import {
  type Depacketized,
  type Depacketizer,
  noFrames,
  type OutgoingFrame,
  type PacketizedPayload,
  type Packetizer,
  type PacketizerOptions,
  PayloadError,
  type PayloadPacket,
  payloadDropped,
  payloadLimit,
} from './frame.ts'
import { opusSamples } from './opus.ts'

/** Puts each Opus packet into a payload of its own: RFC 7587 §4.2. */
export class OpusPacketizer implements Packetizer {
  readonly #limit: number

  constructor(options: PacketizerOptions = {}) {
    this.#limit = payloadLimit(options)
  }

  packetize({ data, startsTalkspurt = false }: OutgoingFrame): readonly PacketizedPayload[] {
    if (data.length === 0) return []
    if (opusSamples(data) === undefined) throw new PayloadError('bad-frame', 'not an Opus packet')
    if (data.length > this.#limit) throw new PayloadError('too-long', `an Opus packet of ${data.length} bytes`)
    // RFC 3551 §4.1: the marker is on the first packet behind a silence.
    return [{ payload: data, marker: startsTalkspurt, timestampOffset: 0 }]
  }
}

/** Puts samples of one byte each (PCMU, PCMA, one channel) into payloads: RFC 3551 §4.5.14. */
export class G711Packetizer implements Packetizer {
  readonly #limit: number

  constructor(options: PacketizerOptions = {}) {
    this.#limit = payloadLimit(options)
  }

  packetize({ data, startsTalkspurt = false }: OutgoingFrame): readonly PacketizedPayload[] {
    const payloads: PacketizedPayload[] = []
    for (let at = 0; at < data.length; at += this.#limit) {
      const payload = data.subarray(at, at + this.#limit)
      payloads.push({ payload, marker: at === 0 && startsTalkspurt, timestampOffset: at })
    }
    return payloads
  }
}

/** Gives each payload as a frame: what the audio formats have in common that fit into single packets. */
export class AudioDepacketizer implements Depacketizer {
  readonly #isFrame: (payload: Uint8Array) => boolean
  #lastSequence = -1
  #lossBefore = false

  /** @param isFrame whether a payload is a frame of the format; all that are not empty if not given */
  constructor(isFrame: (payload: Uint8Array) => boolean = () => true) {
    this.#isFrame = isFrame
  }

  push({ sequenceNumber, timestamp, payload }: PayloadPacket): Depacketized {
    const last = this.#lastSequence
    const ahead = (sequenceNumber - last) & 0xffff
    // RFC 7587 §4.1: a packet may come twice, and must be decoded once.
    if (last >= 0 && (ahead === 0 || ahead >= 0x8000)) return payloadDropped.old
    if (payload.length === 0) {
      if (ahead === 1) this.#lastSequence = sequenceNumber
      return noFrames
    }
    if (!this.#isFrame(payload)) return payloadDropped.malformed
    this.#lastSequence = sequenceNumber
    const afterLoss = this.#lossBefore || (last >= 0 && ahead !== 1)
    this.#lossBefore = false
    return [{ data: payload, timestamp, keyframe: true, afterLoss, dependency: undefined }]
  }

  isStart(payload: Uint8Array): boolean {
    return payload.length > 0
  }

  reset(): void {
    this.#lastSequence = -1
    this.#lossBefore = true
  }
}

/** Gives each Opus packet as a frame: RFC 7587 §4.2. */
export class OpusDepacketizer extends AudioDepacketizer {
  constructor() {
    super(payload => opusSamples(payload) !== undefined)
  }
}

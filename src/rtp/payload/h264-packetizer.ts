import { write16 } from '../wire.ts'
import {
  type OutgoingFrame,
  type PacketizedPayload,
  type Packetizer,
  type PacketizerOptions,
  PayloadError,
  payloadLimit,
} from './frame.ts'
import { NalType, nalType, splitAnnexB } from './h264-nal.ts'

/** RFC 6184 §5.4: 0 is the single NAL unit mode, 1 the non-interleaved mode. */
export type H264PacketizationMode = 0 | 1

export interface H264PacketizerOptions extends PacketizerOptions {
  /** As negotiated: the `packetization-mode` of the peer. 1 if not given. */
  readonly mode?: H264PacketizationMode
  /** Whether the parameter sets that were sent last go before each IDR picture that comes without. True if not given. */
  readonly repeatParameterSets?: boolean
}

const noUnits: readonly Uint8Array[] = Object.freeze([])

/** Cuts access units, given as byte streams (annex B), into payloads: RFC 6184. */
export class H264Packetizer implements Packetizer {
  readonly #limit: number
  readonly #mode: H264PacketizationMode
  readonly #repeatParameterSets: boolean
  /** The last of their kind, the sequence parameter set first. */
  #parameterSets: readonly Uint8Array[] = noUnits

  constructor(options: H264PacketizerOptions = {}) {
    this.#limit = payloadLimit(options)
    this.#mode = options.mode ?? 1
    this.#repeatParameterSets = options.repeatParameterSets ?? true
  }

  packetize(frame: OutgoingFrame): readonly PacketizedPayload[] {
    if (frame.data.length === 0) return []
    const units = this.#withParameterSets(splitAnnexB(frame.data))
    if (units.length === 0) throw new PayloadError('bad-frame', 'no NAL unit behind a start code')
    const payloads = this.#mode === 0 ? this.#singly(units) : this.#aggregated(units)
    // RFC 6184 §5.1: on the last packet of the access unit.
    return payloads.map((payload, i) => ({ payload, marker: i === payloads.length - 1, timestampOffset: 0 }))
  }

  /** RFC 6184 §8.4, §8.5.1: parameter sets get lost too, so each picture from which decoding may start brings them along. */
  #withParameterSets(units: readonly Uint8Array[]): readonly Uint8Array[] {
    if (!this.#repeatParameterSets) return units
    const sets = units.filter(isParameterSet)
    if (sets.length > 0) {
      this.#parameterSets = sets.map(set => set.slice())
      return units
    }
    const idr = units.findIndex(unit => nalType(unit) === NalType.idrSlice)
    return idr < 0 ? units : [...units.slice(0, idr), ...this.#parameterSets, ...units.slice(idr)]
  }

  /** RFC 6184 §6.2: nothing but single NAL unit packets. */
  #singly(units: readonly Uint8Array[]): readonly Uint8Array[] {
    for (const unit of units) {
      if (unit.length <= this.#limit) continue
      throw new PayloadError('too-long', `packetization mode 0 cannot cut a NAL unit of ${unit.length} bytes`)
    }
    return units
  }

  /** RFC 6184 §6.3: small units share a packet, those beyond the limit are cut. */
  #aggregated(units: readonly Uint8Array[]): readonly Uint8Array[] {
    const payloads: Uint8Array[] = []
    let gathered: Uint8Array[] = []
    let length = 1
    const flush = (): void => {
      const [only] = gathered
      if (only) payloads.push(gathered.length === 1 ? only : stapA(gathered, length))
      gathered = []
      length = 1
    }
    for (const unit of units) {
      if (length + 2 + unit.length > this.#limit) flush()
      if (unit.length > this.#limit) {
        this.#fragment(unit, payloads)
        continue
      }
      gathered.push(unit)
      length += 2 + unit.length
    }
    flush()
    return payloads
  }

  /** RFC 6184 §5.8: the type moves from the first byte of the unit into the second of each fragment. */
  #fragment(unit: Uint8Array, payloads: Uint8Array[]): void {
    const header = unit[0] as number
    const count = Math.ceil((unit.length - 1) / (this.#limit - 2))
    let at = 1
    for (let left = count; left > 0; left--) {
      const length = Math.ceil((unit.length - at) / left)
      const payload = new Uint8Array(2 + length)
      payload[0] = (header & 0xe0) | NalType.fuA
      payload[1] = (left === count ? 0x80 : 0) | (left === 1 ? 0x40 : 0) | (header & 0x1f)
      payload.set(unit.subarray(at, at + length), 2)
      payloads.push(payload)
      at += length
    }
  }
}

/** RFC 6184 §5.7: F of any, and the highest NRI of all. */
function stapA(units: readonly Uint8Array[], length: number): Uint8Array {
  const payload = new Uint8Array(length)
  let forbidden = 0
  let importance = 0
  let at = 1
  for (const unit of units) {
    const header = unit[0] as number
    forbidden |= header & 0x80
    importance = Math.max(importance, header & 0x60)
    write16(payload, at, unit.length)
    payload.set(unit, at + 2)
    at += 2 + unit.length
  }
  payload[0] = forbidden | importance | NalType.stapA
  return payload
}

function isParameterSet(unit: Uint8Array): boolean {
  const type = nalType(unit)
  return type === NalType.sequenceParameters || type === NalType.pictureParameters
}

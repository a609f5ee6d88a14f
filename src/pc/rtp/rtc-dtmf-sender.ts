import {
  domString,
  type EventHandler,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
  requireArguments,
  requireToken,
  setEventHandler,
  TypedEventTarget,
  unsignedLong,
} from '../webidl.ts'
import type { RTCDTMFToneChangeEvent } from './events.ts'

/** The events of a DTMF sender, by type. */
export interface RTCDTMFSenderEventMap {
  tonechange: RTCDTMFToneChangeEvent
}

/** The internal slots of a DTMF sender, and the steps of its method. */
export interface DtmfSteps {
  readonly canInsert: boolean
  readonly toneBuffer: string
  insert(tones: string, durationMs: number, interToneGapMs: number): void
}

/** webrtc-pc §7.2: sends the tones of a telephone's keys. */
export class RTCDTMFSender extends TypedEventTarget<RTCDTMFSenderEventMap> {
  static {
    exposeInterface(RTCDTMFSender, 'RTCDTMFSender', { constructorLength: 0, implementedBy: value => #slots in value })
  }

  readonly #slots: DtmfSteps

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: DtmfSteps) {
    requireToken(token)
    super()
    this.#slots = slots
  }

  /**
   * Replaces the tones that are still to come.
   *
   * @param tones 0-9, A-D in either case, # and *; a comma is a pause of two seconds
   * @param duration of each, in milliseconds: taken to be within 40 and 6000
   * @param interToneGap in milliseconds: taken to be within 30 and 6000
   * @throws {DOMException} InvalidStateError if tones cannot be sent now, InvalidCharacterError for another character
   */
  insertDTMF(tones: string, duration = 100, interToneGap = 70): void {
    const slots = this.#slots
    const name = 'RTCDTMFSender.insertDTMF'
    requireArguments(arguments.length, 1, name)
    const text = domString(tones, `${name}: argument 1`)
    const durationMs = unsignedLong(duration, `${name}: argument 2`)
    slots.insert(text, durationMs, unsignedLong(interToneGap, `${name}: argument 3`))
  }

  get canInsertDTMF(): boolean {
    return this.#slots.canInsert
  }

  /** The tones that are still to come. */
  get toneBuffer(): string {
    return this.#slots.toneBuffer
  }

  get ontonechange(): HeldEventHandler {
    return getEventHandler(this, 'tonechange')
  }

  set ontonechange(handler: EventHandler<RTCDTMFSender, RTCDTMFToneChangeEvent>) {
    setEventHandler(this, 'tonechange', handler)
  }
}

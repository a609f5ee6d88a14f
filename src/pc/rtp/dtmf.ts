import { dtmfEvent } from '../../rtp/payload/telephone-event.ts'
import { TelephoneEventSender } from '../../rtp/payload/telephone-event-sender.ts'
import type { SessionCodec } from '../../rtp/session/types.ts'
import { codecRole } from '../../sdp/index.ts'
import { dispatch } from '../events.ts'
import { constructorToken } from '../webidl.ts'
import { toSdpCodec } from './codecs.ts'
import { RTCDTMFToneChangeEvent } from './events.ts'
import { type DtmfSteps, RTCDTMFSender } from './rtc-dtmf-sender.ts'
import type { MediaTransport, NegotiatedSection, TransceiverHost } from './slots.ts'

/** Where the tones go: the stream of an audio sender. */
export interface DtmfLine {
  /** webrtc-pc §7.3: whether tones can be sent. */
  readonly isOpen: boolean
  readonly section: NegotiatedSection | undefined
  readonly transport: MediaTransport | undefined
  readonly ssrc: number | undefined
  /** While a tone is sent, the audio is not: RFC 4733 §2.5.1.1 leaves it to the sender, and it would cover the tone. */
  hold(held: boolean): void
}

/** webrtc-pc §7.2 insertDTMF: all in milliseconds. */
const minDuration = 40
const maxDuration = 6_000
const minGap = 30
const maxGap = 6_000
const commaDelay = 2_000

const tonePattern = /^[0-9A-Da-d#*,]*$/

/** The internal slots of an RTCDTMFSender, and what plays its tones. */
export class Dtmf implements DtmfSteps {
  readonly object: RTCDTMFSender
  readonly #line: DtmfLine
  readonly #host: TransceiverHost
  #toneBuffer = ''
  #duration = 0
  #gap = 0
  /** Whether the playout task steps are scheduled to run. */
  #scheduled = false
  #stopped = false
  #cancelStep: (() => void) | undefined
  #cancelReport: (() => void) | undefined
  #events: TelephoneEventSender | undefined
  #clockRate = 0
  /** When the tone that is going on ends, on the clock of its transport. */
  #endsAt = 0

  constructor(line: DtmfLine, host: TransceiverHost) {
    this.#line = line
    this.#host = host
    this.object = new RTCDTMFSender(constructorToken, this)
  }

  get canInsert(): boolean {
    return !this.#stopped && this.#line.isOpen
  }

  get toneBuffer(): string {
    return this.#toneBuffer
  }

  /** webrtc-pc §7.2 insertDTMF */
  insert(tones: string, durationMs: number, interToneGapMs: number): void {
    // webrtc-pc §7.2 insertDTMF, step 4
    if (!this.canInsert) throw new DOMException('tones cannot be sent now', 'InvalidStateError')
    // webrtc-pc §7.2 insertDTMF, step 8
    if (!tonePattern.test(tones)) throw new DOMException('unrecognized tones', 'InvalidCharacterError')
    // webrtc-pc §7.2 insertDTMF, steps 9 to 15
    this.#toneBuffer = tones.toUpperCase()
    this.#duration = Math.min(Math.max(durationMs, minDuration), maxDuration)
    this.#gap = Math.min(Math.max(interToneGapMs, minGap), maxGap)
    // webrtc-pc §7.2 insertDTMF, steps 16 and 17
    if (this.#toneBuffer === '' || this.#scheduled) return
    this.#scheduled = true
    this.#host.queueTask(() => this.#play())
  }

  /** For good: no tone, no event. */
  stop(): void {
    this.#stopped = true
    this.#scheduled = false
    this.#cancelStep?.()
    this.#silence()
  }

  /** webrtc-pc §7.2: the DTMF playout task steps */
  #play(): void {
    this.#scheduled = false
    // webrtc-pc §7.2 DTMF playout task, step 1
    if (!this.canInsert) return
    // webrtc-pc §7.2 DTMF playout task, step 2
    if (this.#toneBuffer === '') {
      this.#fire('')
      return
    }
    // webrtc-pc §7.2 DTMF playout task, step 3
    const tone = this.#toneBuffer.charAt(0)
    this.#toneBuffer = this.#toneBuffer.slice(1)
    // webrtc-pc §7.2 DTMF playout task, steps 4 and 5
    if (tone === ',') this.#playIn(commaDelay)
    else {
      this.#start(tone)
      this.#playIn(this.#duration + this.#gap)
    }
    // webrtc-pc §7.2 DTMF playout task, step 6
    this.#fire(tone)
  }

  #playIn(delayMs: number): void {
    this.#scheduled = true
    this.#cancelStep = this.#host.setTimer(delayMs, () => this.#play())
  }

  #fire(tone: string): void {
    dispatch(this.object, new RTCDTMFToneChangeEvent('tonechange', { tone }))
  }

  #start(tone: string): void {
    const { transport, ssrc } = this.#line
    const codec = this.#codec()
    const event = dtmfEvent(tone)
    const stream = ssrc === undefined ? undefined : transport?.session.sendStream(ssrc)
    if (transport === undefined || stream === undefined || codec === undefined || event === undefined) return
    const now = transport.now()
    this.#report()
    const { clockRate } = codec
    if (this.#events === undefined || clockRate !== this.#clockRate || now < this.#endsAt) {
      this.#events = new TelephoneEventSender({ clockRate })
      this.#clockRate = clockRate
    }
    this.#endsAt = now + this.#duration
    this.#events.start({ event, durationMs: this.#duration }, stream.timestampAt(now), now)
    this.#line.hold(true)
    this.#report()
  }

  /** Sends the reports that are due, and waits for the next one. */
  #report(): void {
    this.#cancelReport?.()
    this.#cancelReport = undefined
    const { transport, ssrc } = this.#line
    const events = this.#events
    const codec = this.#codec()
    const stream = ssrc === undefined ? undefined : transport?.session.sendStream(ssrc)
    if (events === undefined) return
    if (transport === undefined || stream === undefined || codec?.clockRate !== this.#clockRate) {
      this.#silence()
      return
    }
    const { payloadType } = codec
    const now = transport.now()
    for (let packet = events.pollTransmit(now); packet !== undefined; packet = events.pollTransmit(now)) {
      stream.insert({ payloadType, ...packet }, now)
      transport.schedule()
    }
    const next = events.pollTimeout()
    if (next === undefined) this.#line.hold(false)
    else this.#cancelReport = this.#host.setTimer(Math.max(0, next - now), () => this.#report())
  }

  #silence(): void {
    this.#cancelReport?.()
    this.#cancelReport = undefined
    this.#events = undefined
    this.#line.hold(false)
  }

  /** RFC 4733 §2.1: the events have the clock rate of the audio that they interrupt. */
  #codec(): SessionCodec | undefined {
    const send = this.#line.section?.rtp.send ?? []
    const audio = send.find(each => codecRole(toSdpCodec(each)) === 'media')
    const events = send.filter(each => codecRole(toSdpCodec(each)) === 'telephone-event')
    return events.find(({ clockRate }) => clockRate === audio?.clockRate) ?? events[0]
  }
}

import { randomUuid } from '../../base/random.ts'
import { TransformSlot } from '../encoded-transform/transform-slot.ts'
import type { MediaStream } from '../media/media-stream.ts'
import type { MediaStreamTrack } from '../media/media-stream-track.ts'
import type { MediaKind } from '../media/track-signal.ts'
import type { RTCStatsReport } from '../stats.ts'
import { constructorToken } from '../webidl.ts'
import { Dtmf, type DtmfLine } from './dtmf.ts'
import { createEncoding } from './encodings.ts'
import {
  copyEncoding,
  type RTCDegradationPreference,
  type RTCRtpCodecParameters,
  type RTCRtpEncodingParameters,
  type RTCRtpHeaderExtensionParameters,
  type RTCRtpSendParameters,
  type RTCSetParameterOptions,
} from './parameters.ts'
import type { RTCDTMFSender } from './rtc-dtmf-sender.ts'
import { RTCRtpSender, type SenderSteps } from './rtc-rtp-sender.ts'
import { describedCodecs } from './section-parameters.ts'
import { Sending } from './sending.ts'
import { validateEncodingOptions, validateParameters } from './set-parameters.ts'
import type { EncodingSlots, MediaTransport, NegotiatedSection, TransceiverHost, TransceiverSlots } from './slots.ts'
import { senderTransformOwner } from './transform-owners.ts'

export interface SenderInit {
  readonly kind: MediaKind
  readonly track: MediaStreamTrack | null
  readonly streamIds: readonly string[]
  /** Validated; empty: the default one. */
  readonly encodings: readonly RTCRtpEncodingParameters[]
  readonly host: TransceiverHost
}

/** What a sender needs to know of its transceiver. */
export type SenderTransceiver = Pick<TransceiverSlots, 'stopping' | 'currentDirection'>

/** The internal slots of an RTCRtpSender, and the steps of its methods. */
export class Sender implements SenderSteps {
  readonly kind: MediaKind
  readonly object: RTCRtpSender
  readonly sending: Sending
  readonly transform: TransformSlot
  streamIds: readonly string[]
  codecs: readonly RTCRtpCodecParameters[] = []
  headerExtensions: readonly RTCRtpHeaderExtensionParameters[] = []
  degradationPreference: RTCDegradationPreference | undefined
  readonly #host: TransceiverHost
  readonly #transceiver: SenderTransceiver
  readonly #dtmf: Dtmf | undefined
  #track: MediaStreamTrack | null
  #transport: MediaTransport | undefined
  #encodings: EncodingSlots[]
  #section: NegotiatedSection | undefined
  /** [[LastReturnedParameters]] */
  #lastReturned: RTCRtpSendParameters | null = null
  #stopped = false

  constructor(init: SenderInit, transceiver: SenderTransceiver) {
    const { kind, host, encodings } = init
    this.kind = kind
    this.#host = host
    this.#transceiver = transceiver
    this.#track = init.track
    this.streamIds = [...new Set(init.streamIds)]
    // webrtc-pc §5.2 create an RTCRtpSender, step 11
    const given = encodings.length > 0 ? encodings : [{}]
    this.#encodings = given.map(each => createEncoding(each, kind, host))
    this.transform = new TransformSlot(senderTransformOwner(this, host))
    this.sending = new Sending(this, transceiver, this.transform)
    this.sending.setTrack(init.track)
    // webrtc-pc §5.2 create an RTCRtpSender, step 6
    this.#dtmf = kind === 'audio' ? new Dtmf(this.#dtmfLine(), host) : undefined
    this.object = new RTCRtpSender(constructorToken, this)
  }

  get dtmf(): RTCDTMFSender | null {
    return this.#dtmf?.object ?? null
  }

  get track(): MediaStreamTrack | null {
    return this.#track
  }

  set track(track: MediaStreamTrack | null) {
    this.#track = track
    if (!this.#stopped) this.sending.setTrack(track)
  }

  get transport(): MediaTransport | undefined {
    return this.#transport
  }

  set transport(transport: MediaTransport | undefined) {
    if (transport === this.#transport) return
    this.#transport = transport
    this.sending.changed()
  }

  get encodings(): EncodingSlots[] {
    return this.#encodings
  }

  set encodings(encodings: EncodingSlots[]) {
    this.#encodings = encodings
    this.sending.changed()
  }

  get transactionId(): string | null {
    return this.#lastReturned?.transactionId ?? null
  }

  /** Null ends the transaction; any other value belongs to one that getParameters() began. */
  set transactionId(id: string | null) {
    if (id === null) this.#lastReturned = null
  }

  negotiated(section: NegotiatedSection | undefined): void {
    this.#section = section
    // webrtc-pc §5.2.9: the parameters of a sender's codecs come from the remote description; §5.2.1: RTX is among them
    if (section !== undefined && section.rtp.send.length > 0) {
      this.codecs = describedCodecs(section.rtp.send, section.remote, this.kind)
    }
    if (!this.#stopped) this.sending.negotiated(section)
  }

  keyframeRequested(ssrc: number): void {
    this.sending.keyframeRequested(ssrc)
  }

  ssrcReplaced(ssrc: number, replacement: number): void {
    this.encodings = this.#encodings.map(each => (each.ssrc === ssrc ? { ...each, ssrc: replacement } : each))
  }

  writable(): void {
    this.sending.writable()
  }

  stopSending(): void {
    this.#stopped = true
    // webrtc-pc §5.4 stop sending and receiving, step 3: a BYE for each stream, and not only once the peer agrees
    this.#transport?.session.endStreams(this.#encodings.map(({ ssrc }) => ssrc))
    this.#transport?.schedule()
    this.#dtmf?.stop()
    this.sending.stop()
    this.transform.close()
  }

  /** webrtc-pc §5.2 getParameters */
  getParameters(): RTCRtpSendParameters {
    // webrtc-pc §5.2 getParameters, step 2
    if (this.#lastReturned !== null) return copyParameters(this.#lastReturned)
    // webrtc-pc §5.2 getParameters, step 3
    const result: RTCRtpSendParameters = {
      transactionId: randomUuid(this.#host.random),
      encodings: this.#encodings.map(({ parameters }) => copyEncoding(parameters)),
      headerExtensions: this.headerExtensions.map(each => ({ ...each })),
      codecs: this.codecs.map(each => ({ ...each })),
      rtcp: { cname: this.#host.cname, reducedSize: this.#section?.rtp.reducedSizeRtcp ?? false },
      ...(this.degradationPreference && { degradationPreference: this.degradationPreference }),
    }
    // webrtc-pc §5.2 getParameters, steps 4 and 5
    this.#lastReturned = result
    this.#host.queueTask(() => {
      this.#lastReturned = null
    })
    return copyParameters(result)
  }

  /** webrtc-pc §5.2 setParameters */
  async setParameters(parameters: RTCRtpSendParameters, options: Required<RTCSetParameterOptions>): Promise<void> {
    // webrtc-pc §5.2 setParameters, step 4
    if (this.#transceiver.stopping) throw new DOMException('the transceiver is stopping', 'InvalidStateError')
    // webrtc-pc §5.2 setParameters, step 5
    if (this.#lastReturned === null) {
      throw new DOMException('getParameters() was not called in this task', 'InvalidStateError')
    }
    // webrtc-pc §5.2 setParameters, step 6
    const { length } = this.#encodings
    const encodings = validateParameters(parameters, this.#lastReturned, length, this.kind)
    const { encodingOptions } = options
    const once = validateEncodingOptions(encodingOptions, length, this.kind)
    // webrtc-pc §5.2 setParameters, step 8
    return new Promise(resolve => {
      this.#host.queueTask(() => {
        this.#lastReturned = null
        this.degradationPreference = parameters.degradationPreference
        this.#configure(encodings, once)
        resolve()
      })
    })
  }

  /** webrtc-pc §5.2 replaceTrack */
  async replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    // webrtc-pc §5.2 replaceTrack, step 5
    if (track !== null && track.kind !== this.kind) throw new TypeError(`the sender is one of ${this.kind}`)
    // webrtc-pc §4.4.1.2, step 2
    if (this.#host.isClosed) throw new DOMException('the connection is closed', 'InvalidStateError')
    // webrtc-pc §5.2 replaceTrack, step 6
    return this.#host.chain(async () => {
      // webrtc-pc §5.2 replaceTrack, step 6.1
      if (this.#transceiver.stopping) throw new DOMException('the transceiver is stopping', 'InvalidStateError')
      // webrtc-pc §5.2 replaceTrack, step 6.4.1
      if (track === null) this.sending.setTrack(null)
      // webrtc-pc §5.2 replaceTrack, steps 6.4.2 to 6.4.4: what a track sends is known by its
      // packets alone; those whose codec was not negotiated are dropped
      return new Promise<void>(resolve => {
        this.#host.queueTask(() => {
          this.track = track
          resolve()
        })
      })
    })
  }

  /** webrtc-pc §5.2 setStreams */
  setStreams(streams: readonly MediaStream[]): void {
    // webrtc-pc §5.2 setStreams, step 3
    if (this.#host.isClosed) throw new DOMException('the connection is closed', 'InvalidStateError')
    // webrtc-pc §5.2 setStreams, steps 5 to 7
    this.streamIds = [...new Set(streams.map(({ id }) => id))]
    this.#host.updateNegotiationNeeded()
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#host.collectStats(this.object)
  }

  #configure(encodings: readonly RTCRtpEncodingParameters[], once: readonly { readonly keyFrame?: boolean }[]): void {
    encodings.forEach((parameters, index) => {
      // webrtc-pc §4.4.1.4, step 4.6.11.2.8: an answer that came in between may have removed some.
      const slots = this.#encodings.find(each => each.parameters.rid === parameters.rid)
      if (slots === undefined) return
      const begins = slots.parameters.active === false && parameters.active !== false
      slots.parameters = parameters
      if (begins || once[index]?.keyFrame === true) this.sending.requestKeyframe(slots)
    })
    this.sending.changed()
  }

  #dtmfLine(): DtmfLine {
    const sender = this
    return {
      get isOpen() {
        return sender.#canSendTones()
      },
      get section() {
        return sender.#section
      },
      get transport() {
        return sender.#transport
      },
      get ssrc() {
        return sender.#encodings[0]?.ssrc
      },
      hold(held: boolean) {
        sender.sending.held = held
      },
    }
  }

  /** webrtc-pc §7.3, steps 4 to 9 */
  #canSendTones(): boolean {
    const { isClosed, isConnected } = this.#host
    const { stopping, currentDirection } = this.#transceiver
    if (isClosed || !isConnected || stopping || this.#track === null) return false
    if (currentDirection !== 'sendrecv' && currentDirection !== 'sendonly') return false
    if (this.#encodings[0]?.parameters.active === false) return false
    return this.codecs.some(({ mimeType }) => mimeType.toLowerCase() === 'audio/telephone-event')
  }
}

function copyParameters(parameters: RTCRtpSendParameters): RTCRtpSendParameters {
  return structuredClone(parameters)
}

import type { SdpDirection } from '../../sdp/index.ts'
import type { MediaKind } from '../media/track-signal.ts'
import { constructorToken } from '../webidl.ts'
import { codecsMatch, isMediaCodec } from './codec-dictionary-match.ts'
import { codecCapabilities, headerExtensionCapabilities, isMandatoryExtension } from './codecs.ts'
import type { RTCRtpCodec, RTCRtpHeaderExtensionCapability } from './parameters.ts'
import { Receiver } from './receiver.ts'
import { RTCRtpTransceiver, type TransceiverSteps } from './rtc-rtp-transceiver.ts'
import { Sender, type SenderInit } from './sender.ts'
import type { NegotiatedSection, RTCRtpTransceiverDirection, TransceiverHost } from './slots.ts'

export interface TransceiverInit extends SenderInit {
  readonly direction: SdpDirection
  readonly addedByTrack: boolean
  /** Those of the first transceiver of the kind that is not stopping: webrtc-extensions §5.1. */
  readonly headerExtensionsToNegotiate?: readonly RTCRtpHeaderExtensionCapability[] | undefined
}

/** The internal slots of an RTCRtpTransceiver, and the steps of its methods. */
export class Transceiver implements TransceiverSteps {
  readonly kind: MediaKind
  addedByTrack: boolean
  readonly sender: Sender
  readonly receiver: Receiver
  readonly object: RTCRtpTransceiver
  mid: string | null = null
  jsepMid: string | null = null
  mLineIndex: number | undefined
  direction: RTCRtpTransceiverDirection
  currentDirection: RTCRtpTransceiverDirection | null = null
  firedDirection: SdpDirection | null = null
  receptive = false
  stopping = false
  stopped = false
  preferredCodecs: readonly RTCRtpCodec[] = []
  negotiated: NegotiatedSection | undefined
  headerExtensionsToNegotiate: readonly RTCRtpHeaderExtensionCapability[]
  negotiatedHeaderExtensions: readonly RTCRtpHeaderExtensionCapability[] = []
  readonly #host: TransceiverHost

  constructor(init: TransceiverInit) {
    this.kind = init.kind
    this.addedByTrack = init.addedByTrack
    this.direction = init.direction
    this.#host = init.host
    // webrtc-extensions §5.1, step 1
    this.headerExtensionsToNegotiate = init.headerExtensionsToNegotiate ?? headerExtensionCapabilities(init.kind)
    this.sender = new Sender(init, this)
    this.receiver = new Receiver(init.kind, init.host, this)
    this.object = new RTCRtpTransceiver(constructorToken, this)
  }

  /** webrtc-pc §5.4 direction, on setting */
  setDirection(direction: RTCRtpTransceiverDirection): void {
    // webrtc-pc §5.4 direction, step 3
    if (this.stopping) throw new DOMException('the transceiver is stopping', 'InvalidStateError')
    // webrtc-pc §5.4 direction, steps 5 and 6
    if (direction === this.direction) return
    if (direction === 'stopped') throw new TypeError('RTCRtpTransceiver.direction: stop() is what stops it')
    // webrtc-pc §5.4 direction, steps 7 and 8
    this.direction = direction
    this.#host.updateNegotiationNeeded()
  }

  /** webrtc-pc §5.4 stop */
  stop(): void {
    // webrtc-pc §5.4 stop, step 3
    if (this.#host.isClosed) throw new DOMException('the connection is closed', 'InvalidStateError')
    // webrtc-pc §5.4 stop, steps 4 to 6
    if (this.stopping) return
    this.#stopSendingAndReceiving()
    this.#host.updateNegotiationNeeded()
  }

  /** webrtc-pc §5.4 setCodecPreferences */
  setCodecPreferences(codecs: readonly RTCRtpCodec[]): void {
    // webrtc-pc §5.4 setCodecPreferences, step 4
    const distinct: RTCRtpCodec[] = []
    for (const codec of codecs) if (!distinct.some(each => codecsMatch(each, codec))) distinct.push(codec)
    // webrtc-pc §5.4 setCodecPreferences, steps 6 and 7
    const known = codecCapabilities(this.kind)
    for (const codec of distinct) {
      if (known.some(each => codecsMatch(each, codec))) continue
      throw new DOMException(`setCodecPreferences: ${codec.mimeType} as given is not implemented`, invalidModification)
    }
    // webrtc-pc §5.4 setCodecPreferences, steps 3 and 8
    if (distinct.length > 0 && !distinct.some(isMediaCodec)) {
      throw new DOMException('setCodecPreferences: none of the codecs carries media', invalidModification)
    }
    // webrtc-pc §5.4 setCodecPreferences, step 9
    this.preferredCodecs = distinct
  }

  /** webrtc-extensions §5.3 setHeaderExtensionsToNegotiate */
  setHeaderExtensionsToNegotiate(extensions: readonly RTCRtpHeaderExtensionCapability[]): void {
    const current = this.headerExtensionsToNegotiate
    // webrtc-extensions §5.3 setHeaderExtensionsToNegotiate, steps 3 and 4.2
    if (extensions.length !== current.length || extensions.some(({ uri }, index) => uri !== current[index]?.uri)) {
      throw new DOMException('the header extensions have to stay, in their order', invalidModification)
    }
    // webrtc-extensions §5.3 setHeaderExtensionsToNegotiate, steps 4.3 and 4.4
    const lacking = extensions.find(({ uri, direction }) => direction !== 'sendrecv' && isMandatoryExtension(uri))
    if (lacking !== undefined) throw new DOMException(`${lacking.uri} is mandatory`, invalidModification)
    // webrtc-extensions §5.3 setHeaderExtensionsToNegotiate, step 5
    this.headerExtensionsToNegotiate = extensions.map(each => ({ ...each }))
  }

  /** webrtc-pc §5.4: stop sending and receiving. The BYE leaves when the session is configured without the section. */
  #stopSendingAndReceiving(): void {
    // webrtc-pc §5.4 stop sending and receiving, steps 3 and 4
    this.sender.stopSending()
    this.receiver.stopReceiving()
    // webrtc-pc §5.4 stop sending and receiving, steps 6 and 7, before step 5: its listeners are to see them
    this.direction = 'inactive'
    this.stopping = true
    // webrtc-pc §5.4 stop sending and receiving, step 5; mediacapture-streams §4.3.1: in a task
    this.#host.queueTask(() => this.receiver.end())
  }
}

const invalidModification = 'InvalidModificationError'

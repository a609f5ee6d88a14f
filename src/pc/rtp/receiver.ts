import type { ReceivedPacket } from '../../rtp/session/receive-stream.ts'
import { receives } from '../../sdp/index.ts'
import { TransformSlot } from '../encoded-transform/transform-slot.ts'
import type { MediaStream } from '../media/media-stream.ts'
import { createTrack, type MediaStreamTrack, type TrackHandle } from '../media/media-stream-track.ts'
import type { MediaKind } from '../media/track-signal.ts'
import type { RTCStatsReport } from '../stats.ts'
import { constructorToken } from '../webidl.ts'
import type { RTCRtpContributingSource, RTCRtpReceiveParameters, RTCRtpSynchronizationSource } from './parameters.ts'
import { Receiving, type ReceivingDrop } from './receiving.ts'
import { type ReceiverSteps, RTCRtpReceiver } from './rtc-rtp-receiver.ts'
import { describedCodecs, headerExtensionParameters } from './section-parameters.ts'
import type { MediaTransport, NegotiatedSection, TransceiverHost, TransceiverSlots } from './slots.ts'
import { receiverTransformOwner } from './transform-owners.ts'

/** The internal slots of an RTCRtpReceiver, and the steps of its methods. */
export class Receiver implements ReceiverSteps {
  readonly kind: MediaKind
  readonly object: RTCRtpReceiver
  readonly receiving: Receiving
  readonly transform: TransformSlot
  readonly drops: Record<ReceivingDrop, number> = { 'not-receptive': 0, 'unknown-payload-type': 0, isolated: 0 }
  transport: MediaTransport | undefined
  streams: readonly MediaStream[] = []
  jitterBufferTarget: number | null = null
  readonly #host: TransceiverHost
  readonly #transceiver: Pick<TransceiverSlots, 'receptive'>
  readonly #track: TrackHandle
  readonly #wallTimeAtZero: number
  #section: NegotiatedSection | undefined
  #muted = true
  #unmuting = false
  #stopped = false

  constructor(kind: MediaKind, host: TransceiverHost, transceiver: Pick<TransceiverSlots, 'receptive'>) {
    this.kind = kind
    this.#host = host
    this.#transceiver = transceiver
    this.#wallTimeAtZero = host.wallTime() - host.now()
    this.transform = new TransformSlot(receiverTransformOwner(this, host))
    this.receiving = new Receiving(kind, this, this.transform)
    // webrtc-pc §5.3 create an RTCRtpReceiver, steps 2 to 6
    this.#track = createTrack({ source: this.receiving, label: `remote ${kind}`, muted: true, random: host.random })
    this.object = new RTCRtpReceiver(constructorToken, this)
  }

  get track(): MediaStreamTrack {
    return this.#track.track
  }

  negotiated(section: NegotiatedSection | undefined): void {
    this.#section = section
    this.receiving.negotiated(section)
  }

  setMuted(muted: boolean): void {
    if (this.#stopped && !muted) return
    this.#muted = muted
    this.#track.setMuted(muted)
  }

  end(): void {
    this.#track.end()
  }

  received(received: ReceivedPacket, now: number): void {
    if (this.#stopped || !this.#transceiver.receptive) {
      this.drops['not-receptive']++
      return
    }
    const drop = this.receiving.received(received, now)
    if (drop !== undefined) this.drops[drop]++
    // A packet without payload only probes the path.
    else if (this.#muted && received.packet.payload.length > 0) this.#unmute()
  }

  /** webrtc-identity §11.1.2: the track is isolated from the time on that the peers have agreed on that. Call it from a task. */
  isolateIfConfidential(): void {
    if (this.transport?.isolation?.isConfidential === true) this.#track.isolate()
  }

  /** webrtc-pc §9.3: a BYE for a stream that was received here mutes the track. */
  streamEnded(ssrc: number): void {
    if (this.receiving.synchronization.has(ssrc)) this.#host.queueTask(() => this.setMuted(true))
  }

  stopReceiving(): void {
    this.#stopped = true
    this.receiving.negotiated(undefined)
    this.transform.close()
  }

  /** webrtc-pc §5.3 getParameters */
  getParameters(): RTCRtpReceiveParameters {
    const section = this.#section
    if (section === undefined) return { headerExtensions: [], codecs: [], rtcp: { reducedSize: false } }
    return {
      headerExtensions: headerExtensionParameters(section, receives),
      // webrtc-pc §5.2.9: the parameters of a receiver's codecs come from the local description
      codecs: describedCodecs(section.rtp.receive, section.local, this.kind),
      rtcp: { reducedSize: section.rtp.reducedSizeRtcp },
    }
  }

  contributingSources(): RTCRtpContributingSource[] {
    return this.receiving.contributing.list(this.#host.now(), this.#wallTimeAtZero)
  }

  synchronizationSources(): RTCRtpSynchronizationSource[] {
    return this.receiving.synchronization.list(this.#host.now(), this.#wallTimeAtZero)
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#host.collectStats(this.object)
  }

  /** webrtc-pc §9.3: data on a track that is muted, and not ended, of a transceiver that is receptive */
  #unmute(): void {
    if (this.#unmuting || this.track.readyState === 'ended') return
    this.#unmuting = true
    this.#host.queueTask(() => {
      this.#unmuting = false
      if (this.#transceiver.receptive && this.track.readyState === 'live') this.setMuted(false)
    })
  }
}

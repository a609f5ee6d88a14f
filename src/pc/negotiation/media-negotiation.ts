import type { SdpMedia, SdpSession } from '../../sdp/index.ts'
import type { MediaTransport } from '../rtp/slots.ts'

/** A section of an offer, in its place. */
export type OfferedSection =
  /** Audio or video, whole but for what belongs to its transport (ports, ICE, DTLS, rtcp-mux, bundle-only, a=rtcp). */
  | { readonly type: 'media'; readonly section: SdpMedia }
  /** The section of data channels. */
  | { readonly type: 'data'; readonly mid: string }
  /** A place that is not used: port zero. */
  | { readonly type: 'rejected'; readonly section: SdpMedia }

export interface OfferLayout {
  /** The local description that the offer continues, pending before current. */
  readonly previousLocal: SdpSession | undefined
  /** The remote description, likewise: a section that either side has rejected can be used again. */
  readonly previousRemote: SdpSession | undefined
  readonly wantsData: boolean
  /** webrtc-extensions §15.3: an initial offer has the section of data before all others. */
  readonly dataFirst?: boolean
}

export interface AppliedMedia {
  readonly side: 'local' | 'remote'
  readonly type: 'offer' | 'answer' | 'pranswer'
  readonly session: SdpSession
  /** For an answer: the offer it answers. */
  readonly offer: SdpSession | undefined
}

/**
 * What the negotiation asks of the audio and video of a connection. It knows nothing of transports but their names, and
 * the negotiation nothing of transceivers.
 */
export interface MediaNegotiation {
  /** webrtc-pc §4.7.3, steps 4 and 5 of "check if negotiation is needed": a transceiver differs from what was negotiated. */
  isNeeded(currentLocal: SdpSession | undefined, currentRemote: SdpSession | undefined): boolean
  /** RFC 8829 §5.2: all sections of the next offer in order; with the mids it chose. */
  layOutOffer(layout: OfferLayout): readonly OfferedSection[]
  /** RFC 8829 §5.3.1: the answer to one audio or video section, without transport; undefined: it is rejected. */
  answerSection(offer: SdpSession, index: number): SdpMedia | undefined
  /**
   * RFC 8829 §5.8.3: what can be found out before anything is changed.
   *
   * @throws {DOMException | RTCError} as setLocalDescription and setRemoteDescription have it
   */
  check(applied: AppliedMedia): void
  /** RFC 8829 §5.9 to §5.11, webrtc-pc §4.4.1.5: transceivers follow a description. Called after {@link check}. */
  apply(applied: AppliedMedia): void
  /** Which transport each section that is in use has, now; called after {@link apply} once transports are settled. */
  connect(transportOf: (mid: string, mLineIndex?: number) => MediaTransport | undefined): void
  /** Goes back to what was before the pending offer, on either side. */
  rollback(): void
  /**
   * What is to be fired now that the description was applied, in order: webrtc-pc §4.4.1.5, steps after the signaling state
   * has changed (mute, addtrack and removetrack of streams, track). Each is to be called from the task that fires the rest.
   */
  takeEvents(): readonly (() => void)[]
  /** webrtc-pc §4.4.2 close, steps about transceivers: silent. */
  close(): void
}

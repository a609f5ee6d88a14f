import { ExtensionUri } from '../../rtp/extension-values.ts'
import type { SdpCodec, SdpDirection, SdpFeedback } from '../../sdp/index.ts'
import type { MediaKind } from '../media/track-signal.ts'
import type {
  RTCRtpCapabilities,
  RTCRtpCodec,
  RTCRtpCodecParameters,
  RTCRtpHeaderExtensionCapability,
} from './parameters.ts'

/** RFC 4585 §4.2, RFC 5104 §7.1, draft-alvestrand-rmcat-remb-03 §2.3; transport-cc as browsers write it. */
const videoFeedback: readonly SdpFeedback[] = [
  { type: 'goog-remb' },
  { type: 'transport-cc' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
]
/** A lost packet of Opus can be had again, as it was: it arrives within what a jitter buffer waits. */
const opusFeedback: readonly SdpFeedback[] = [{ type: 'transport-cc' }, { type: 'nack' }]
const audioFeedback: readonly SdpFeedback[] = [{ type: 'transport-cc' }]

const h264Common = 'level-asymmetry-allowed=1;packetization-mode='

/** In order of preference. RFC 7874 §3, RFC 7742 §5: Opus, G.711, telephone-event, VP8 and H.264 are mandatory. */
const codecs: Readonly<Record<MediaKind, readonly SdpCodec[]>> = {
  audio: [
    // RFC 7587 §7: two channels, always.
    audio(111, 'opus', 48_000, { channels: 2, fmtp: 'minptime=10;useinbandfec=1', feedback: opusFeedback }),
    audio(0, 'PCMU', 8_000, { feedback: audioFeedback }),
    audio(8, 'PCMA', 8_000, { feedback: audioFeedback }),
    // RFC 4733 §2.1: an event has the clock of the audio it goes with.
    audio(110, 'telephone-event', 48_000, { fmtp: '0-15', feedback: [] }),
    audio(126, 'telephone-event', 8_000, { fmtp: '0-15', feedback: [] }),
  ],
  video: [
    video(96, 'VP8'),
    video(98, 'VP9', 'profile-id=0'),
    video(102, 'H264', `${h264Common}1;profile-level-id=42e01f`),
    video(104, 'H264', `${h264Common}0;profile-level-id=42e01f`),
    video(100, 'AV1', 'level-idx=5;profile=0;tier=0'),
  ],
}

interface ExtensionAbility {
  readonly uri: string
  readonly direction: SdpDirection
  /** RFC 9143 §15, RFC 8829 §5.2.1: bundling cannot do without it. */
  readonly mandatory?: boolean
}

const common: readonly ExtensionAbility[] = [
  { uri: ExtensionUri.mid, direction: 'sendrecv', mandatory: true },
  { uri: ExtensionUri.transportSequenceNumber, direction: 'sendrecv' },
  { uri: ExtensionUri.absSendTime, direction: 'sendrecv' },
  { uri: ExtensionUri.absCaptureTime, direction: 'sendrecv' },
]

const extensions: Readonly<Record<MediaKind, readonly ExtensionAbility[]>> = {
  audio: [
    ...common,
    { uri: ExtensionUri.audioLevel, direction: 'sendrecv' },
    { uri: ExtensionUri.mixerAudioLevels, direction: 'sendrecv' },
  ],
  video: [
    ...common,
    { uri: ExtensionUri.rtpStreamId, direction: 'sendrecv' },
    { uri: ExtensionUri.repairedRtpStreamId, direction: 'sendrecv' },
    { uri: ExtensionUri.videoOrientation, direction: 'sendrecv' },
    { uri: ExtensionUri.playoutDelay, direction: 'sendrecv' },
    { uri: ExtensionUri.transmissionOffset, direction: 'sendrecv' },
  ],
}

/** The clock rate of every video codec: RFC 3551 §5. */
export const videoClockRate = 90_000

/**
 * The codecs that are implemented, in order of preference, as a section describes them; each with the payload type that
 * it would like to have. Retransmissions are not among them: a video codec has one `rtx` of its own.
 */
export function localCodecs(kind: MediaKind): readonly SdpCodec[] {
  return codecs[kind]
}

/**
 * Whether a codec is negotiated only where the application asks for it by setCodecPreferences: its packets go from track to
 * track as they are, but nothing here makes frames of them.
 */
export function isOnRequest({ name }: SdpCodec): boolean {
  return name.toUpperCase() === 'AV1'
}

/** webrtc-extensions §5.1: the initial [[HeaderExtensionsToNegotiate]], which are all that are implemented. */
export function headerExtensionCapabilities(kind: MediaKind): RTCRtpHeaderExtensionCapability[] {
  return extensions[kind].map(({ uri, direction }) => ({ uri, direction }))
}

/** Whether nothing can be sent or received in a bundle without this header extension. */
export function isMandatoryExtension(uri: string): boolean {
  return common.some(each => each.uri === uri && each.mandatory === true)
}

/** webrtc-pc §5.2 getCapabilities: the list of implemented codecs, for sending as for receiving. */
export function codecCapabilities(kind: MediaKind): RTCRtpCodec[] {
  const list = codecs[kind].map(codec => toRtpCodec(kind, codec))
  // webrtc-pc §5.2.10: a single entry for RTX, without sdpFmtpLine
  if (kind === 'video') list.push({ mimeType: 'video/rtx', clockRate: videoClockRate })
  return list
}

/** webrtc-pc §5.2 and §5.3 getCapabilities: null for what is neither audio nor video. */
export function capabilities(kind: string): RTCRtpCapabilities | null {
  if (kind !== 'audio' && kind !== 'video') return null
  return { codecs: codecCapabilities(kind), headerExtensions: headerExtensionCapabilities(kind) }
}

/** A codec of a section as the W3C describes it. */
export function toRtpCodec(kind: MediaKind, { name, clockRate, channels, fmtp }: SdpCodec): RTCRtpCodec {
  const codec: RTCRtpCodec = { mimeType: `${kind}/${name}`, clockRate }
  // webrtc-pc §5.2.8: channels are of audio; RFC 8866 §6.6: one, if the description does not say
  if (kind === 'audio') codec.channels = channels ?? 1
  if (fmtp !== undefined) codec.sdpFmtpLine = fmtp
  return codec
}

export function toCodecParameters(kind: MediaKind, codec: SdpCodec): RTCRtpCodecParameters {
  return { ...toRtpCodec(kind, codec), payloadType: codec.payloadType }
}

/** A codec of the W3C as a section describes it: without feedback; its payload type means nothing if there is none. */
export function toSdpCodec(codec: RTCRtpCodec & { payloadType?: number }): SdpCodec {
  return {
    payloadType: codec.payloadType ?? 0,
    name: codec.mimeType.slice(codec.mimeType.indexOf('/') + 1),
    clockRate: codec.clockRate,
    ...(codec.channels === undefined ? {} : { channels: codec.channels }),
    ...(codec.sdpFmtpLine === undefined ? {} : { fmtp: codec.sdpFmtpLine }),
    feedback: [],
  }
}

function audio(
  payloadType: number,
  name: string,
  clockRate: number,
  rest: Pick<SdpCodec, 'channels' | 'fmtp' | 'feedback'>,
): SdpCodec {
  return { payloadType, name, clockRate, ...rest }
}

function video(payloadType: number, name: string, fmtp?: string): SdpCodec {
  const codec = { payloadType, name, clockRate: 90_000, feedback: videoFeedback }
  return fmtp === undefined ? codec : { ...codec, fmtp }
}

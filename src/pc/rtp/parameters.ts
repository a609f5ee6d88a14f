import conversions from 'webidl-conversions'
import type { MediaStream } from '../media/media-stream.ts'
import { type RTCResolutionRestriction, toResolutionRestriction } from '../media/resolution-restriction.ts'
import type { RTCPriorityType } from '../rtc-data-channel.ts'
import {
  boolean,
  type Converter,
  dictionary,
  domString,
  double,
  enumeration,
  optional,
  required,
  sequence,
  unsignedLong,
  unsignedShort,
  withDefault,
} from '../webidl.ts'
import type { RTCRtpTransceiverDirection } from './slots.ts'

/** webrtc-pc §5.2.8 */
export interface RTCRtpCodec {
  /** `video/VP8`; compared in any case. */
  mimeType: string
  /** Hertz. */
  clockRate: number
  /** Of audio. */
  channels?: number
  /** What `a=fmtp` says. */
  sdpFmtpLine?: string
}

/** webrtc-pc §5.2.9 */
export interface RTCRtpCodecParameters extends RTCRtpCodec {
  payloadType: number
}

/** webrtc-pc §5.2.5 */
export interface RTCRtpEncodingParameters {
  rid?: string
  /** True if not given. */
  active?: boolean
  codec?: RTCRtpCodec
  /** Bits per second: bounds what the encoder is told to produce. */
  maxBitrate?: number
  /** Pictures a second: for the encoder, which hears of it by `targetbitrate` events of its source. */
  maxFramerate?: number
  /** 1 or more: likewise. */
  scaleResolutionDownBy?: number
  /** webrtc-extensions §6.1: the largest picture, in place of {@link scaleResolutionDownBy}: likewise. */
  scaleResolutionDownTo?: RTCResolutionRestriction
  /** webrtc-svc §4.1: the layers of a stream, as `L1T3`: likewise. */
  scalabilityMode?: string
  /** webrtc-extensions §6.1: milliseconds of sound that a packet is to have: likewise. */
  ptime?: number
  /** webrtc-extensions §6.1: packets may have more or less sound than others: likewise. False if not given. */
  adaptivePtime?: boolean
  /** webrtc-priority §4: its share of the bit rate among the senders of its kind; `low` if not given. */
  priority?: RTCPriorityType
  /** Kept and given back. It stands for the DSCP of packets (RFC 8837), which sockets of Node have no means to set. */
  networkPriority?: RTCPriorityType
}

/** webrtc-pc §5.2.6 */
export interface RTCRtcpParameters {
  cname?: string
  reducedSize?: boolean
}

/** webrtc-pc §5.2.7 */
export interface RTCRtpHeaderExtensionParameters {
  uri: string
  id: number
  encrypted?: boolean
}

/** webrtc-pc §5.2.1 */
export interface RTCRtpParameters {
  headerExtensions: RTCRtpHeaderExtensionParameters[]
  rtcp: RTCRtcpParameters
  codecs: RTCRtpCodecParameters[]
}

/**
 * mst-content-hint: what is to stay as it is where there is not enough room.
 *
 * `maintain-framerate-and-resolution` is taken as well. TypeScript's lib.dom does not know it, and must take what we give back.
 */
export type RTCDegradationPreference = 'maintain-framerate' | 'maintain-resolution' | 'balanced'

/** webrtc-pc §5.2.2 */
export interface RTCRtpSendParameters extends RTCRtpParameters {
  transactionId: string
  encodings: RTCRtpEncodingParameters[]
  /** mst-content-hint: for the encoder, which hears of it by `targetbitrate` events of its source. */
  degradationPreference?: RTCDegradationPreference
}

/** webrtc-pc §5.2.3 */
export interface RTCRtpReceiveParameters extends RTCRtpParameters {}

/** webrtc-extensions §7: what setParameters() is to do once. */
export interface RTCSetParameterOptions {
  /** One for each encoding, or none. */
  encodingOptions?: RTCEncodingOptions[]
}

export interface RTCEncodingOptions {
  /** The next picture is to be a keyframe. */
  keyFrame?: boolean
}

/** webrtc-pc §5.2.11, webrtc-extensions §5.1 */
export interface RTCRtpHeaderExtensionCapability {
  uri: string
  direction: RTCRtpTransceiverDirection
}

/** webrtc-pc §5.2.10 */
export interface RTCRtpCapabilities {
  codecs: RTCRtpCodec[]
  headerExtensions: RTCRtpHeaderExtensionCapability[]
}

/** webrtc-pc §5.1 */
export interface RTCRtpTransceiverInit {
  /** `sendrecv` if not given. */
  direction?: RTCRtpTransceiverDirection
  streams?: MediaStream[]
  sendEncodings?: RTCRtpEncodingParameters[]
}

/** webrtc-pc §5.3 */
export interface RTCRtpContributingSource {
  /** Milliseconds since 1970. */
  timestamp: number
  source: number
  /** From 0 (silence) to 1. */
  audioLevel?: number
  rtpTimestamp: number
  /** webrtc-extensions §10.1: when it was captured, by the NTP clock of the capture system, in milliseconds. */
  captureTimestamp?: number
  /** webrtc-extensions §10.1: between the NTP clocks of sender and capture system, in milliseconds. */
  senderCaptureTimeOffset?: number
}

export interface RTCRtpSynchronizationSource extends RTCRtpContributingSource {}

const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive', 'stopped'] as const
const priorities = ['very-low', 'low', 'medium', 'high'] as const

export const octet: Converter<number> = (value, context) => conversions.octet(value, { context })

export const toTransceiverDirection: Converter<RTCRtpTransceiverDirection> = enumeration(
  'RTCRtpTransceiverDirection',
  directions,
)

/** What is no direction is undefined: an attribute of an enumeration ignores it. */
export function parseTransceiverDirection(value: unknown, context: string): RTCRtpTransceiverDirection | undefined {
  const text = domString(value, context)
  return directions.find(each => each === text)
}

const toPriority = enumeration<RTCPriorityType>('RTCPriorityType', priorities)

const codecMembers = {
  channels: optional(unsignedShort),
  clockRate: required(unsignedLong),
  mimeType: required(domString),
  sdpFmtpLine: optional(domString),
} as const

export const toRtpCodec: Converter<RTCRtpCodec> = dictionary('RTCRtpCodec', codecMembers)

const toCodecParameters: Converter<RTCRtpCodecParameters> = dictionary('RTCRtpCodecParameters', {
  ...codecMembers,
  payloadType: required(octet),
})

export const toEncodingParameters: Converter<RTCRtpEncodingParameters> = dictionary('RTCRtpEncodingParameters', {
  rid: optional(domString),
  active: withDefault(boolean, true),
  adaptivePtime: withDefault(boolean, false),
  codec: optional(toRtpCodec),
  maxBitrate: optional(unsignedLong),
  maxFramerate: optional(double),
  networkPriority: optional(toPriority),
  priority: withDefault(toPriority, 'low'),
  ptime: optional(unsignedLong),
  scalabilityMode: optional(domString),
  scaleResolutionDownBy: optional(double),
  scaleResolutionDownTo: optional(toResolutionRestriction),
})

const toRtcpParameters: Converter<RTCRtcpParameters> = dictionary('RTCRtcpParameters', {
  cname: optional(domString),
  reducedSize: optional(boolean),
})

const toHeaderExtensionParameters: Converter<RTCRtpHeaderExtensionParameters> = dictionary(
  'RTCRtpHeaderExtensionParameters',
  { encrypted: withDefault(boolean, false), id: required(unsignedShort), uri: required(domString) },
)

export const toHeaderExtensionCapability: Converter<RTCRtpHeaderExtensionCapability> = dictionary(
  'RTCRtpHeaderExtensionCapability',
  // The members of the dictionary and of its partial dictionary are read as one, by name.
  { direction: required(toTransceiverDirection), uri: required(domString) },
)

const degradationPreferences = [
  'maintain-framerate',
  'maintain-resolution',
  'balanced',
  'maintain-framerate-and-resolution',
] as const
const toDegradationPreference = enumeration(
  'RTCDegradationPreference',
  degradationPreferences as readonly string[] as readonly RTCDegradationPreference[],
)

export const toSendParameters: Converter<RTCRtpSendParameters> = dictionary('RTCRtpSendParameters', {
  codecs: required(sequence(toCodecParameters)),
  headerExtensions: required(sequence(toHeaderExtensionParameters)),
  rtcp: required(toRtcpParameters),
  degradationPreference: optional(toDegradationPreference),
  encodings: required(sequence(toEncodingParameters)),
  transactionId: required(domString),
})

const setParameterOptions: Converter<RTCSetParameterOptions> = dictionary('RTCSetParameterOptions', {
  encodingOptions: optional(
    sequence<RTCEncodingOptions>(dictionary('RTCEncodingOptions', { keyFrame: withDefault(boolean, false) })),
  ),
})

export const toSetParameterOptions: Converter<Required<RTCSetParameterOptions>> = (value, context) => ({
  encodingOptions: [],
  ...setParameterOptions(value, context),
})

/**
 * The converter of RTCRtpTransceiverInit.
 *
 * @param toMediaStream the interface type MediaStream
 */
export function transceiverInit(toMediaStream: Converter<MediaStream>): Converter<Required<RTCRtpTransceiverInit>> {
  const convert = dictionary('RTCRtpTransceiverInit', {
    direction: withDefault(toTransceiverDirection, 'sendrecv'),
    sendEncodings: optional(sequence(toEncodingParameters)),
    streams: optional(sequence(toMediaStream)),
  })
  // Each dictionary gets empty sequences of its own.
  return (value, context) => ({ sendEncodings: [], streams: [], ...convert(value, context) })
}

/** An encoding that shares nothing with the one it was made of. */
export function copyEncoding(encoding: RTCRtpEncodingParameters): RTCRtpEncodingParameters {
  const { codec, scaleResolutionDownTo } = encoding
  return {
    ...encoding,
    ...(codec === undefined ? {} : { codec: { ...codec } }),
    ...(scaleResolutionDownTo === undefined ? {} : { scaleResolutionDownTo: { ...scaleResolutionDownTo } }),
  }
}

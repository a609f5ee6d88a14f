import { RtpError } from './errors.ts'
import { read16, read24, read64, write16, write24, write64 } from './wire.ts'

/** The header extensions whose values are known here, by the URI that `a=extmap` gives them. */
export const ExtensionUri = {
  /** RFC 9143 §15: the media section that a stream belongs to. */
  mid: 'urn:ietf:params:rtp-hdrext:sdes:mid',
  /** RFC 8852 §4.3. */
  rtpStreamId: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  repairedRtpStreamId: 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
  /** RFC 6464. */
  audioLevel: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  /** RFC 6465. */
  mixerAudioLevels: 'urn:ietf:params:rtp-hdrext:csrc-audio-level',
  /** RFC 5450. */
  transmissionOffset: 'urn:ietf:params:rtp-hdrext:toffset',
  /** 3GPP TS 26.114 §7.4.5. */
  videoOrientation: 'urn:3gpp:video-orientation',
  absSendTime: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  absCaptureTime: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
  playoutDelay: 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
  /** draft-holmer-rmcat-transport-wide-cc-extensions-01. */
  transportSequenceNumber: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  /** The same with feedback on request. */
  transportSequenceNumber2: 'http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02',
} as const

const latin1 = new TextDecoder('latin1')
const midToken = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+$/
const streamId = /^[0-9A-Za-z_-]+$/

/** A media identification, or undefined if it is not the token of RFC 5888 §4. */
export function readMid(data: Uint8Array): string | undefined {
  const text = latin1.decode(data)
  return midToken.test(text) ? text : undefined
}

/**
 * An RtpStreamId or RepairedRtpStreamId, or undefined if it is none.
 *
 * RFC 8852 §3: alphanumeric. But the `a=rid` that it refers to may have `-` and `_` too (RFC 8851 §10), and peers that
 * name their streams so send them here: they are taken.
 */
export function readRtpStreamId(data: Uint8Array): string | undefined {
  const text = latin1.decode(data)
  return streamId.test(text) ? text : undefined
}

/**
 * The value for a MID or stream id: what `a=mid` or `a=rid` says, be it with the `-` and `_` of RFC 8851 §10.
 *
 * @throws {RtpError} for text that is not ASCII
 */
export function writeIdentifier(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length !== text.length) throw new RtpError('bad-extension-value', 'an identifier is ASCII')
  return bytes
}

/** 24 bits of seconds as 6.18 fixed point: it wraps every 64 s. */
export function readAbsSendTime(data: Uint8Array): number | undefined {
  return data.length === 3 ? read24(data, 0) : undefined
}

/** abs-send-time.md: (ntp >> 14) & 0x00ffffff. */
export function absSendTimeFromNtp(ntp: bigint): number {
  return Number((ntp >> 14n) & 0xff_ffffn)
}

export function writeAbsSendTime(time: number): Uint8Array {
  const data = new Uint8Array(3)
  write24(data, 0, time)
  return data
}

export interface TransportSequence {
  readonly sequenceNumber: number
  /** The sender wants feedback at once, about this many packets up to this one. */
  readonly feedbackRequest: { readonly packets: number; readonly withTiming: boolean } | undefined
}

/** A transport-wide sequence number, in the form with or without a feedback request. */
export function readTransportSequence(data: Uint8Array): TransportSequence | undefined {
  if (data.length !== 2 && data.length !== 4) return undefined
  const sequenceNumber = read16(data, 0)
  const request = data.length === 4 ? read16(data, 2) : 0
  // transport-wide-cc-02.md: a sequence count of zero asks for nothing.
  const packets = request & 0x7fff
  const feedbackRequest = packets === 0 ? undefined : { packets, withTiming: request >>> 15 === 1 }
  return { sequenceNumber, feedbackRequest }
}

export function writeTransportSequence({ sequenceNumber, feedbackRequest }: TransportSequence): Uint8Array {
  const data = new Uint8Array(feedbackRequest ? 4 : 2)
  write16(data, 0, sequenceNumber)
  if (feedbackRequest) {
    write16(data, 2, (feedbackRequest.withTiming ? 0x8000 : 0) | (feedbackRequest.packets & 0x7fff))
  }
  return data
}

export interface AudioLevel {
  /** -dBov: 0 is the loudest, 127 is silence. */
  readonly level: number
  /** Means something only if `vad` was negotiated. */
  readonly voiceActivity: boolean
}

/** RFC 6464 §3. */
export function readAudioLevel(data: Uint8Array): AudioLevel | undefined {
  const byte = data[0]
  // In the two-byte form some senders pad the value; what follows the first byte is theirs.
  return byte === undefined ? undefined : { level: byte & 0x7f, voiceActivity: byte >= 0x80 }
}

export function writeAudioLevel({ level, voiceActivity }: AudioLevel): Uint8Array {
  return Uint8Array.of((voiceActivity ? 0x80 : 0) | within(level, 127, 'audio level'))
}

/** RFC 6465 §4: a level for each CSRC, in -dBov. Undefined if there are more than 15. */
export function readMixerAudioLevels(data: Uint8Array): readonly number[] | undefined {
  return data.length > 15 ? undefined : Array.from(data, byte => byte & 0x7f)
}

export function writeMixerAudioLevels(levels: readonly number[]): Uint8Array {
  if (levels.length > 15) throw new RtpError('bad-extension-value', `${levels.length} audio levels, 15 fit`)
  return Uint8Array.from(levels, level => within(level, 127, 'audio level'))
}

export interface AbsCaptureTime {
  /** An NTP timestamp of the capturing system. */
  readonly captureTime: bigint
  /** Signed 32.32 fixed-point seconds: what to add to the sender's NTP clock for the capturing system's. */
  readonly clockOffset: bigint | undefined
}

/** abs-capture-time.md: 8 bytes, or 16 with the clock offset. */
export function readAbsCaptureTime(data: Uint8Array): AbsCaptureTime | undefined {
  if (data.length !== 8 && data.length !== 16) return undefined
  const clockOffset = data.length === 16 ? BigInt.asIntN(64, read64(data, 8)) : undefined
  return { captureTime: read64(data, 0), clockOffset }
}

export function writeAbsCaptureTime({ captureTime, clockOffset }: AbsCaptureTime): Uint8Array {
  const data = new Uint8Array(clockOffset === undefined ? 8 : 16)
  write64(data, 0, captureTime)
  if (clockOffset !== undefined) write64(data, 8, BigInt.asUintN(64, clockOffset))
  return data
}

/** Limits of the time from capture to rendering, in milliseconds: multiples of 10, up to 40950. */
export interface PlayoutDelay {
  readonly min: number
  readonly max: number
}

/** playout-delay.md. Undefined too where the minimum is above the maximum. */
export function readPlayoutDelay(data: Uint8Array): PlayoutDelay | undefined {
  if (data.length !== 3) return undefined
  const both = read24(data, 0)
  const min = (both >>> 12) * 10
  const max = (both & 0xfff) * 10
  return min > max ? undefined : { min, max }
}

export function writePlayoutDelay({ min, max }: PlayoutDelay): Uint8Array {
  const data = new Uint8Array(3)
  const tens = (milliseconds: number): number => within(Math.round(milliseconds / 10), 0xfff, 'playout delay')
  write24(data, 0, (tens(min) << 12) | tens(max))
  return data
}

/** How a picture is to be turned for display: 3GPP TS 26.114 §7.4.5. */
export interface VideoOrientation {
  readonly camera: 'front' | 'back'
  /** Mirrored left to right. */
  readonly flip: boolean
  /** Degrees. */
  readonly rotation: 0 | 90 | 180 | 270
}

const rotations = [0, 90, 180, 270] as const

export function readVideoOrientation(data: Uint8Array): VideoOrientation | undefined {
  const byte = data[0]
  if (byte === undefined) return undefined
  return {
    camera: (byte & 0x08) === 0 ? 'front' : 'back',
    flip: (byte & 0x04) !== 0,
    rotation: rotations[byte & 0x03] ?? 0,
  }
}

export function writeVideoOrientation({ camera, flip, rotation }: VideoOrientation): Uint8Array {
  return Uint8Array.of((camera === 'back' ? 0x08 : 0) | (flip ? 0x04 : 0) | rotations.indexOf(rotation))
}

/** RFC 5450 §3: what to add to the RTP timestamp for the time of transmission; signed, in units of the RTP clock. */
export function readTransmissionOffset(data: Uint8Array): number | undefined {
  return data.length === 3 ? (read24(data, 0) << 8) >> 8 : undefined
}

export function writeTransmissionOffset(offset: number): Uint8Array {
  if (offset < -0x80_0000 || offset > 0x7f_ffff) throw new RtpError('bad-extension-value', `offset ${offset}`)
  const data = new Uint8Array(3)
  write24(data, 0, offset)
  return data
}

function within(value: number, max: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RtpError('bad-extension-value', `${what} ${value}`)
  }
  return value
}

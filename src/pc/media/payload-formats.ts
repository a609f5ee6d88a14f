import { AudioDepacketizer, G711Packetizer, OpusDepacketizer, OpusPacketizer } from '../../rtp/payload/audio.ts'
import type { Depacketizer, Packetizer } from '../../rtp/payload/frame.ts'
import { H264Depacketizer } from '../../rtp/payload/h264-depacketizer.ts'
import { isH264Keyframe } from '../../rtp/payload/h264-nal.ts'
import { H264Packetizer } from '../../rtp/payload/h264-packetizer.ts'
import { opusClockRate, opusSamples } from '../../rtp/payload/opus.ts'
import { isVp8Keyframe, Vp8Depacketizer, Vp8Packetizer } from '../../rtp/payload/vp8.ts'
import { isVp9Keyframe, Vp9Depacketizer, Vp9Packetizer } from '../../rtp/payload/vp9.ts'
import type { MediaCodec, MediaKind } from './track-signal.ts'

/** A codec whose frames can be put into packets, and packets into frames. */
export interface PayloadFormat {
  readonly kind: MediaKind
  readonly codec: MediaCodec
  /** For packets that have no negotiated one: the static one of RFC 3551, or any. */
  readonly payloadType: number
  packetizer(codec: MediaCodec, maxPayloadBytes: number): Packetizer
  depacketizer(codec: MediaCodec): Depacketizer
  isKeyframe(data: Uint8Array): boolean
  /** How long a frame lasts, in units of the clock, where it tells. */
  duration(data: Uint8Array): number | undefined
}

const videoClockRate = 90_000
/** RFC 3551 §6: the first of the dynamic payload types. */
const dynamicPayloadType = 96

const audio = { kind: 'audio', isKeyframe: () => true } as const
const video = { kind: 'video', payloadType: dynamicPayloadType, duration: () => undefined } as const

const formats: readonly PayloadFormat[] = [
  {
    ...audio,
    codec: { mimeType: 'audio/opus', clockRate: opusClockRate, channels: 2 },
    payloadType: dynamicPayloadType,
    packetizer: (_codec, maxPayloadBytes) => new OpusPacketizer({ maxPayloadBytes }),
    depacketizer: () => new OpusDepacketizer(),
    duration: opusSamples,
  },
  g711('audio/PCMU', 0),
  g711('audio/PCMA', 8),
  {
    ...video,
    codec: { mimeType: 'video/VP8', clockRate: videoClockRate },
    packetizer: (_codec, maxPayloadBytes) => new Vp8Packetizer({ maxPayloadBytes }),
    depacketizer: () => new Vp8Depacketizer(),
    isKeyframe: isVp8Keyframe,
  },
  {
    ...video,
    codec: { mimeType: 'video/VP9', clockRate: videoClockRate },
    packetizer: (_codec, maxPayloadBytes) => new Vp9Packetizer({ maxPayloadBytes }),
    depacketizer: () => new Vp9Depacketizer(),
    isKeyframe: isVp9Keyframe,
  },
  {
    ...video,
    codec: { mimeType: 'video/H264', clockRate: videoClockRate },
    packetizer: ({ sdpFmtpLine }, maxPayloadBytes) =>
      // RFC 6184 §8.1: without the parameter, the mode is 0; without any parameters, nothing was negotiated yet.
      new H264Packetizer({ maxPayloadBytes, mode: /packetization-mode=1|^$/.test(sdpFmtpLine ?? '') ? 1 : 0 }),
    depacketizer: ({ sdpFmtpLine }) => new H264Depacketizer({ parameterSets: parameterSets(sdpFmtpLine ?? '') }),
    isKeyframe: isH264Keyframe,
  },
]

const byMimeType = new Map(formats.map(format => [format.codec.mimeType.toLowerCase(), format]))

/** The format of a codec, by its MIME type in any case; undefined if there is none here. */
export function payloadFormat(mimeType: string): PayloadFormat | undefined {
  return byMimeType.get(mimeType.toLowerCase())
}

/** RFC 3551 §4.5.14: one byte a sample, 8000 of them a second. */
function g711(mimeType: string, payloadType: number): PayloadFormat {
  return {
    ...audio,
    codec: { mimeType, clockRate: 8_000, channels: 1 },
    payloadType,
    packetizer: (_codec, maxPayloadBytes) => new G711Packetizer({ maxPayloadBytes }),
    depacketizer: () => new AudioDepacketizer(),
    duration: data => data.length,
  }
}

/** Longer than any that makes sense. */
const maxParameterSets = 32

/** RFC 6184 §8.1: sprop-parameter-sets, NAL units in base64 with commas between. */
function parameterSets(fmtp: string): readonly Uint8Array[] {
  const [, list = ''] = /(?:^|;)\s*sprop-parameter-sets=([^;]*)/i.exec(fmtp) ?? []
  const sets = list.split(',', maxParameterSets).map(text => Uint8Array.from(Buffer.from(text, 'base64')))
  return sets.filter(set => set.length > 0)
}

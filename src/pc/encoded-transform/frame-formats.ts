import {
  AudioDepacketizer,
  type Depacketizer,
  defaultMaxPayloadBytes,
  H264Depacketizer,
  H264Packetizer,
  type OutgoingFrame,
  type PacketizedPayload,
  type Packetizer,
  PayloadError,
  Vp8Depacketizer,
  Vp8Packetizer,
  Vp9Depacketizer,
  Vp9Packetizer,
  type Vp9Scalability,
} from '../../rtp/payload/index.ts'
import { codecParameters } from '../../sdp/codec-parameters.ts'
import type { MediaCodec } from '../media/track-signal.ts'

/**
 * How the frames of a codec become packets and packets frames, where a transform has changed what is in them.
 *
 * Payload descriptors and the headers of NAL units are read and written; so are the first bytes of a VP8 or VP9 frame, which
 * tell keyframes from others. A transform leaves those as they are: webrtc-encoded-transform §2.1.2, a packetizer may expect
 * the data to conform to the original format.
 */
export interface FrameFormat {
  depacketizer(codec: MediaCodec): Depacketizer
  packetizer(codec: MediaCodec): Packetizer
}

const audio: FrameFormat = {
  // What was encrypted is no packet of Opus any more: anything goes.
  depacketizer: () => new AudioDepacketizer(),
  packetizer: () => new WholePacketizer(),
}

/** By MIME type in lower case. */
const formats: ReadonlyMap<string, FrameFormat> = new Map<string, FrameFormat>([
  ['audio/opus', audio],
  ['audio/pcmu', audio],
  ['audio/pcma', audio],
  ['video/vp8', { depacketizer: () => new Vp8Depacketizer(), packetizer: () => new Vp8Packetizer() }],
  ['video/vp9', { depacketizer: () => new Vp9Depacketizer(), packetizer: () => new ScalablePacketizer() }],
  ['video/h264', { depacketizer: h264Depacketizer, packetizer: h264Packetizer }],
])

/** Undefined for a codec whose payload format is not implemented. */
export function frameFormat({ mimeType }: MediaCodec): FrameFormat | undefined {
  return formats.get(mimeType.toLowerCase())
}

/** Whether packets of a codec are no encoded media, and go beside the transform. */
export function isBeside({ mimeType }: MediaCodec): boolean {
  return mimeType.toLowerCase() === 'audio/telephone-event'
}

/** Audio: a frame is a packet, whatever is in it. */
class WholePacketizer implements Packetizer {
  packetize({ data, startsTalkspurt = false }: OutgoingFrame): readonly PacketizedPayload[] {
    if (data.length > defaultMaxPayloadBytes) throw new PayloadError('too-long', `${data.length} bytes of audio`)
    return [{ payload: data, marker: startsTalkspurt, timestampOffset: 0 }]
  }
}

/** VP9 whose keyframes bring along the scalability structure that they came with. */
class ScalablePacketizer implements Packetizer {
  #packetizer = new Vp9Packetizer()

  packetize(frame: OutgoingFrame): readonly PacketizedPayload[] {
    const { scalability } = (frame.dependency ?? {}) as { scalability?: Vp9Scalability | undefined }
    if (scalability) this.#packetizer = new Vp9Packetizer({ scalability })
    return this.#packetizer.packetize(frame)
  }
}

function h264Depacketizer(codec: MediaCodec): Depacketizer {
  const sets = h264Parameters(codec)?.spropParameterSets
  // RFC 6184 §8.1: base64, separated by commas
  const parameterSets = sets?.split(',').map(set => new Uint8Array(Buffer.from(set, 'base64')))
  return new H264Depacketizer(parameterSets ? { parameterSets } : {})
}

function h264Packetizer(codec: MediaCodec): Packetizer {
  const mode = h264Parameters(codec)?.packetizationMode === 0 ? 0 : 1
  // The frame has the parameter sets that it came with, as the transform has left them.
  return new H264Packetizer({ mode, repeatParameterSets: false })
}

/** Undefined: nothing was negotiated. */
function h264Parameters({ sdpFmtpLine: fmtp, clockRate }: MediaCodec) {
  if (fmtp === undefined) return undefined
  const parameters = codecParameters({ payloadType: 0, name: 'H264', clockRate, fmtp, feedback: [] })
  return parameters.codec === 'h264' ? parameters : undefined
}

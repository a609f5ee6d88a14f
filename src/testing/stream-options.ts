import type { RandomSource } from '../base/environment.ts'
import type { FrameStreamOptions } from '../pc/media/frame-stream.ts'
import { payloadFormat } from '../pc/media/payload-formats.ts'
import { defaultMaxPayloadBytes } from '../rtp/payload/frame.ts'

/**
 * A stream of packets of a codec.
 *
 * @throws {RangeError} if its frames cannot be put into packets
 */
export function streamOptions(mimeType: string, random: RandomSource): FrameStreamOptions {
  const format = payloadFormat(mimeType)
  if (format === undefined) throw new RangeError(`no packetizer for ${mimeType}`)
  return { format, codec: format.codec, rid: undefined, maxPayloadBytes: defaultMaxPayloadBytes, random }
}

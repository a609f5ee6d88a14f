import type { SdpCodec } from '../../sdp/index.ts'
import type { MediaKind } from '../media/track-signal.ts'
import { toCodecParameters } from '../rtp/codecs.ts'
import type { CodecEntry } from './entry.ts'

/**
 * webrtc-stats §8.3: one for each payload type of a transport, and for each format of it where the two directions differ;
 * the same codec has the same id again.
 */
export function codecEntry(kind: MediaKind, codec: SdpCodec, transportId: string): CodecEntry {
  const { payloadType, mimeType, clockRate, channels, sdpFmtpLine } = toCodecParameters(kind, codec)
  return {
    id: `C${[transportId, payloadType, mimeType, clockRate, channels, sdpFmtpLine].join(' ')}`,
    type: 'codec',
    transportId,
    payloadType,
    mimeType,
    clockRate,
    ...(channels === undefined ? {} : { channels }),
    ...(sdpFmtpLine === undefined ? {} : { sdpFmtpLine }),
  }
}

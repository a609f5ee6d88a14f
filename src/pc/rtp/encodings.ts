import { randomUint32 } from '../../base/random.ts'
import type { MediaKind } from '../media/track-signal.ts'
import { copyEncoding, type RTCRtpEncodingParameters } from './parameters.ts'
import type { EncodingSlots, TransceiverHost } from './slots.ts'

/** An encoding with SSRCs of its own: RFC 3550 §8.1, chosen at random; the session resolves collisions. */
export function createEncoding(
  parameters: RTCRtpEncodingParameters,
  kind: MediaKind,
  host: Pick<TransceiverHost, 'random'>,
): EncodingSlots {
  const encoding: RTCRtpEncodingParameters = {
    active: true,
    adaptivePtime: false,
    priority: 'low',
    ...copyEncoding(parameters),
  }
  // webrtc-pc §5.2 create an RTCRtpSender, step 11
  if (kind === 'video') encoding.scaleResolutionDownBy ??= 1
  const ssrc = randomSsrc(host)
  return { parameters: encoding, ssrc, rtxSsrc: kind === 'video' ? otherSsrc(host, ssrc) : undefined }
}

/** Zero is what some stacks take for "none". */
function randomSsrc({ random }: Pick<TransceiverHost, 'random'>): number {
  return randomUint32(random) || 1
}

function otherSsrc(host: Pick<TransceiverHost, 'random'>, ssrc: number): number {
  const other = randomSsrc(host)
  return other === ssrc ? (ssrc ^ 1) >>> 0 || 2 : other
}

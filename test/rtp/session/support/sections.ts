import { ExtensionUri } from '../../../../src/rtp/extension-values.ts'
import type { OutgoingPacket } from '../../../../src/rtp/session/transmit.ts'
import type { SessionCodec, SessionEncoding, SessionSection } from '../../../../src/rtp/session/types.ts'

export const vp8: SessionCodec = {
  payloadType: 96,
  mimeType: 'video/VP8',
  clockRate: 90_000,
  rtx: 97,
  nack: true,
  pli: true,
  fir: true,
  transportCc: true,
  remb: true,
}
export const vp8WithoutRtx: SessionCodec = { ...vp8, rtx: undefined }
export const opus: SessionCodec = {
  payloadType: 111,
  mimeType: 'audio/opus',
  clockRate: 48_000,
  rtx: undefined,
  nack: false,
  pli: false,
  fir: false,
  transportCc: false,
  remb: false,
}

export const extensions: SessionSection['extensions'] = [
  { id: 1, uri: ExtensionUri.mid },
  { id: 2, uri: ExtensionUri.rtpStreamId },
  { id: 3, uri: ExtensionUri.repairedRtpStreamId },
  { id: 4, uri: ExtensionUri.absSendTime },
  { id: 5, uri: ExtensionUri.transportSequenceNumber },
  { id: 6, uri: ExtensionUri.transmissionOffset },
]

export const videoSsrc = 0x1111
export const videoRtxSsrc = 0x1112
export const audioSsrc = 0x2222

const base: SessionSection = {
  mid: 'v',
  kind: 'video',
  extensions,
  receive: [],
  describedStreams: [],
  send: [],
  encodings: [],
  reducedSizeRtcp: true,
}

export function sendingVideo(
  codec: SessionCodec = vp8,
  encodings: readonly SessionEncoding[] = [{ ssrc: videoSsrc, rtxSsrc: videoRtxSsrc, rid: undefined }],
): SessionSection {
  return { ...base, send: [codec], encodings }
}

export function receivingVideo(codec: SessionCodec = vp8): SessionSection {
  return { ...base, receive: [codec] }
}

export function sendingAudio(codec: SessionCodec = opus): SessionSection {
  const encodings = [{ ssrc: audioSsrc, rtxSsrc: undefined, rid: undefined }]
  return { ...base, mid: 'a', kind: 'audio', send: [codec], encodings }
}

export function receivingAudio(codec: SessionCodec = opus): SessionSection {
  return { ...base, mid: 'a', kind: 'audio', receive: [codec] }
}

export function packetOf(
  sequenceNumber: number,
  timestamp: number,
  more: Partial<OutgoingPacket> = {},
): OutgoingPacket {
  const payload = new Uint8Array(200).fill(sequenceNumber & 0xff)
  payload[0] = sequenceNumber >>> 8
  return {
    payloadType: 96,
    sequenceNumber: sequenceNumber & 0xffff,
    timestamp: timestamp >>> 0,
    marker: true,
    payload,
    csrcs: [],
    elements: [],
    paced: false,
    ...more,
  }
}

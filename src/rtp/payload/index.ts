/** Payload formats of RTP: frames into packets, and packets into frames. */

export { AudioDepacketizer, G711Packetizer, OpusDepacketizer, OpusPacketizer } from './audio.ts'
export {
  type Depacketized,
  type Depacketizer,
  defaultMaxPayloadBytes,
  type EncodedFrame,
  type FrameDependency,
  isPayloadDropped,
  maxFrameBytes,
  maxFramePackets,
  type OutgoingFrame,
  type PacketizedPayload,
  type Packetizer,
  type PacketizerOptions,
  type PayloadDrop,
  type PayloadDropped,
  PayloadError,
  type PayloadErrorCode,
  type PayloadPacket,
} from './frame.ts'
export { FrameChain, type FrameVerdict } from './frame-chain.ts'
export { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw } from './g711.ts'
export { H264Depacketizer, type H264DepacketizerOptions } from './h264-depacketizer.ts'
export { isH264Keyframe, joinAnnexB, NalType, nalType, splitAnnexB } from './h264-nal.ts'
export { type H264PacketizationMode, H264Packetizer, type H264PacketizerOptions } from './h264-packetizer.ts'
export { opusChannels, opusClockRate, opusSamples } from './opus.ts'
export {
  dtmfDigit,
  dtmfEvent,
  parseTelephoneEvents,
  type TelephoneEventReport,
  writeTelephoneEvent,
} from './telephone-event.ts'
export { type TelephoneEvent, TelephoneEventReceiver } from './telephone-event-receiver.ts'
export {
  type TelephoneEventPacket,
  TelephoneEventSender,
  type TelephoneEventSenderOptions,
  type TelephoneEventToSend,
} from './telephone-event-sender.ts'
export { isVp8Keyframe, Vp8Depacketizer, Vp8Packetizer, type Vp8PacketizerOptions, vp8PictureSize } from './vp8.ts'
export { parseVp8Descriptor, type Vp8Descriptor } from './vp8-descriptor.ts'
export { isVp9Keyframe, Vp9Depacketizer, Vp9Packetizer, type Vp9PacketizerOptions } from './vp9.ts'
export { parseVp9Descriptor, type Vp9Descriptor, type Vp9GroupPicture, type Vp9Scalability } from './vp9-descriptor.ts'

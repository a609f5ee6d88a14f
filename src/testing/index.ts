/** Media without devices: `icefloe/testing`. */

export { DeviceChangeEvent, type DeviceChangeEventInit } from './device-change-event.ts'
export { InputDeviceInfo, MediaDeviceInfo } from './media-device-info.ts'
export {
  createMediaDevices,
  MediaDevices,
  type MediaDevicesEventMap,
  type MediaDevicesHandle,
  type MediaDevicesOptions,
  mediaDevices,
  type SyntheticDeviceCounts,
} from './media-devices.ts'
export { type MovingPictureOptions, movingPicture, movingPictureFrame } from './moving-picture.ts'
export { type OpusSilenceOptions, opusSilence, opusSilencePacket } from './opus-silence.ts'
export type { MediaStreamConstraints } from './stream-constraints.ts'
export type { MediaDeviceKind } from './synthetic-devices.ts'
export { type SyntheticFrame, SyntheticSource, type SyntheticSourceOptions } from './synthetic-source.ts'
export { encodeVp8Mosaic, type Vp8Color, type Vp8Frame, type Vp8Mosaic, Vp8MosaicEncoder } from './vp8-mosaic.ts'

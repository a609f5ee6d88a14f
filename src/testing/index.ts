/** Media without devices: `icefloe/testing`. */

export { type MovingPictureOptions, movingPicture, movingPictureFrame } from './moving-picture.ts'
export { type OpusSilenceOptions, opusSilence, opusSilencePacket } from './opus-silence.ts'
export { type SyntheticFrame, SyntheticSource, type SyntheticSourceOptions } from './synthetic-source.ts'
export { encodeVp8Mosaic, type Vp8Color, type Vp8Mosaic } from './vp8-mosaic.ts'

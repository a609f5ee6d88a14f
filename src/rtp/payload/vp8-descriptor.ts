import type { FrameDependency } from './frame.ts'

/** The VP8 payload descriptor: RFC 7741 §4.2. */
export interface Vp8Descriptor extends FrameDependency {
  /** S: the payload begins with the beginning of a partition. */
  readonly startsPartition: boolean
  /** PID, 0 to 7. */
  readonly partition: number
  /** Bytes before the VP8 payload. */
  readonly length: number
}

/** How long the descriptor is; -1 if the payload ends within it. */
export function vp8DescriptorLength(payload: Uint8Array): number {
  if (payload.length === 0) return -1
  if (((payload[0] as number) & 0x80) === 0) return 1
  const extension = payload[1] ?? 0
  let length = 2
  if ((extension & 0x80) !== 0) length += ((payload[2] ?? 0) & 0x80) === 0 ? 1 : 2
  if ((extension & 0x40) !== 0) length++
  if ((extension & 0x30) !== 0) length++
  return length > payload.length ? -1 : length
}

/** Whether a payload is the first of a frame: RFC 7741 §4.2, S with partition 0. */
export function startsVp8Frame(payload: Uint8Array): boolean {
  return ((payload[0] ?? 0) & 0x17) === 0x10
}

/** Reads the descriptor; undefined if the payload ends within it. */
export function parseVp8Descriptor(payload: Uint8Array): Vp8Descriptor | undefined {
  const length = vp8DescriptorLength(payload)
  if (length < 0) return undefined
  const first = payload[0] as number
  const extension = length > 1 ? (payload[1] as number) : 0
  const hasPictureId = (extension & 0x80) !== 0
  const hasBaseLayerIndex = (extension & 0x40) !== 0
  const hasTemporalId = (extension & 0x20) !== 0
  const hasKeyframeIndex = (extension & 0x10) !== 0
  const long = hasPictureId && ((payload[2] ?? 0) & 0x80) !== 0
  const baseLayerAt = 2 + (hasPictureId ? (long ? 2 : 1) : 0)
  const layerAt = baseLayerAt + (hasBaseLayerIndex ? 1 : 0)
  const layer = payload[layerAt] as number
  return {
    startsPartition: (first & 0x10) !== 0,
    partition: first & 0x07,
    discardable: (first & 0x20) !== 0,
    pictureId: hasPictureId ? readPictureId(payload, 2) : undefined,
    pictureIdBits: hasPictureId ? (long ? 15 : 7) : undefined,
    baseLayerIndex: hasBaseLayerIndex ? payload[baseLayerAt] : undefined,
    temporalId: hasTemporalId ? layer >>> 6 : undefined,
    layerSync: hasTemporalId ? (layer & 0x20) !== 0 : undefined,
    keyframeIndex: hasKeyframeIndex ? layer & 0x1f : undefined,
    length,
  }
}

/** A picture ID of 7 or 15 bits, as VP8 and VP9 have it. The caller has checked that it is there. */
export function readPictureId(payload: Uint8Array, at: number): number {
  const first = payload[at] as number
  return (first & 0x80) === 0 ? first : ((first & 0x7f) << 8) | (payload[at + 1] as number)
}

/** The descriptor of the packets of a frame; its S bit is for the first one. */
export function writeVp8Descriptor(dependency: FrameDependency, startsPartition: boolean): Uint8Array {
  const { pictureId, pictureIdBits = 15, baseLayerIndex, temporalId, layerSync, keyframeIndex } = dependency
  const first = (startsPartition ? 0x10 : 0) | (dependency.discardable ? 0x20 : 0)
  // RFC 7741 §4.2: TL0PICIDX goes only together with TID.
  const layered = temporalId !== undefined
  const extension =
    (pictureId === undefined ? 0 : 0x80) |
    (layered && baseLayerIndex !== undefined ? 0x40 : 0) |
    (layered ? 0x20 : 0) |
    (keyframeIndex === undefined ? 0 : 0x10)
  if (extension === 0) return Uint8Array.of(first)
  const bytes = [first | 0x80, extension]
  if (pictureId !== undefined) {
    if (pictureIdBits === 15) bytes.push(0x80 | ((pictureId >>> 8) & 0x7f), pictureId & 0xff)
    else bytes.push(pictureId & 0x7f)
  }
  if ((extension & 0x40) !== 0) bytes.push((baseLayerIndex ?? 0) & 0xff)
  if ((extension & 0x30) !== 0) {
    bytes.push((((temporalId ?? 0) & 3) << 6) | (layerSync ? 0x20 : 0) | ((keyframeIndex ?? 0) & 0x1f))
  }
  return Uint8Array.from(bytes)
}

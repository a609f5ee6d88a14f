import { read16, write16 } from '../wire.ts'
import type { FrameDependency } from './frame.ts'
import { readPictureId } from './vp8-descriptor.ts'

/** One picture of a group that repeats: draft-ietf-payload-vp9-16 §4.2.1. */
export interface Vp9GroupPicture {
  readonly temporalId: number
  readonly switchingPoint: boolean
  /** Up to 3. */
  readonly references: readonly number[]
}

/** The scalability structure: draft-ietf-payload-vp9-16 §4.2.1. */
export interface Vp9Scalability {
  /** 1 to 8. */
  readonly spatialLayers: number
  /** One for each spatial layer; empty if the sizes are not told. */
  readonly sizes: readonly { readonly width: number; readonly height: number }[]
  /** Empty if it is not told, or there is but one temporal layer. */
  readonly group: readonly Vp9GroupPicture[]
}

/** The VP9 payload descriptor: draft-ietf-payload-vp9-16 §4.2. */
export interface Vp9Descriptor extends FrameDependency {
  /** B: the payload begins with the beginning of a frame (of one spatial layer). */
  readonly startsFrame: boolean
  /** E: it ends with the end of one. */
  readonly endsFrame: boolean
  /** F: the references are told with each frame. */
  readonly flexible: boolean
  readonly scalability: Vp9Scalability | undefined
  /** Bytes before the VP9 payload. */
  readonly length: number
}

const maxReferences = 3

/** Where the reading is; `at` behind the end of the payload if it ended too soon. */
interface Cursor {
  readonly payload: Uint8Array
  at: number
}

/** Reads the descriptor; undefined if the payload ends within it, or it breaks a rule that its length depends on. */
export function parseVp9Descriptor(payload: Uint8Array): Vp9Descriptor | undefined {
  const cursor: Cursor = { payload, at: 0 }
  const first = next(cursor)
  const hasPictureId = (first & 0x80) !== 0
  const interPicture = (first & 0x40) !== 0
  // draft-ietf-payload-vp9-16 §4.2, F: without a picture ID it has no meaning, and is to be ignored.
  const flexible = (first & 0x10) !== 0 && hasPictureId
  const pictureIdBits = hasPictureId ? (((payload[1] ?? 0) & 0x80) !== 0 ? 15 : 7) : undefined
  const pictureId = pictureIdBits === undefined ? undefined : readPictureId(payload, 1)
  cursor.at += pictureIdBits === undefined ? 0 : pictureIdBits === 15 ? 2 : 1
  const hasLayers = (first & 0x20) !== 0
  const layer = hasLayers ? next(cursor) : 0
  const baseLayerIndex = hasLayers && !flexible ? next(cursor) : undefined
  const references = interPicture && flexible ? readReferences(cursor) : undefined
  if (interPicture && flexible && references === undefined) return undefined
  const scalability = (first & 0x02) !== 0 ? readScalability(cursor) : undefined
  if (cursor.at > payload.length) return undefined
  return {
    startsFrame: (first & 0x08) !== 0,
    endsFrame: (first & vp9EndOfFrame) !== 0,
    flexible,
    interPicture,
    pictureId,
    pictureIdBits,
    temporalId: hasLayers ? layer >>> 5 : undefined,
    switchingPoint: hasLayers ? (layer & 0x10) !== 0 : undefined,
    spatialId: hasLayers ? (layer >>> 1) & 7 : undefined,
    interLayer: hasLayers ? (layer & 1) !== 0 : undefined,
    baseLayerIndex,
    references,
    scalability,
    length: cursor.at,
  }
}

/** The descriptor of a packet that does not end a frame: {@link vp9EndOfFrame} is for the last one. */
export function writeVp9Descriptor(
  dependency: FrameDependency,
  startsFrame: boolean,
  scalability?: Vp9Scalability,
): Uint8Array {
  const { pictureId, pictureIdBits = 15, temporalId, spatialId, references, baseLayerIndex } = dependency
  const flexible = references !== undefined && pictureId !== undefined
  const layered = temporalId !== undefined || spatialId !== undefined
  const bytes = [
    (pictureId === undefined ? 0 : 0x80) |
      (dependency.interPicture ? 0x40 : 0) |
      (layered ? 0x20 : 0) |
      (flexible ? 0x10 : 0) |
      (startsFrame ? 0x08 : 0) |
      (scalability ? 0x02 : 0) |
      (dependency.discardable ? 0x01 : 0),
  ]
  if (pictureId !== undefined) {
    if (pictureIdBits === 15) bytes.push(0x80 | ((pictureId >>> 8) & 0x7f), pictureId & 0xff)
    else bytes.push(pictureId & 0x7f)
  }
  if (layered) {
    const ids = (((temporalId ?? 0) & 7) << 5) | (((spatialId ?? 0) & 7) << 1)
    bytes.push(ids | (dependency.switchingPoint ? 0x10 : 0) | (dependency.interLayer ? 1 : 0))
    if (!flexible) bytes.push((baseLayerIndex ?? 0) & 0xff)
  }
  if (flexible && dependency.interPicture) pushReferences(bytes, references.slice(0, maxReferences))
  if (scalability) pushScalability(bytes, scalability)
  return Uint8Array.from(bytes)
}

/** E, the bit of the first byte that ends a frame. */
export const vp9EndOfFrame = 0x04

function next(cursor: Cursor): number {
  return cursor.payload[cursor.at++] ?? 0
}

/** draft-ietf-payload-vp9-16 §4.2: up to three, none of them zero; undefined if it is otherwise. */
function readReferences(cursor: Cursor): readonly number[] | undefined {
  const references: number[] = []
  for (let more = true; more; ) {
    const byte = next(cursor)
    if (byte >>> 1 === 0 || references.length === maxReferences) return undefined
    references.push(byte >>> 1)
    more = (byte & 1) !== 0
  }
  return references
}

function pushReferences(bytes: number[], references: readonly number[]): void {
  references.forEach((reference, i) => {
    bytes.push(((reference & 0x7f) << 1) | (i < references.length - 1 ? 1 : 0))
  })
}

function readScalability(cursor: Cursor): Vp9Scalability {
  const first = next(cursor)
  const spatialLayers = (first >>> 5) + 1
  const sizes: { width: number; height: number }[] = []
  if ((first & 0x10) !== 0) {
    for (let i = 0; i < spatialLayers; i++, cursor.at += 4) {
      if (cursor.at + 4 > cursor.payload.length) continue
      sizes.push({ width: read16(cursor.payload, cursor.at), height: read16(cursor.payload, cursor.at + 2) })
    }
  }
  const group: Vp9GroupPicture[] = []
  const pictures = (first & 0x08) !== 0 ? next(cursor) : 0
  for (let i = 0; i < pictures && cursor.at < cursor.payload.length; i++) group.push(readGroupPicture(cursor))
  // A count beyond what is there makes the payload too short.
  if (group.length < pictures) cursor.at = cursor.payload.length + 1
  return { spatialLayers, sizes, group }
}

function readGroupPicture(cursor: Cursor): Vp9GroupPicture {
  const byte = next(cursor)
  const references: number[] = []
  for (let left = (byte >>> 2) & 3; left > 0; left--) references.push(next(cursor))
  return { temporalId: byte >>> 5, switchingPoint: (byte & 0x10) !== 0, references }
}

function pushScalability(bytes: number[], { spatialLayers, sizes, group }: Vp9Scalability): void {
  bytes.push((((spatialLayers - 1) & 7) << 5) | (sizes.length > 0 ? 0x10 : 0) | (group.length > 0 ? 0x08 : 0))
  const size = new Uint8Array(4)
  for (const { width, height } of sizes) {
    write16(size, 0, width)
    write16(size, 2, height)
    bytes.push(...size)
  }
  if (group.length === 0) return
  bytes.push(group.length & 0xff)
  for (const { temporalId, switchingPoint, references } of group) {
    bytes.push(((temporalId & 7) << 5) | (switchingPoint ? 0x10 : 0) | ((references.length & 3) << 2))
    bytes.push(...references.slice(0, maxReferences))
  }
}

/** What the sender of a frame says about the frames it builds upon, and about those that build upon it. */
export interface FrameDependency {
  /** A running index of the pictures, of {@link pictureIdBits} bits. */
  readonly pictureId?: number | undefined
  readonly pictureIdBits?: 7 | 15 | undefined
  /** 0 is the base layer. */
  readonly temporalId?: number | undefined
  /** VP9: the lowest spatial layer of the picture that was sent; 0 is the base layer. */
  readonly spatialId?: number | undefined
  /** A running index, of 8 bits, of the pictures of the temporal base layer: the picture itself or the one it builds upon. */
  readonly baseLayerIndex?: number | undefined
  /** VP8, Y: the frame builds upon none but its base layer frame, and those that follow upon no older one of higher layers. */
  readonly layerSync?: boolean | undefined
  /** VP9, U: pictures of higher temporal layers that follow build upon none of those layers from before this one. */
  readonly switchingPoint?: boolean | undefined
  /** Nothing builds upon the frame: it may be left out. */
  readonly discardable?: boolean | undefined
  /** VP8: a running index, of 5 bits, of the keyframes. */
  readonly keyframeIndex?: number | undefined
  /** VP9: how many pictures back the ones lie that this one builds upon, where the stream tells it with each (up to 3). */
  readonly references?: readonly number[] | undefined
  /** VP9: it builds upon earlier pictures. If not given to a packetizer, it looks into the frame. */
  readonly interPicture?: boolean | undefined
  /** VP9: it builds upon the spatial layer below, of the same picture. */
  readonly interLayer?: boolean | undefined
}

/** A frame to be sent: a whole picture, or a packet of an audio encoder. */
export interface OutgoingFrame {
  readonly data: Uint8Array
  readonly dependency?: FrameDependency | undefined
  /** Audio: the first frame after a silence in which nothing was sent. */
  readonly startsTalkspurt?: boolean | undefined
  /** VP9: false if a frame of a higher spatial layer of the same picture follows. True if not given. */
  readonly endsPicture?: boolean | undefined
}

/** A frame that was received whole. */
export interface EncodedFrame {
  /** An array of its own or, where it came in one packet, a view of that. */
  readonly data: Uint8Array
  /** 32 bits, in units of the clock of the payload format. */
  readonly timestamp: number
  /** Can be decoded without any other. Audio always can. */
  readonly keyframe: boolean
  /** Packets went missing between the frame that was given before and this one. */
  readonly afterLoss: boolean
  /** The descriptor of its first packet. */
  readonly dependency: FrameDependency | undefined
}

/** The part of an RTP packet behind its header, and what goes into the header. */
export interface PacketizedPayload {
  readonly payload: Uint8Array
  readonly marker: boolean
  /** What to add to the timestamp of the frame. */
  readonly timestampOffset: number
}

/** What a depacketizer reads of a packet. An `RtpPacket` is one. */
export interface PayloadPacket {
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly marker: boolean
  /** Must stay unchanged until the frame has been given: it is not copied before. */
  readonly payload: Uint8Array
}

/**
 * Why a payload was not taken.
 *
 * - `malformed`: it breaks the rules of its payload format
 * - `unsupported`: a kind of payload that was not negotiated
 * - `old`: it is not behind the last one in sequence
 * - `incomplete`: the beginning of its frame was lost
 * - `too-large`: its frame outgrows {@link maxFrameBytes} or {@link maxFramePackets}
 */
export type PayloadDrop = keyof typeof payloadDropped

export interface PayloadDropped {
  readonly drop: PayloadDrop
}

/** The same objects every time, as rubbish may come fast. */
export const payloadDropped = {
  malformed: { drop: 'malformed' },
  unsupported: { drop: 'unsupported' },
  old: { drop: 'old' },
  incomplete: { drop: 'incomplete' },
  'too-large': { drop: 'too-large' },
} as const

/** The frames that a packet completed, mostly none or one; or why it was not taken. */
export type Depacketized = readonly EncodedFrame[] | PayloadDropped

export const noFrames: readonly EncodedFrame[] = Object.freeze([])

/** Cuts frames into payloads. */
export interface Packetizer {
  /**
   * The payloads of a frame, in order. An empty frame has none.
   *
   * @throws {PayloadError} if the frame is not one of this format, or cannot be cut so that it fits
   */
  packetize(frame: OutgoingFrame): readonly PacketizedPayload[]
}

/**
 * Puts frames together again.
 *
 * Packets are to be given in the order of their sequence numbers, each once; where some are missing, they are left out.
 * A frame is given when all of it is there, and never in part.
 */
export interface Depacketizer {
  push(packet: PayloadPacket): Depacketized
  /** Whether a payload can be the first of a frame, as far as it tells. */
  isStart(payload: Uint8Array): boolean
  /** Forgets what was collected: the next packet begins another sequence. */
  reset(): void
}

export interface PacketizerOptions {
  /** The longest payload in bytes, with what the payload format puts in front. 1200 if not given. */
  readonly maxPayloadBytes?: number
}

/** Leaves room for IP, UDP, TURN, SRTP and header extensions in 1280 bytes. */
export const defaultMaxPayloadBytes = 1_200
/** The largest frame that is put together. */
export const maxFrameBytes: number = 8 * 1024 * 1024
/** The most packets one frame may come in. */
export const maxFramePackets = 16_384

/** Whether a depacketizer refused the packet. */
export function isPayloadDropped(result: Depacketized): result is PayloadDropped {
  return 'drop' in result
}

/** - `bad-frame`: not a frame of the format; `too-long`: it cannot be cut so that it fits */
export type PayloadErrorCode = 'bad-frame' | 'too-long' | 'bad-value'

/** Thrown where something cannot be put into payloads: always a mistake of the caller. What is received never throws. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError'
  readonly code: PayloadErrorCode

  constructor(code: PayloadErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** The longest payload, checked: below 16 bytes there is no room for a descriptor and something behind it. */
export function payloadLimit({ maxPayloadBytes = defaultMaxPayloadBytes }: PacketizerOptions): number {
  if (maxPayloadBytes >= 16) return maxPayloadBytes
  throw new PayloadError('bad-value', `payloads of ${maxPayloadBytes} bytes`)
}

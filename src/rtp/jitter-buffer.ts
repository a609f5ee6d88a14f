import { Queue } from '../base/queue.ts'
import { JitterDelay, type JitterDelayOptions } from './jitter-delay.ts'
import { type Depacketizer, type EncodedFrame, isPayloadDropped, type PayloadPacket } from './payload/frame.ts'
import { FrameChain } from './payload/frame-chain.ts'
import { SequenceUnwrapper } from './sequence.ts'

export interface JitterBufferOptions {
  /** Puts the frames together. It must be one of its own. */
  readonly depacketizer: Depacketizer
  /** Of the timestamps, in Hz. */
  readonly clockRate: number
  /** Video: frames build upon each other, and after a loss some are of no use before the next keyframe. */
  readonly video: boolean
  /** The least that frames are held back, in milliseconds. 20 if not given. */
  readonly minDelayMs?: number
  /** The most that a frame is held back which is whole, in milliseconds. 500 if not given, 4000 at most. */
  readonly maxDelayMs?: number
  /** How long a frame is waited for beyond its time, that its lost packets may be sent again. Video 200, audio 0 if not given. */
  readonly repairMs?: number
  /** Between requests for a keyframe, in milliseconds. 500 if not given. */
  readonly keyframeRequestMs?: number
}

export type JitterEvent =
  | { readonly kind: 'frame'; readonly frame: EncodedFrame }
  /** Packets are given up: audio has a hole here. */
  | { readonly kind: 'lost'; readonly packets: number }
  /** The sender should be asked for a keyframe (PLI, FIR); repeated until one is there. */
  | { readonly kind: 'keyframe-needed' }

/**
 * Why a packet was not taken.
 *
 * - `late`: its turn has passed
 * - `repeated`: it was there before
 * - `unexpected`: it is far off the sequence; if the next one follows it, the stream has begun anew
 */
export type JitterDrop = keyof typeof dropped

export interface JitterDropped {
  readonly drop: JitterDrop
}

/** All of them count from the beginning, but for those that are `buffered`. */
export interface JitterStatistics {
  readonly frames: number
  readonly lostPackets: number
  readonly latePackets: number
  readonly repeatedPackets: number
  /** Payloads that the depacketizer refused, also as parts of frames that were not whole. */
  readonly refusedPayloads: number
  /** Frames that were whole, but useless because of others that were not. */
  readonly undecodableFrames: number
  readonly bufferedPackets: number
  readonly bufferedBytes: number
  readonly targetDelayMs: number
}

/** Packets that are kept at most; a power of two. */
export const maxBufferedPackets = 2_048
/** Bytes of payload that are kept at most. */
export const maxBufferedBytes: number = 8 * 1024 * 1024
/** The longest delay that can be asked for: webrtc-pc §5.3 jitterBufferTarget. */
export const longestDelayMs = 4_000
/** Packets or bytes beyond this share of what is kept at most leave before their time, so that none have to be thrown away. */
const crowdedShare = 0.75

const dropped = {
  late: { drop: 'late' },
  repeated: { drop: 'repeated' },
  unexpected: { drop: 'unexpected' },
} as const

/** What is to be done at the head of the buffer, and when. */
type Head =
  | { readonly kind: 'nothing' }
  /** All packets before the place `end` can be given. */
  | { readonly kind: 'frame'; readonly end: number; readonly dueAt: number }
  /** Those before the place `end` will not all come. */
  | { readonly kind: 'gap'; readonly end: number; readonly dueAt: number }

const nothing: Head = { kind: 'nothing' }

/**
 * Puts the packets of one stream back into order, makes frames of them, and gives each at its time: late enough that nearly
 * all packets are there, no later than needed. Told the time in monotonic milliseconds.
 *
 * Duplicates and repaired packets may be given to it as they come. After {@link receive} and when {@link pollTimeout} says
 * so, {@link poll} until there is no event.
 */
export class JitterBuffer {
  readonly #depacketizer: Depacketizer
  #delayOptions: JitterDelayOptions
  #delay: JitterDelay
  readonly #chain: FrameChain | undefined
  /** As they were given, without a target. */
  readonly #ownDelays: { readonly minDelayMs: number; readonly maxDelayMs: number }
  #maxDelayMs: number
  readonly #repairMs: number
  readonly #keyframeRequestMs: number
  readonly #events = new Queue<JitterEvent>()
  /** By the lowest bits of the place in the sequence. */
  readonly #packets: (PayloadPacket | undefined)[] = new Array(maxBufferedPackets).fill(undefined)
  readonly #arrivals = new Float64Array(maxBufferedPackets)
  /** Which place was given last of those that share a slot. */
  readonly #given = new Float64Array(maxBufferedPackets).fill(-1)
  #sequences = new SequenceUnwrapper()
  /** The place whose turn it is; -1 before the first packet. */
  #next = -1
  /** From there on it is not known yet where the frame at the head ends. */
  #scanned = -1
  #begun = false
  #suspect = -1
  #requestAt: number | undefined
  #bufferedPackets = 0
  #bufferedBytes = 0
  #frames = 0
  #lostPackets = 0
  #latePackets = 0
  #repeatedPackets = 0
  #refusedPayloads = 0
  #undecodableFrames = 0

  constructor(options: JitterBufferOptions) {
    const { depacketizer, clockRate, video, minDelayMs = 20, maxDelayMs = 500 } = options
    if (!(minDelayMs >= 0 && maxDelayMs >= minDelayMs && maxDelayMs <= longestDelayMs)) {
      throw new RangeError(`delays from ${minDelayMs} to ${maxDelayMs} ms`)
    }
    this.#depacketizer = depacketizer
    this.#delayOptions = { clockRate, minDelayMs, maxDelayMs }
    this.#ownDelays = { minDelayMs, maxDelayMs }
    this.#delay = new JitterDelay(this.#delayOptions)
    this.#chain = video ? new FrameChain() : undefined
    this.#maxDelayMs = maxDelayMs
    this.#repairMs = options.repairMs ?? (video ? 200 : 0)
    this.#keyframeRequestMs = options.keyframeRequestMs ?? 500
  }

  get statistics(): JitterStatistics {
    return {
      frames: this.#frames,
      lostPackets: this.#lostPackets,
      latePackets: this.#latePackets,
      repeatedPackets: this.#repeatedPackets,
      refusedPayloads: this.#refusedPayloads,
      undecodableFrames: this.#undecodableFrames,
      bufferedPackets: this.#bufferedPackets,
      bufferedBytes: this.#bufferedBytes,
      targetDelayMs: this.#delay.delayMs,
    }
  }

  /**
   * How long frames are to be held back, in milliseconds, 0 to {@link longestDelayMs}; undefined: as long as the bounds that
   * were given let the packets ask for. Packets that need longer still get it, up to the upper bound.
   */
  setTarget(targetMs: number | undefined): void {
    const own = this.#ownDelays
    const minDelayMs = targetMs === undefined ? own.minDelayMs : Math.min(Math.max(targetMs, 0), longestDelayMs)
    const maxDelayMs = Math.max(own.maxDelayMs, minDelayMs)
    this.#maxDelayMs = maxDelayMs
    this.#delayOptions = { ...this.#delayOptions, minDelayMs, maxDelayMs }
    this.#delay.setBounds(minDelayMs, maxDelayMs)
  }

  /**
   * Takes a packet of the stream. Its payload is kept as it is, and must not change.
   *
   * One that is of another payload type but shares the sequence (telephone events) goes in with an empty payload, so that it
   * does not count as lost.
   */
  receive(packet: PayloadPacket, now: number): JitterDropped | undefined {
    const place = this.#sequences.peek(packet.sequenceNumber)
    if (this.#next < 0) this.#next = this.#scanned = place
    const ahead = place - this.#next
    if (ahead >= maxBufferedPackets || ahead < -maxBufferedPackets) return this.#far(packet, now)
    this.#suspect = -1
    if (ahead < 0 && !this.#mayBeginAt(place)) return this.#late(packet, place, now)
    const slot = place & (maxBufferedPackets - 1)
    if (this.#packets[slot] !== undefined) return this.#repeated()
    if (this.#bufferedBytes + packet.payload.length > maxBufferedBytes) this.#restart(place)
    this.#sequences.unwrap(packet.sequenceNumber)
    this.#packets[slot] = packet
    this.#arrivals[slot] = now
    this.#bufferedPackets++
    this.#bufferedBytes += packet.payload.length
    if (packet.payload.length > 0) this.#delay.receive(packet.timestamp, now)
    return undefined
  }

  /** The next event whose time has come. */
  poll(now: number): JitterEvent | undefined {
    while (this.#events.length === 0) {
      const head = this.#head()
      if (head.kind === 'nothing' || now < head.dueAt) break
      if (head.kind === 'frame') this.#give(head.end)
      else this.#skip(head.end)
    }
    const event = this.#events.shift()
    if (event) return event
    if (this.#requestAt === undefined || now < this.#requestAt) return undefined
    this.#requestAt = now + this.#keyframeRequestMs
    return { kind: 'keyframe-needed' }
  }

  /** When {@link poll} has something to say, unless a packet comes before. */
  pollTimeout(): number | undefined {
    if (this.#events.length > 0) return 0
    const head = this.#head()
    if (head.kind === 'nothing') return this.#requestAt
    return this.#requestAt === undefined ? head.dueAt : Math.min(head.dueAt, this.#requestAt)
  }

  #head(): Head {
    if (this.#bufferedPackets === 0) return nothing
    const first = this.#at(this.#next)
    // Padding that probes the path belongs to no frame; but what comes first may have overtaken the beginning.
    if (first?.payload.length === 0) {
      const arrival = this.#arrivals[this.#next & (maxBufferedPackets - 1)] as number
      return { kind: 'frame', end: this.#next + 1, dueAt: this.#begun ? 0 : arrival + this.#repairMs }
    }
    if (first) {
      const end = this.#frameEnd(first.timestamp)
      // The first packets of a stream may be overtaken: what begins in the middle of a frame may have a beginning yet.
      const waitMs = this.#begun || this.#depacketizer.isStart(first.payload) ? 0 : this.#repairMs
      if (end !== undefined) return { kind: 'frame', end, dueAt: this.#dueAt(this.#next) + waitMs }
    }
    return this.#gap()
  }

  /** The place behind the frame at the head, if all of it is there. */
  #frameEnd(timestamp: number): number | undefined {
    for (let packet = this.#at(this.#scanned); packet; packet = this.#at(this.#scanned)) {
      if (packet.payload.length > 0 && packet.timestamp !== timestamp) return this.#scanned
      // Audio has no frames of several packets, and its marker is about something else.
      if (!this.#chain) return this.#scanned + 1
      if (packet.marker) return this.#scanned + 1
      this.#scanned++
    }
    return undefined
  }

  /** Something is missing at the head; nothing at all if no packet is behind it yet. */
  #gap(): Head {
    let place = Math.max(this.#scanned, this.#next)
    const { highest } = this.#sequences
    while (place <= highest && this.#at(place) === undefined) place++
    if (place > highest) return nothing
    return { kind: 'gap', end: place, dueAt: this.#dueAt(place) + this.#repairMs }
  }

  /** When the frame that a packet is part of is due. No clock of the sender makes a packet stay longer than the longest delay. */
  #dueAt(place: number): number {
    if (this.#isCrowded) return 0
    const slot = place & (maxBufferedPackets - 1)
    const arrival = this.#arrivals[slot] as number
    const timestamp = this.#packets[slot]?.timestamp ?? 0
    return Math.min(this.#delay.playoutAt(timestamp), arrival + this.#maxDelayMs)
  }

  /** A long delay of a fast stream. */
  get #isCrowded(): boolean {
    return (
      this.#sequences.highest - this.#next >= maxBufferedPackets * crowdedShare ||
      this.#bufferedBytes >= maxBufferedBytes * crowdedShare
    )
  }

  /** Gives the packets before a place to the depacketizer. */
  #give(end: number): void {
    this.#begun = true
    for (; this.#next < end; this.#next++) {
      const packet = this.#take(this.#next)
      if (packet === undefined) continue
      const result = this.#depacketizer.push(packet)
      if (isPayloadDropped(result)) this.#refusedPayloads++
      else for (const frame of result) this.#deliver(frame)
    }
    this.#scanned = this.#next
  }

  /** Gives up what is before a place. */
  #skip(end: number): void {
    this.#begun = true
    let lost = 0
    for (; this.#next < end; this.#next++) if (this.#take(this.#next) === undefined) lost++
    this.#scanned = this.#next
    if (lost === 0) return
    this.#lostPackets += lost
    this.#events.push({ kind: 'lost', packets: lost })
  }

  #deliver(frame: EncodedFrame): void {
    const verdict = this.#chain?.take(frame) ?? 'decodable'
    if (verdict === 'decodable') {
      this.#frames++
      this.#events.push({ kind: 'frame', frame })
    } else this.#undecodableFrames++
    if (verdict === 'broken') this.#requestAt ??= 0
    else if (frame.keyframe) this.#requestAt = undefined
  }

  /** Before anything was given, an earlier packet may still become the first one. */
  #mayBeginAt(place: number): boolean {
    if (this.#begun || this.#sequences.highest - place >= maxBufferedPackets) return false
    this.#next = this.#scanned = place
    return true
  }

  #late({ timestamp }: PayloadPacket, place: number, now: number): JitterDropped {
    const slot = place & (maxBufferedPackets - 1)
    if (this.#given[slot] === place) return this.#repeated()
    this.#given[slot] = place
    this.#latePackets++
    // What comes too late is the reason to wait longer.
    this.#delay.receive(timestamp, now)
    return dropped.late
  }

  #repeated(): JitterDropped {
    this.#repeatedPackets++
    return dropped.repeated
  }

  /** RFC 3550 §A.1: two packets in sequence, far off the rest, are a sender that has begun anew. */
  #far(packet: PayloadPacket, now: number): JitterDropped | undefined {
    const { sequenceNumber } = packet
    if (sequenceNumber !== this.#suspect) {
      this.#suspect = (sequenceNumber + 1) & 0xffff
      return dropped.unexpected
    }
    this.#sequences = new SequenceUnwrapper()
    this.#delay = new JitterDelay(this.#delayOptions)
    this.#depacketizer.reset()
    this.#restart(this.#sequences.peek(sequenceNumber))
    this.#given.fill(-1)
    return this.receive(packet, now)
  }

  /** Throws away what is there, and goes on with a place. */
  #restart(place: number): void {
    this.#lostPackets += this.#bufferedPackets
    if (this.#bufferedPackets > 0) this.#events.push({ kind: 'lost', packets: this.#bufferedPackets })
    this.#packets.fill(undefined)
    this.#bufferedPackets = 0
    this.#bufferedBytes = 0
    this.#next = this.#scanned = place
    this.#suspect = -1
  }

  #at(place: number): PayloadPacket | undefined {
    return this.#packets[place & (maxBufferedPackets - 1)]
  }

  #take(place: number): PayloadPacket | undefined {
    const slot = place & (maxBufferedPackets - 1)
    const packet = this.#packets[slot]
    if (packet === undefined) return undefined
    this.#packets[slot] = undefined
    this.#given[slot] = place
    this.#bufferedPackets--
    this.#bufferedBytes -= packet.payload.length
    return packet
  }
}

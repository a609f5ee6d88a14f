import { SrtpError } from './errors.ts'
import { IndexWindow } from './index-window.ts'
import { estimateIndex, maxRtcpIndex } from './packet-index.ts'

/**
 * How many SSRCs a session knows in each direction. No stream makes room for another: whoever forgets what a stream has used
 * can be made to take it again, or uses the key stream again. It is only ever reached by the peer itself, or by ourselves.
 */
export const maxStreams = 4096

/** Where a stream goes on that began elsewhere. RFC 3711 §3.3.1: who joins is told by other means. */
export interface StreamPosition {
  /** 0 to 2^32 - 1 */
  readonly rolloverCounter?: number
  /** The index of the next SRTCP packet that is sent: 0 to 2^31 - 1. What is received tells its own. */
  readonly rtcpIndex?: number
}

/** What was sent or received of one SSRC. */
export class Stream {
  readonly rtp: IndexWindow = new IndexWindow()
  /** Those received. Most streams carry either RTP or RTCP. */
  rtcp: IndexWindow | undefined
  /** The one that is sent next. */
  nextRtcpIndex: number
  readonly #firstTurn: number

  constructor({ rolloverCounter = 0, rtcpIndex = 0 }: StreamPosition = {}) {
    if (!isInteger(rolloverCounter, 0xffff_ffff) || !isInteger(rtcpIndex, maxRtcpIndex)) {
      throw new SrtpError('bad-index', 'no such rollover counter or index')
    }
    this.#firstTurn = rolloverCounter * 0x1_0000
    this.nextRtcpIndex = rtcpIndex
  }

  /** The index of an RTP packet; possibly one that cannot be: see {@link estimateIndex}. */
  rtpIndex(sequenceNumber: number): number {
    const { highest } = this.rtp
    // RFC 3711 §3.3.1: the sequence number of the first packet is where the estimates begin.
    return highest < 0 ? this.#firstTurn + sequenceNumber : estimateIndex(highest, sequenceNumber)
  }
}

/** The streams of one direction. */
export class Streams {
  readonly #streams: Map<number, Stream> = new Map()

  get size(): number {
    return this.#streams.size
  }

  get isFull(): boolean {
    return this.#streams.size >= maxStreams
  }

  get(ssrc: number): Stream | undefined {
    return this.#streams.get(ssrc)
  }

  /** Only for packets that were authenticated, or are our own. */
  add(ssrc: number, stream: Stream): void {
    this.#streams.set(ssrc, stream)
  }

  /**
   * A stream that began elsewhere.
   *
   * @throws {SrtpError} `stream-in-use` if something of this SSRC was sent or received here; `too-many-streams`; `bad-index`
   */
  resume(ssrc: number, position: StreamPosition): void {
    if (this.#streams.has(ssrc)) throw new SrtpError('stream-in-use', 'the stream has an index already')
    if (this.isFull) throw new SrtpError('too-many-streams', `${maxStreams} streams are known`)
    this.#streams.set(ssrc, new Stream(position))
  }
}

function isInteger(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max
}

import { addressKey, type TransportAddress } from '../base/address.ts'
import { setBounded } from '../base/bounded-map.ts'

/** Paths that are remembered; ICE has no more pairs than that in use at a time. */
export const maxPaths = 256

/** What went over a path besides ICE connectivity checks. */
export interface PathTraffic {
  packetsSent: number
  packetsReceived: number
  bytesSent: number
  bytesReceived: number
  /** Monotonic milliseconds, of the last packet each; undefined before the first. */
  lastSentAt: number | undefined
  lastReceivedAt: number | undefined
}

/** The traffic of a transport by candidate pair: by the local base and the peer's address, which ICE has validated. */
export class PairTraffic {
  readonly #now: () => number
  readonly #paths = new Map<string, PathTraffic>()
  // The same objects come again and again, though others for sending than for receiving.
  #lastSent: Way | undefined
  #lastReceived: Way | undefined

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  sent(bytes: number, local: TransportAddress, remote: TransportAddress): void {
    let way = this.#lastSent
    if (way === undefined || way.local !== local || way.remote !== remote) way = this.#wayOf(local, remote)
    this.#lastSent = way
    way.path.packetsSent++
    way.path.bytesSent += bytes
    way.path.lastSentAt = this.#now()
  }

  received(bytes: number, local: TransportAddress, remote: TransportAddress): void {
    let way = this.#lastReceived
    if (way === undefined || way.local !== local || way.remote !== remote) way = this.#wayOf(local, remote)
    this.#lastReceived = way
    way.path.packetsReceived++
    way.path.bytesReceived += bytes
    way.path.lastReceivedAt = this.#now()
  }

  /** What has gone over a pair so far. */
  of(local: TransportAddress, remote: TransportAddress): Readonly<PathTraffic> {
    return this.#paths.get(keyOf(local, remote)) ?? nothing
  }

  #wayOf(local: TransportAddress, remote: TransportAddress): Way {
    const key = keyOf(local, remote)
    let path = this.#paths.get(key)
    if (path === undefined) {
      path = { ...nothing }
      setBounded(this.#paths, key, path, maxPaths)
    }
    return { local, remote, path }
  }
}

interface Way {
  readonly local: TransportAddress
  readonly remote: TransportAddress
  readonly path: PathTraffic
}

const nothing: Readonly<PathTraffic> = {
  packetsSent: 0,
  packetsReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  lastSentAt: undefined,
  lastReceivedAt: undefined,
}

function keyOf(local: TransportAddress, remote: TransportAddress): string {
  return `${addressKey(local)} ${addressKey(remote)}`
}

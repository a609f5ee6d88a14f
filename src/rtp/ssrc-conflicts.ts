import { setBounded } from '../base/bounded-map.ts'

/** Sources, and conflicting addresses, that are remembered at most. */
export const maxKnownSources = 256
export const maxConflictingAddresses = 32
/** RFC 3550 §8.2: ten report intervals, of five seconds. */
const conflictTimeoutMs = 50_000

export interface SourceSighting {
  readonly ssrc: number
  /** The transport address it came from, as text that is equal for equal addresses. */
  readonly from: string
  readonly kind: 'rtp' | 'rtcp'
  /** From a source description. */
  readonly cname?: string
}

/**
 * - `ok`: process it
 * - `own-collision`: somebody else uses an SSRC of ours: send a BYE for it and choose another
 * - `own-loop`: our own packets come back, or the collision goes on: ignore it
 * - `third-party-collision`, `third-party-loop`: two others collide: ignore the newer one
 */
export type SourceVerdict = 'ok' | 'own-collision' | 'own-loop' | 'third-party-collision' | 'third-party-loop'

interface KnownSource {
  rtp: string | undefined
  rtcp: string | undefined
  cname: string | undefined
}

/** Finds SSRCs that two sources use, and packets that run in a circle: RFC 3550 §8.2. To be told of authenticated packets. */
export class SsrcConflicts {
  readonly #own = new Set<number>()
  readonly #sources = new Map<number, KnownSource>()
  /** Addresses that our own SSRCs came from, with the time of the last such packet. */
  readonly #conflicting = new Map<string, number>()

  /** An SSRC that is sent with from now on. */
  addOwn(ssrc: number): void {
    this.#own.add(ssrc)
    this.#sources.delete(ssrc)
  }

  removeOwn(ssrc: number): void {
    this.#own.delete(ssrc)
  }

  /** Judges one SSRC of a received packet: of an RTP packet, of an RTCP packet's sender or of a chunk of a description. */
  judge(sighting: SourceSighting, now: number): SourceVerdict {
    if (this.#own.has(sighting.ssrc)) return this.#judgeOwn(sighting, now)
    const { ssrc, kind, from, cname } = sighting
    const known = this.#sources.get(ssrc)
    if (!known) {
      setBounded(this.#sources, ssrc, { rtp: undefined, rtcp: undefined, cname, [kind]: from }, maxKnownSources)
      return 'ok'
    }
    if (known[kind] !== undefined && known[kind] !== from) {
      const differs = cname !== undefined && known.cname !== undefined && cname !== known.cname
      return differs ? 'third-party-collision' : 'third-party-loop'
    }
    known[kind] = from
    known.cname ??= cname
    return 'ok'
  }

  /** The path of a peer has moved: what came from one address comes from another now, and that is no conflict. */
  moved(from: string, to: string): void {
    for (const source of this.#sources.values()) {
      if (source.rtp === from) source.rtp = to
      if (source.rtcp === from) source.rtcp = to
    }
  }

  /** A BYE: it counts only if it comes from where the source is known to be. */
  left(ssrc: number, from: string): void {
    const known = this.#sources.get(ssrc)
    if (known && (known.rtcp ?? known.rtp) === from) this.#sources.delete(ssrc)
  }

  #judgeOwn({ from, kind }: SourceSighting, now: number): SourceVerdict {
    const key = `${kind} ${from}`
    const seenAt = this.#conflicting.get(key)
    setBounded(this.#conflicting, key, now, maxConflictingAddresses)
    // A new SSRC is chosen once an address; if packets with it come from there again, it is a loop.
    return seenAt !== undefined && now - seenAt <= conflictTimeoutMs ? 'own-loop' : 'own-collision'
  }
}

import type { Deadlines } from '../base/deadlines.ts'
import type { RandomSource } from '../base/environment.ts'
import { type EndpointParameters, encodeInit, type Init, type PeerParameters, parseInit } from './chunks.ts'
import { CookieJar, type OpenedCookie } from './cookie.ts'
import type { SctpDropReason } from './errors.ts'
import { cookieLifetimeMs, maxInitRetransmissions, maxPeerCookieBytes, minInitWindow } from './limits.ts'
import type { Outbox } from './outbox.ts'
import type { ChunkReader, PacketWriter } from './packet.ts'
import { encodeParameter, uint16Bytes, uint32Bytes } from './parameters.ts'
import { CauseCode, ChunkType, ParameterType, reflectedTagFlag } from './protocol.ts'
import type { RoundTrip } from './round-trip.ts'
import type { Shared } from './shared.ts'
import type { AssociationState } from './states.ts'
import type { SctpTimer } from './timers.ts'

/**
 * What a COOKIE ECHO calls for:
 *
 * - `accept`: there was no association, so there is one now
 * - `restart`, `collision`, `duplicate`: actions A, B and D of RFC 9260 §5.2.4
 */
export type CookieAction = 'accept' | 'restart' | 'collision' | 'duplicate'

/** What became of an INIT ACK: the cookie is to be echoed, or the attempt is over. */
export type InitAckOutcome = 'echo' | 'give-up' | SctpDropReason

/**
 * Sets an association up (RFC 9260 §5). Both ends of a WebRTC connection send INIT at about the same time, so what the
 * standard calls a collision is the ordinary case here.
 */
export class Handshake {
  readonly #random: RandomSource
  readonly #jar: CookieJar
  readonly #outbox: Outbox
  readonly #roundTrip: RoundTrip
  readonly #deadlines: Deadlines<SctpTimer>
  #local: EndpointParameters
  #peer: PeerParameters | undefined
  #cookie: Uint8Array | undefined
  /** RFC 9260 §5.2.2: the Tie-Tags of this association, once an INIT has come that may be a restart. */
  #tieTags: { readonly local: number; readonly peer: number } | undefined
  #due = false
  #attempts = 0
  #staleCookies = 0
  #sentAt = 0

  constructor(
    shared: Shared,
    localPort: number,
    remotePort: number,
    local: Omit<EndpointParameters, 'tag' | 'initialTsn'>,
  ) {
    this.#random = shared.random
    this.#jar = new CookieJar(shared.random, localPort, remotePort)
    this.#outbox = shared.outbox
    this.#roundTrip = shared.roundTrip
    this.#deadlines = shared.deadlines
    this.#local = { ...local, tag: this.#randomTag(), initialTsn: this.#random32() }
  }

  get local(): EndpointParameters {
    return this.#local
  }

  get peer(): PeerParameters | undefined {
    return this.#peer
  }

  /** RFC 9260 §5.1.1: as many as we wish to have, or as the peer takes, whichever is less. Undefined before it is known. */
  get outboundStreams(): number | undefined {
    return this.#peer && Math.min(this.#local.outboundStreams, this.#peer.inboundStreams)
  }

  get inboundStreams(): number | undefined {
    return this.#peer && Math.min(this.#local.inboundStreams, this.#peer.outboundStreams)
  }

  /** Whether INIT or COOKIE ECHO is to be sent. */
  get isDue(): boolean {
    return this.#due
  }

  /** RFC 9260 §5.1, step A: an INIT is to be sent. */
  begin(): void {
    this.#due = true
    this.#attempts = 0
  }

  /**
   * RFC 9260 §5.2.6: the cookie was stale, so another is asked for.
   *
   * @returns false if that has happened too often
   */
  beginAgain(): boolean {
    this.begin()
    return ++this.#staleCookies <= maxInitRetransmissions
  }

  /** T1-init or T1-cookie expired: sends again, unless that was done often enough. */
  onTimeout(): 'again' | 'give-up' {
    this.#roundTrip.backOff()
    if (this.#attempts > maxInitRetransmissions) return 'give-up'
    this.#due = true
    return 'again'
  }

  /** Writes the packet that is due in COOKIE-WAIT or COOKIE-ECHOED. */
  write(writer: PacketWriter, state: AssociationState, packetSize: number, now: number): void {
    if (state === 'cookie-wait') {
      // RFC 9260 §8.5.1, rule A: a packet with an INIT has the tag 0.
      writer.begin(0, packetSize)
      writer.chunk(ChunkType.init, 0, encodeInit(this.#local))
    } else {
      writer.begin(this.#peer?.tag ?? 0, packetSize)
      writer.chunk(ChunkType.cookieEcho, 0, this.#cookie ?? noCookie)
    }
    this.#due = false
    this.#attempts++
    this.#sentAt = now
    this.#deadlines.set('t1', now + this.#roundTrip.rto)
  }

  /** Answers an INIT, in any state but SHUTDOWN-ACK-SENT. Nothing is kept of it: it all travels in the cookie. */
  onInit(chunk: ChunkReader, state: AssociationState, now: number): SctpDropReason | undefined {
    const init = parseInit(chunk.value)
    // RFC 9260 §3.3.2: an Initiate Tag of 0 is silently discarded.
    if (init === undefined || init.peer.tag === 0) return 'malformed'
    if (init.refusal !== undefined) {
      this.#outbox.packet(init.peer.tag, ChunkType.abort, 0, init.refusal)
      return 'malformed'
    }
    const inSetup = state === 'closed' || state === 'cookie-wait' || state === 'cookie-echoed'
    // RFC 9260 §5.2.1: in a collision the same tag as in our INIT; §5.2.2: otherwise a new one.
    const local = inSetup ? this.#local : { ...this.#local, tag: this.#randomTag(), initialTsn: this.#random32() }
    // RFC 9260 §5.2.2: Tie-Tags are populated where an association exists, and 0 otherwise.
    if (state !== 'closed' && state !== 'cookie-wait') {
      this.#tieTags ??= { local: this.#randomTag(), peer: this.#randomTag() }
    }
    const { local: localTieTag, peer: peerTieTag } = this.#tieTags ?? { local: 0, peer: 0 }
    const cookie = this.#jar.seal({ local, peer: init.peer, localTieTag, peerTieTag }, now)
    const parameters = [
      encodeParameter(ParameterType.stateCookie, cookie),
      ...init.unrecognized.map(whole => encodeParameter(ParameterType.unrecognizedParameter, whole)),
    ]
    this.#outbox.packet(init.peer.tag, ChunkType.initAck, 0, encodeInit(local, parameters))
    return undefined
  }

  /** Handles an INIT ACK in COOKIE-WAIT. */
  onInitAck(chunk: ChunkReader, now: number): InitAckOutcome {
    const init = parseInit(chunk.value)
    if (init === undefined) return 'malformed'
    const refusal = this.#refusalOfInitAck(init)
    if (refusal !== undefined) {
      // RFC 9260 §3.3.3: without a tag of the peer's, ours is reflected.
      if (init.peer.tag === 0) this.#outbox.packet(this.#local.tag, ChunkType.abort, reflectedTagFlag)
      else this.#outbox.packet(init.peer.tag, ChunkType.abort, 0, refusal)
      // RFC 9260 §3.3.3: a window that is too small is the only fault that leaves the attempt alive.
      return init.peer.tag !== 0 && init.peer.window < minInitWindow ? 'malformed' : 'give-up'
    }
    this.#measure(now)
    this.#peer = init.peer
    this.#cookie = init.cookie?.slice()
    for (const whole of init.unrecognized) this.#outbox.error(CauseCode.unrecognizedParameters, whole)
    this.begin()
    return 'echo'
  }

  /** Handles a COOKIE ECHO: verifies the cookie and finds out what it means (RFC 9260 §5.1.5, §5.2.4). */
  onCookieEcho(chunk: ChunkReader, state: AssociationState, now: number): CookieAction | SctpDropReason {
    const cookie = this.#jar.open(chunk.value)
    // RFC 9260 §5.1.5, step 3: the tag of the packet is the one that the cookie was made for.
    if (cookie === undefined || cookie.local.tag !== chunk.verificationTag) return 'bad-cookie'
    const age = now - cookie.createdAt
    // RFC 9260 §5.2.4, step 3: a cookie of the present association does not go stale.
    if (age > cookieLifetimeMs && !(state !== 'closed' && this.#isOurs(cookie))) {
      const staleness = uint32Bytes(Math.min(Math.ceil((age - cookieLifetimeMs) * 1000), 0xffff_ffff))
      this.#outbox.packet(cookie.peer.tag, ChunkType.error, 0, encodeParameter(CauseCode.staleCookie, staleness))
      return 'stale-cookie'
    }
    const action = state === 'closed' ? 'accept' : this.#tableAction(cookie)
    if (action === undefined) return 'unexpected-chunk'
    if (action === 'restart' && state === 'shutdown-ack-sent') return action
    this.#local = cookie.local
    this.#peer = cookie.peer
    if (action === 'restart') this.#tieTags = undefined
    return action
  }

  /** The association is up. */
  finish(): void {
    this.#due = false
    this.#cookie = undefined
    this.#deadlines.clear('t1')
  }

  /** The answer to a COOKIE ECHO came. */
  onCookieAck(now: number): void {
    this.#measure(now)
  }

  /** RFC 9260 §5.2.4, table 12; undefined where the cookie is silently discarded. */
  #tableAction(cookie: OpenedCookie): CookieAction | undefined {
    const localMatches = cookie.local.tag === this.#local.tag
    const peerMatches = cookie.peer.tag === this.#peer?.tag
    if (localMatches) return peerMatches ? 'duplicate' : 'collision'
    const ties = this.#tieTags
    const tiesMatch = ties !== undefined && cookie.localTieTag === ties.local && cookie.peerTieTag === ties.peer
    // Action C, a late cookie of ours with the peer's tag and no Tie-Tags, is one of those that are discarded.
    return !peerMatches && tiesMatch ? 'restart' : undefined
  }

  #isOurs(cookie: OpenedCookie): boolean {
    return cookie.local.tag === this.#local.tag && cookie.peer.tag === this.#peer?.tag
  }

  #refusalOfInitAck(init: Init): Uint8Array | undefined {
    if (init.peer.tag === 0) return new Uint8Array(0)
    if (init.refusal !== undefined) return init.refusal
    if (init.cookie === undefined) {
      const missing = uint16Bytes(ParameterType.stateCookie)
      return encodeParameter(CauseCode.missingMandatoryParameter, uint32Bytes(1), missing)
    }
    return init.cookie.length > maxPeerCookieBytes ? encodeParameter(CauseCode.outOfResource) : undefined
  }

  /** RFC 9260 §6.3.1, rule C5: what was sent once tells the round trip. */
  #measure(now: number): void {
    if (this.#attempts === 1) this.#roundTrip.measured(now - this.#sentAt)
  }

  #randomTag(): number {
    for (;;) {
      const tag = this.#random32()
      // RFC 9260 §5.3.1: from 1 to 2^32 - 1.
      if (tag !== 0) return tag
    }
  }

  #random32(): number {
    const bytes = this.#random(4)
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  }
}

const noCookie = new Uint8Array(0)

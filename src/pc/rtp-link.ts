import type { ReceivedPacket } from '../rtp/session/receive-stream.ts'
import type { RtpSession, RtpSessionEvent } from '../rtp/session/rtp-session.ts'
import type { RtpSessionDropReason } from '../rtp/session/statistics.ts'
import type { RtpTransmit } from '../rtp/session/transmit.ts'
import type { SrtpSession } from '../srtp/index.ts'
import type { SrtpPort, SrtpUser } from './srtp-port.ts'

/**
 * Packets that leave in one turn of the event loop at most: as many as Node reads from a socket in a turn, so that a receiver
 * of its kind keeps up. One whose socket has the default receive buffer loses what is more than ninety ahead of it.
 */
export const maxRtpBurst = 32

/** What a link uses of an RTP session. */
export type LinkedSession = Pick<
  RtpSession,
  | 'ready'
  | 'receive'
  | 'receiveRtcp'
  | 'unprotected'
  | 'close'
  | 'pollTransmit'
  | 'pollEvent'
  | 'pollTimeout'
  | 'handleTimeout'
>

/** What is told of an RTP session, each at the top of a turn and never from inside an API call. */
export interface RtpListener {
  /** A packet that was authenticated, of a stream that is known. */
  rtpReceived(received: ReceivedPacket, now: number): void
  rtpEvent(event: RtpSessionEvent): void
}

/**
 * Joins an RTP session with the transport that it runs on, or with two, if RTCP has its own: RFC 5761 §5.1.1.
 *
 * In: port -> session -> listener. Out: session -> port. The transport of RTP drives the session.
 */
export class RtpLink {
  readonly session: LinkedSession
  readonly #listener: RtpListener
  readonly #rtp: SrtpPort
  readonly #rtcp: SrtpPort
  readonly #rtpUser: SrtpUser
  readonly #rtcpUser: SrtpUser | undefined
  /** Media that is protected and leaves in this turn. */
  readonly #burst: Uint8Array[] = []
  /**
   * Whose keys protect RTCP. RFC 5764 §4.2: each association keys what goes over it; but libwebrtc keeps to those of RTP for
   * both, so that this end does as the peer is heard to do.
   */
  #rtcpKeys: SrtpPort

  constructor(session: LinkedSession, listener: RtpListener, rtp: SrtpPort, rtcp: SrtpPort | undefined) {
    this.session = session
    this.#listener = listener
    this.#rtp = rtp
    this.#rtcp = rtcp ?? rtp
    this.#rtcpKeys = this.#rtcp
    this.#rtpUser = this.#user(rtcp === undefined ? 'rtp and rtcp' : 'rtp')
    this.#rtcpUser = rtcp && this.#user('rtcp')
  }

  attach(now: number): void {
    this.#rtp.attach(this.#rtpUser, now)
    if (this.#rtcpUser !== undefined) this.#rtcp.attach(this.#rtcpUser, now)
  }

  detach(): void {
    this.#rtp.detach(this.#rtpUser)
    if (this.#rtcpUser !== undefined) this.#rtcp.detach(this.#rtcpUser)
  }

  /** Tells what has happened. */
  tell(): void {
    const { session } = this
    for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) {
      this.#listener.rtpEvent(event)
    }
  }

  /**
   * Sends what is due; if it is much, the rest in the next turns.
   *
   * Media is protected first, and then leaves at once: a receiver that is woken for each packet, because it is done with
   * one before the next is protected, costs both sides a microsecond for each.
   */
  flush(now: number): void {
    if (this.#rtp.isWaiting) return
    const { session } = this
    for (let count = 0; count < maxRtpBurst; count++) {
      const packet = session.pollTransmit(now)
      if (packet === undefined) {
        this.#sendBurst()
        return
      }
      // What was not protected must not be taken for protected when it is asked for again.
      if (!this.#prepare(packet)) session.unprotected(packet)
    }
    this.#sendBurst()
    this.#rtp.carrier.schedule()
  }

  /** RFC 3550 §6.6: says goodbye for every stream. Must be followed by {@link detach}. */
  close(now: number): void {
    this.session.close(now)
    for (let packet = this.session.pollTransmit(now); packet !== undefined; packet = this.session.pollTransmit(now)) {
      if (packet.kind === 'rtcp') this.#send(packet)
    }
  }

  /** Undefined as long as there are no keys: what is due waits for them. */
  pollTimeout(): number | undefined {
    return this.#rtp.isWaiting ? undefined : this.session.pollTimeout()
  }

  #prepare(packet: RtpTransmit): boolean {
    if (packet.kind === 'rtcp') return this.#send(packet)
    const data = this.#rtp.protect(packet)
    if (data !== undefined) this.#burst.push(data)
    return data !== undefined
  }

  #sendBurst(): void {
    const { carrier } = this.#rtp
    const burst = this.#burst
    for (let i = 0; i < burst.length; i++) if (!carrier.send(burst[i] as Uint8Array, 'rtp')) carrier.drop('no-path')
    burst.length = 0
  }

  #send(packet: RtpTransmit): boolean {
    return packet.kind === 'rtp' ? this.#rtp.send(packet) : this.#rtcpKeys.send(packet, this.#rtcp.carrier)
  }

  #user(takes: SrtpUser['takes']): SrtpUser {
    return {
      takes,
      receiveRtp: (data, now) => this.#receiveRtp(data, now),
      receiveRtcp: (data, now) => {
        this.#rtcpKeys = this.#rtcp
        this.#receiveRtcp(data, now)
      },
      ...(takes === 'rtcp' ? { receiveForeignRtcp: (data, now) => this.#receiveForeignRtcp(data, now) } : {}),
      keyed: (srtp, now) => this.#keyed(srtp, takes, now),
      unkeyed: () => {
        this.#rtcpKeys = this.#rtcp
      },
    }
  }

  #receiveRtp(data: Uint8Array, now: number): void {
    const result = this.session.receive(data, now)
    if ('drop' in result) this.#rtp.carrier.drop(rtpDropReason(result.drop))
    else this.#listener.rtpReceived(result, now)
  }

  #receiveRtcp(data: Uint8Array, now: number): void {
    const result = this.session.receiveRtcp(data, now)
    if (result !== undefined) this.#rtcp.carrier.drop(`rtcp-${result.drop}`)
    // It may have come on the other transport, and this is the one that drives the session.
    this.#rtp.carrier.schedule()
  }

  #receiveForeignRtcp(data: Uint8Array, now: number): boolean {
    const packet = this.#rtp.unprotectRtcp(data)
    if (packet === undefined) return false
    this.#rtcpKeys = this.#rtp
    this.#receiveRtcp(packet, now)
    return true
  }

  /** Media does not wait for the transport of RTCP. */
  #keyed(srtp: SrtpSession, takes: SrtpUser['takes'], now: number): void {
    if (takes === 'rtcp') return
    this.session.ready(srtp.rtpTrailerLength, srtp.rtcpOverhead, now)
    this.#rtp.carrier.schedule()
  }
}

/** As they are counted, so that no string is put together for each packet of a flood. */
const rtpDropReasons = new Map<string, string>()

function rtpDropReason(reason: RtpSessionDropReason): string {
  const known = rtpDropReasons.get(reason)
  if (known !== undefined) return known
  const prefixed = `rtp-${reason}`
  rtpDropReasons.set(reason, prefixed)
  return prefixed
}

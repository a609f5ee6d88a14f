import { DtlsError } from '../errors.ts'
import type { Handshake, HandshakeState } from '../handshake.ts'
import { type HandshakeMessage, HandshakeType } from '../messages.ts'
import type { KeySchedule } from './key-schedule.ts'
import { decodeKeyUpdate, encodeKeyUpdate } from './messages.ts'
import { Opener13, Sealer13 } from './record-protection.ts'

/** RFC 9147 §6.1: the epochs of a connection without early data. */
export const handshakeEpoch = 2
export const firstApplicationEpoch = 3

/** RFC 9147 §8: a sender does not let its epoch go beyond 2^48-1. */
const maxEpoch: number = 2 ** 48 - 1

/** The traffic secret of a direction, and the epoch that it is of. */
interface Direction {
  readonly epoch: number
  readonly secret: Uint8Array
}

/** Where our own key update is: `sent` waits for its ACK, `wanted` for that of the flight before; `sent-and-wanted` is both. */
type KeyUpdate = 'none' | 'wanted' | 'wanted-of-both' | 'sent' | 'sent-and-wanted'

interface PostHandshake {
  readonly schedule: KeySchedule
  readonly own: Direction
  readonly peer: Direction
  readonly update: KeyUpdate
}

/** RFC 9147 §5.8.4: the connection is established; what may come are session tickets and key updates. */
export class ExpectPostHandshake implements HandshakeState {
  readonly name = 'a message after the handshake'
  readonly epoch: number
  readonly #now: PostHandshake

  /** The state that follows the handshake. Its secrets are owned from now on. */
  static first(schedule: KeySchedule, ownSecret: Uint8Array, peerSecret: Uint8Array): ExpectPostHandshake {
    const epoch = firstApplicationEpoch
    return new ExpectPostHandshake({
      schedule,
      own: { epoch, secret: ownSecret },
      peer: { epoch, secret: peerSecret },
      update: 'none',
    })
  }

  private constructor(now: PostHandshake) {
    this.#now = now
    this.epoch = now.peer.epoch
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    switch (message.type) {
      case HandshakeType.newSessionTicket:
        // RFC 8446 §4.6.1: a client may keep it, or not. A server gets none.
        if (handshake.config.role === 'client') return this
        break
      case HandshakeType.keyUpdate:
        return this.#followPeer(decodeKeyUpdate(message.body), handshake)
    }
    // RFC 8446 §4.6.2, RFC 9147 §9: neither later authentication nor connection IDs were offered.
    throw new DtlsError('unexpected-message', `message ${message.type} after the handshake`)
  }

  updateKeys(requestsUpdate: boolean, handshake: Handshake): HandshakeState {
    const { own, update } = this.#now
    if (update !== 'none' || own.epoch >= maxEpoch) return this
    // RFC 9147 §8: not before everything ahead of it was acknowledged.
    if (handshake.retransmission.pending) return this.#with({ update: requestsUpdate ? 'wanted-of-both' : 'wanted' })
    handshake.write(HandshakeType.keyUpdate, encodeKeyUpdate(requestsUpdate))
    handshake.sendFlight()
    return this.#with({ update: 'sent' })
  }

  acknowledged(handshake: Handshake): HandshakeState {
    const { update } = this.#now
    switch (update) {
      case 'none':
        return this
      case 'wanted':
      case 'wanted-of-both':
        return this.#with({ update: 'none' }).updateKeys(update === 'wanted-of-both', handshake)
      case 'sent':
        return this.#sealWithNext(handshake)
      case 'sent-and-wanted':
        return this.#sealWithNext(handshake).updateKeys(false, handshake)
    }
  }

  wipe(): void {
    this.#now.own.secret.fill(0)
    this.#now.peer.secret.fill(0)
  }

  /** RFC 9147 §8: the new keys are used once the KeyUpdate was acknowledged. */
  #sealWithNext(handshake: Handshake): ExpectPostHandshake {
    const { schedule } = this.#now
    const own = next(this.#now.own, schedule)
    handshake.sealer.wipe()
    handshake.sealWith(new Sealer13(own.epoch, schedule.trafficKeys(own.secret)))
    return this.#with({ own, update: 'none' })
  }

  /**
   * Reads with the peer's next key.
   *
   * RFC 8446 §4.6.3: and updates ours if asked. It is done unasked, too, where the peer has become ahead: an ACK should
   * have an epoch that is no lower than what it acknowledges (RFC 9147 §7).
   */
  #followPeer(requested: boolean, handshake: Handshake): HandshakeState {
    const { schedule, own, update } = this.#now
    const peer = next(this.#now.peer, schedule)
    handshake.open({ epoch: peer.epoch, opener: new Opener13(schedule.trafficKeys(peer.secret)) })
    // RFC 8446 §4.6.3: requests that cross each other are both followed.
    if (requested && update === 'sent') return this.#with({ peer, update: 'sent-and-wanted' })
    const state = this.#with({ peer })
    return requested || peer.epoch > own.epoch ? state.updateKeys(false, handshake) : state
  }

  #with(change: Partial<PostHandshake>): ExpectPostHandshake {
    return new ExpectPostHandshake({ ...this.#now, ...change })
  }
}

/** RFC 8446 §7.2: the secret before is overwritten. */
function next({ epoch, secret }: Direction, schedule: KeySchedule): Direction {
  const following = schedule.nextTrafficSecret(secret)
  secret.fill(0)
  return { epoch: epoch + 1, secret: following }
}

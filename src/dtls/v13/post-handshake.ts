import { DtlsError } from '../errors.ts'
import type { Handshake, HandshakeState } from '../handshake.ts'
import { type HandshakeMessage, HandshakeType } from '../messages.ts'
import {
  type ConnectionIdUpdate,
  decodeNewConnectionId,
  decodeRequestConnectionId,
  encodeNewConnectionId,
  encodeRequestConnectionId,
  type PendingUpdates,
  withUpdate,
} from './connection-ids.ts'
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
  readonly idUpdates: PendingUpdates
  /** Whether a RequestConnectionId of ours is still unfulfilled. */
  readonly requestsIds: boolean
  /** Whether one of the peer waits for its answer to be sent. */
  readonly owesIds: boolean
}

/** RFC 9147 §5.8.4: the connection is established; what may come are session tickets, key updates and connection IDs. */
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
      idUpdates: [],
      requestsIds: false,
      owesIds: false,
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
      case HandshakeType.newConnectionId:
        return this.#takeIds(message.body, handshake)
      case HandshakeType.requestConnectionId:
        return this.#giveIds(message.body, handshake)
    }
    // RFC 8446 §4.6.2: later authentication was not offered.
    throw new DtlsError('unexpected-message', `message ${message.type} after the handshake`)
  }

  updateKeys(requestsUpdate: boolean, handshake: Handshake): ExpectPostHandshake {
    const { own, update } = this.#now
    if (update !== 'none' || own.epoch >= maxEpoch || !handshake.canWrite) return this
    // RFC 9147 §8: not before everything ahead of it was acknowledged.
    if (handshake.retransmission.pending) return this.#with({ update: requestsUpdate ? 'wanted-of-both' : 'wanted' })
    handshake.write(HandshakeType.keyUpdate, encodeKeyUpdate(requestsUpdate))
    handshake.sendFlight()
    return this.#with({ update: 'sent' })
  }

  /** RFC 9147 §9: for a direction that has no connection IDs, there is nothing to tell. */
  updateConnectionIds(update: ConnectionIdUpdate, handshake: Handshake): ExpectPostHandshake {
    const ids = handshake.connectionIds
    if (ids === undefined || (update.kind === 'issue' ? ids.ownLength : ids.peer.length) === 0) return this
    // RFC 9147 §9: no request when an existing one is still unfulfilled.
    if (update.kind === 'request' && this.#now.requestsIds) return this
    return this.#with({ idUpdates: withUpdate(this.#now.idUpdates, update) }).#tellNext(handshake)
  }

  acknowledged(handshake: Handshake): HandshakeState {
    return this.#updateAcknowledged(handshake).#tellNext(handshake)
  }

  #updateAcknowledged(handshake: Handshake): ExpectPostHandshake {
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
    handshake.replaceSealer(new Sealer13(own.epoch, schedule.trafficKeys(own.secret), handshake.connectionIds))
    return this.#with({ own, update: 'none' })
  }

  /**
   * Reads with the peer's next key. RFC 8446 §4.6.3: and updates ours if asked.
   *
   * RFC 9147 §7: after the handshake an ACK goes in the highest epoch that there is, lower than what it acknowledges or not.
   */
  #followPeer(requested: boolean, handshake: Handshake): HandshakeState {
    const { schedule, update } = this.#now
    const peer = next(this.#now.peer, schedule)
    handshake.open({ epoch: peer.epoch, opener: new Opener13(schedule.trafficKeys(peer.secret)) })
    // RFC 8446 §4.6.3: requests that cross each other are both followed.
    if (requested && update === 'sent') return this.#with({ peer, update: 'sent-and-wanted' })
    const state = this.#with({ peer })
    return requested ? state.updateKeys(false, handshake) : state
  }

  /**
   * Sends what waits to be told of connection IDs, one message after the other.
   *
   * RFC 9147 §5.8.4: none while an earlier one of its type has not been acknowledged.
   */
  #tellNext(handshake: Handshake): ExpectPostHandshake {
    const [next, ...idUpdates] = this.#now.idUpdates
    const ids = handshake.connectionIds
    if (next === undefined || ids === undefined || handshake.retransmission.pending || !handshake.canWrite) return this
    if (next.kind === 'request') {
      handshake.write(HandshakeType.requestConnectionId, encodeRequestConnectionId(next.count))
    } else {
      const body = { ids: ids.issue(next.count, handshake.config.random), usage: next.usage }
      handshake.write(HandshakeType.newConnectionId, encodeNewConnectionId(body))
    }
    handshake.sendFlight()
    const { requestsIds, owesIds } = this.#now
    const isRequest = next.kind === 'request'
    return this.#with({ idUpdates, requestsIds: requestsIds || isRequest, owesIds: owesIds && isRequest })
  }

  #takeIds(body: Uint8Array, { connectionIds }: Handshake): ExpectPostHandshake {
    // RFC 9147 §9: nobody gives them who did not negotiate them, or wants to receive an empty one.
    if (connectionIds === undefined || connectionIds.peer.length === 0) {
      throw new DtlsError('unexpected-message', 'connection IDs where the peer has none')
    }
    const { ids, usage } = decodeNewConnectionId(body)
    if (usage === 'immediate') connectionIds.replacePeer(ids)
    else connectionIds.keepSpare(ids)
    return this.#with({ requestsIds: false })
  }

  #giveIds(body: Uint8Array, handshake: Handshake): ExpectPostHandshake {
    const ids = handshake.connectionIds
    // RFC 9147 §9: nor does anybody ask for them who sends an empty one.
    if (ids === undefined || ids.ownLength === 0) {
      throw new DtlsError('unexpected-message', 'a request for connection IDs where we have none')
    }
    // RFC 9147 §9: no second request when an existing one is still unfulfilled; too many may end the connection.
    if (this.#now.owesIds) {
      throw new DtlsError('too-many-connection-ids', 'the peer asks for more and more connection IDs')
    }
    const count = decodeRequestConnectionId(body)
    return this.#with({ owesIds: true }).updateConnectionIds({ kind: 'issue', count, usage: 'spare' }, handshake)
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

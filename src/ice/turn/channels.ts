import { addressKey } from '../../base/address.ts'
import { firstChannel, lastChannel } from './channel-data.ts'
import type { Channel, Peer } from './peer.ts'
import { channelLifetimeMs, channelQuarantineMs } from './timing.ts'

/** The channels of an allocation. */
export class ChannelTable {
  /** By number, the first one at 0. */
  readonly #byNumber: Channel[] = []
  readonly #byPeer = new Map<string, Channel>()

  get channels(): Iterable<Channel> {
    return this.#byPeer.values()
  }

  find(number: number): Channel | undefined {
    return this.#byNumber[number - firstChannel]
  }

  /**
   * A channel for a peer that has none. Undefined if every number is taken.
   *
   * RFC 8656 §12: neither number nor address may be bound differently before the old binding has been over for 5
   * minutes. A peer that comes back therefore gets its number back.
   */
  claim(peer: Peer, now: number): Channel | undefined {
    const key = addressKey(peer.address)
    const former = this.#byPeer.get(key)
    if (former !== undefined) {
      former.peer = peer
      former.state = { kind: 'asked' }
      return former
    }
    const number = this.#freeNumber(now)
    if (number === undefined) return undefined
    const channel: Channel = { number, peer, state: { kind: 'asked' } }
    this.#byNumber[number - firstChannel] = channel
    this.#byPeer.set(key, channel)
    return channel
  }

  /** The peer of the channel is forgotten. A renewal may just have reached the server: its life counts from now. */
  retire(channel: Channel, now: number): void {
    channel.state = { kind: 'retired', freeAt: now + channelLifetimeMs + channelQuarantineMs }
  }

  #freeNumber(now: number): number | undefined {
    if (firstChannel + this.#byNumber.length <= lastChannel) return firstChannel + this.#byNumber.length
    for (const { number, peer, state } of this.#byNumber) {
      if (state.kind !== 'retired' || state.freeAt > now) continue
      this.#byPeer.delete(addressKey(peer.address))
      return number
    }
    return undefined
  }
}

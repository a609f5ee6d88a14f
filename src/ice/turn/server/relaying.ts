import type { TransportAddress } from '../../../base/address.ts'
import type { RandomSource } from '../../../base/environment.ts'
import { encodeMessage, type ReceivedStunMessage, stunMethod } from '../../stun/message.ts'
import { newTransactionId } from '../../stun/transaction.ts'
import { channelOf, channelPayload, encodeChannelData } from '../channel-data.ts'
import type { AddressMap } from './address-map.ts'
import type { Allocation, Peer, Relay, RelayTable } from './allocation.ts'
import type { ServerCounters, ServerDrop } from './counters.ts'
import type { ServerTransmit } from './sockets.ts'

export interface RelayingOptions {
  readonly random: RandomSource
  readonly counters: ServerCounters
  /** The relayed addresses of this server. */
  readonly relays: RelayTable
  /** Where this server takes requests. */
  readonly listening: AddressMap<unknown>
  readonly send: (transmit: ServerTransmit) => void
}

/** Why a datagram was dropped; nothing if it was not. */
type Dropped = ServerDrop | undefined

/**
 * Carries datagrams between clients and peers.
 *
 * This is the path of every packet: a few look-ups, nothing allocated but what is sent.
 */
export class Relaying {
  readonly #options: RelayingOptions

  constructor(options: RelayingOptions) {
    this.#options = options
  }

  /** ChannelData of a client. RFC 8656 §12.6. */
  channelData(allocation: Allocation, message: Uint8Array, now: number): Dropped {
    const channel = allocation.channels.get(channelOf(message))
    if (channel === undefined || channel.expiresAt <= now) return 'no-channel'
    const data = channelPayload(message)
    if (data === undefined) return 'malformed'
    return this.#toPeer(channel.relay, channel.peer, channel.address, data, now)
  }

  /** A Send indication. RFC 8656 §11.2. */
  sendIndication(allocation: Allocation, message: ReceivedStunMessage, now: number): Dropped {
    const { xorPeerAddress, data, dontFragment } = message.attributes
    const address = xorPeerAddress?.[0]
    if (address === undefined || data === undefined) return 'malformed'
    // RFC 8656 §11.2: as we can't set the DF bit, DONT-FRAGMENT counts as unknown
    if (message.unknownRequired.length > 0 || dontFragment !== undefined) return 'unsupported'
    const relay = allocation.relays.find(candidate => candidate.address.family === address.family)
    const peer = relay?.peers.get(address.address)
    if (relay === undefined || peer === undefined || peer.permittedUntil <= now) return 'no-permission'
    if (address.port === 0) return 'forbidden'
    return this.#toPeer(relay, peer, address, data, now)
  }

  /** A datagram that has arrived at a relayed address. RFC 8656 §11.3. */
  fromPeer(relay: Relay, data: Uint8Array, from: TransportAddress, now: number): Dropped {
    const peer = relay.peers.get(from.address)
    // Where only other clients may be reached, datagrams come from within: this one is of some other process.
    if (peer?.reach === 'relays') return 'forbidden'
    return this.#toClient(relay, peer, data, from, now)
  }

  #toPeer(relay: Relay, peer: Peer, address: TransportAddress, data: Uint8Array, now: number): Dropped {
    const { counters, send } = this.#options
    const { bandwidth } = relay.allocation.usage
    if (relay.expiresAt <= now) return 'no-allocation'
    if (bandwidth !== undefined && !bandwidth.take(data.length, now)) return 'over-bandwidth'
    const target = peer.reach === 'open' ? undefined : this.#options.relays.get(address)
    if (peer.reach !== 'open' && target === undefined && !this.#mayLeave(peer, address)) return 'forbidden'
    counters.toPeers.packets++
    counters.toPeers.bytes += data.length
    if (target !== undefined) return this.#acrossTo(target, relay, data, now)
    send({ socket: relay.socket, remote: address, data, droppable: true })
    return undefined
  }

  /**
   * Whether a datagram to an address of this host may go there.
   *
   * RFC 8656 §21.1.4: that is looked at each time, as ports change hands: today's relayed address may be another program's
   * port tomorrow. RFC 8656 §21.1.7: it never goes to where this server listens, or it might go round for ever.
   */
  #mayLeave(peer: Peer, address: TransportAddress): boolean {
    return peer.reach === 'guarded' && this.#options.listening.get(address) === undefined
  }

  /** Carries a datagram to another client of this server: no socket is needed. */
  #acrossTo(target: Relay, from: Relay, data: Uint8Array, now: number): Dropped {
    return this.#toClient(target, target.peers.get(from.address.address), data, from.address, now)
  }

  #toClient(relay: Relay, peer: Peer | undefined, data: Uint8Array, from: TransportAddress, now: number): Dropped {
    const { counters, send } = this.#options
    const { client, usage } = relay.allocation
    if (relay.expiresAt <= now) return 'no-allocation'
    // RFC 8656 §9: without a permission, silently discarded
    if (peer === undefined || peer.permittedUntil <= now) return 'no-permission'
    if (usage.bandwidth !== undefined && !usage.bandwidth.take(data.length, now)) return 'over-bandwidth'
    const channel = peer.channels?.get(from.port)
    // RFC 8656 §12.5: the server must use the channel if there is one
    const message =
      channel !== undefined && channel.expiresAt > now
        ? encodeChannelData(channel.number, data, client.transport !== 'udp')
        : this.#dataIndication(data, from)
    counters.toClients.packets++
    counters.toClients.bytes += data.length
    send({ socket: client.socket, remote: client.remote, data: message, droppable: true })
    return undefined
  }

  #dataIndication(data: Uint8Array, from: TransportAddress): Uint8Array {
    const transactionId = newTransactionId(this.#options.random)
    return encodeMessage(
      { class: 'indication', method: stunMethod.data, transactionId, attributes: { xorPeerAddress: [from], data } },
      { fingerprint: false },
    )
  }
}

import type { TransportAddress } from '../../base/address.ts'
import type { RandomSource } from '../../base/environment.ts'
import type { Queue } from '../../base/queue.ts'
import { StunError } from '../errors.ts'
import { isStun } from '../stun/header.ts'
import { encodeMessage, type ReceivedStunMessage, stunMethod } from '../stun/message.ts'
import { newTransactionId } from '../stun/transaction.ts'
import { channelOf, channelPayload, encodeChannelData, maxChannelDataBytes } from './channel-data.ts'
import { ChannelTable } from './channels.ts'
import type { TurnEvent } from './events.ts'
import type { Channel, Peer, Permission } from './peer.ts'
import { canonicalAddress, maxWaitingPackets, PeerTable } from './peers.ts'
import type { TurnOutcome, TurnRequests } from './purpose.ts'
import { type TurnReceived, turnDropped, turnHandled } from './received.ts'
import {
  channelLifetimeMs,
  channelRefreshMs,
  permissionLifetimeMs,
  permissionRefreshMs,
  refusalMs,
  refusalReminderMs,
} from './timing.ts'

export interface RelayOptions {
  readonly requests: TurnRequests
  readonly outgoing: Queue<Uint8Array>
  readonly events: Queue<TurnEvent>
  readonly random: RandomSource
  /** The families of the relayed addresses: peers of others cannot be reached. */
  readonly families: readonly (4 | 6)[]
  readonly reliable: boolean
}

/**
 * The way of data through an allocation: permissions, channels, and what is sent and received by them.
 *
 * To a new peer: a permission is asked for, while packets wait; then they go as Send indications; the first one that is
 * not STUN, which is more than a connectivity check, has a channel bound; and from then on all goes as ChannelData.
 */
export class Relay {
  readonly #options: RelayOptions
  readonly #peers = new PeerTable()
  readonly #channels = new ChannelTable()
  /** The peer that was sent to last, and the object that it was named by: bulk data has no need to look it up. */
  #lastAddress: TransportAddress | undefined
  #lastPeer: Peer | undefined
  #dropped = 0

  constructor(options: RelayOptions) {
    this.#options = options
  }

  /** Packets that were not sent: for want of a permission, or because too many waited for one. */
  get dropped(): number {
    return this.#dropped
  }

  /** The next time that {@link poll} has something to do. */
  get deadline(): number | undefined {
    let earliest = Number.POSITIVE_INFINITY
    for (const { state } of this.#peers.permissions) {
      if (state.kind === 'installed') earliest = Math.min(earliest, state.refreshAt)
    }
    for (const { state } of this.#channels.channels) {
      if (state.kind === 'bound') earliest = Math.min(earliest, state.refreshAt)
    }
    return Number.isFinite(earliest) ? earliest : undefined
  }

  /** Sends a packet. Returns whether it went as ChannelData: nothing else has changed then. */
  send(data: Uint8Array, address: TransportAddress, now: number): boolean {
    const peer = address === this.#lastAddress ? this.#lastPeer : this.#find(address, now)
    if (peer === undefined) {
      this.#dropped++
      return false
    }
    peer.usedAt = now
    const { channel } = peer
    if (channel === undefined || channel.state.kind !== 'bound' || data.length > maxChannelDataBytes) {
      this.#sendWithoutChannel(peer, data, now)
      return false
    }
    this.#options.outgoing.push(encodeChannelData(channel.number, data, this.#options.reliable))
    return true
  }

  /** Lets a peer send to us before anything is sent to it. */
  permit(address: TransportAddress, now: number): void {
    const peer = this.#find(address, now)
    if (peer !== undefined) this.#askAgain(peer, now)
  }

  /** Whether the peer may send to us, as far as we know. */
  permits(address: TransportAddress): boolean {
    const state = this.#peers.permissionFor(address)?.state
    return state !== undefined && state.kind !== 'refused'
  }

  /** The object that stands for an address that the server has named. */
  sender(address: TransportAddress): TransportAddress {
    return this.#peers.sender(address)
  }

  /** Takes a ChannelData message. RFC 8656 §12.6. */
  receiveChannelData(message: Uint8Array): TurnReceived {
    const channel = this.#channels.find(channelOf(message))
    // RFC 8656 §12: the server may use a channel as soon as it was asked for
    if (channel === undefined || channel.state.kind === 'retired') return turnDropped['unknown-channel']
    const { peer } = channel
    if (peer.permission.state.kind === 'refused') return turnDropped['no-permission']
    const data = channelPayload(message)
    return data === undefined ? turnDropped.malformed : { peer: peer.address, data }
  }

  /** Takes a Data indication. RFC 8656 §11.4, §11.6. */
  receiveData({ attributes, unknownRequired }: ReceivedStunMessage): TurnReceived {
    const { xorPeerAddress, data, icmp } = attributes
    const address = xorPeerAddress?.[0]
    // RFC 8489 §6.3.2: an indication with attributes that we had to understand is discarded
    if (address === undefined || unknownRequired.length > 0) return turnDropped.malformed
    if (!this.permits(address)) return turnDropped['no-permission']
    const peer = this.#peers.sender(address)
    if (data !== undefined) return { peer, data }
    if (icmp === undefined) return turnDropped.malformed
    this.#options.events.push({ type: 'icmp', peer, icmp })
    return turnHandled
  }

  /** Renews what is due. */
  poll(now: number): void {
    for (const permission of this.#peers.permissions) {
      const { state } = permission
      if (state.kind !== 'installed' || state.refreshAt > now) continue
      const { expiresAt } = state
      const left = expiresAt > now
      this.#ask(permission, now)
      if (left) permission.state = { kind: 'installed', refreshAt: Number.POSITIVE_INFINITY, expiresAt }
    }
    for (const channel of this.#channels.channels) {
      const { state } = channel
      if (state.kind !== 'bound' || state.refreshAt > now) continue
      const { expiresAt } = state
      const left = expiresAt > now
      this.#askForChannel(channel, now)
      if (left) channel.state = { kind: 'bound', refreshAt: Number.POSITIVE_INFINITY, expiresAt }
    }
  }

  /** Takes the end of a CreatePermission request. RFC 8656 §10.3. */
  permissionSettled(permission: Permission, outcome: TurnOutcome, now: number): void {
    if (outcome.kind === 'success') {
      this.#installed(permission, outcome.sentAt, now)
      return
    }
    const { state } = permission
    const { error } = outcome
    if (state.kind === 'installed' && !isForbidden(error) && now < state.expiresAt) {
      permission.state = { ...state, refreshAt: Math.min(retryAt(error, now), state.expiresAt) }
    } else this.#refuse(permission, error, now)
  }

  /**
   * Takes the end of a ChannelBind request. RFC 8656 §12.3.
   *
   * @returns whether client and server do not agree about a channel any more
   */
  channelSettled(channel: Channel, outcome: TurnOutcome, now: number): boolean {
    const { state, peer } = channel
    if (state.kind === 'retired') return false
    if (outcome.kind === 'success') {
      const { sentAt } = outcome
      channel.state = { kind: 'bound', refreshAt: sentAt + channelRefreshMs, expiresAt: sentAt + channelLifetimeMs }
      // RFC 8656 §9: it has created or renewed the permission as well
      this.#installed(peer.permission, sentAt, now)
      return false
    }
    const { error } = outcome
    if (isForbidden(error)) this.#refuse(peer.permission, error, now)
    else if (state.kind !== 'bound') channel.state = { kind: 'refused', askAgainAt: askAgainAt(error, now) }
    else if (error.errorCode === 400) return true
    else if (now < state.expiresAt)
      channel.state = { ...state, refreshAt: Math.min(retryAt(error, now), state.expiresAt) }
    else channel.state = { kind: 'refused', askAgainAt: now }
    return false
  }

  #find(address: TransportAddress, now: number): Peer | undefined {
    const canonical = canonicalAddress(address)
    const peer = canonical === undefined ? undefined : (this.#peers.find(canonical) ?? this.#admit(canonical, now))
    this.#lastAddress = address
    this.#lastPeer = peer
    return peer
  }

  #admit(address: TransportAddress, now: number): Peer {
    const known = this.#peers.permissionFor(address)
    const permission = known ?? this.#peers.addPermission(address)
    const peer: Peer = {
      address: this.#peers.sender(address),
      permission,
      channel: undefined,
      waiting: [],
      usedAt: now,
      toldAt: Number.NEGATIVE_INFINITY,
    }
    const evicted = this.#peers.add(peer)
    this.#dropped += evicted?.waiting.length ?? 0
    if (evicted?.channel !== undefined) this.#channels.retire(evicted.channel, now)
    if (known !== undefined) return peer
    // RFC 8656 §10.1: only for addresses of the family of a relayed address
    if (this.#options.families.includes(address.family)) this.#ask(permission, now)
    else this.#refuse(permission, new StunError('error-response', wrongFamily), now)
    return peer
  }

  #sendWithoutChannel(peer: Peer, data: Uint8Array, now: number): void {
    this.#askAgain(peer, now)
    switch (peer.permission.state.kind) {
      case 'refused':
        this.#dropped++
        return
      case 'asked':
        if (peer.waiting.length >= maxWaitingPackets) this.#dropped++
        else peer.waiting.push(data)
        return
      case 'installed':
        this.#indicate(peer, data)
        if (!isStun(data)) this.#bind(peer, now)
    }
  }

  /** RFC 8656 §11.1. */
  #indicate(peer: Peer, data: Uint8Array): void {
    if (data.length > maxIndicationBytes) {
      this.#dropped++
      return
    }
    this.#options.outgoing.push(
      encodeMessage(
        {
          class: 'indication',
          method: stunMethod.send,
          transactionId: newTransactionId(this.#options.random),
          attributes: { xorPeerAddress: [peer.address], data },
        },
        // RFC 8656 §5 leaves it to us. The server needs no help to tell it from other things, and the network has checksums.
        { fingerprint: false },
      ),
    )
  }

  #askAgain(peer: Peer, now: number): void {
    const { permission, toldAt } = peer
    const { state } = permission
    if (state.kind !== 'refused') return
    if (now >= state.askAgainAt) this.#ask(permission, now)
    else if (now >= toldAt + refusalReminderMs) this.#tellRefused(peer, state.error, now)
  }

  #tellRefused(peer: Peer, error: StunError, now: number): void {
    peer.toldAt = now
    this.#options.events.push({ type: 'peer-refused', peer: peer.address, error })
  }

  /** RFC 8656 §10.1. One address a request, so that a refusal is about nobody else. */
  #ask(permission: Permission, now: number): void {
    permission.state = { kind: 'asked' }
    const attributes = { xorPeerAddress: [permission.address] }
    this.#options.requests.send({ kind: 'permission', permission }, stunMethod.createPermission, attributes, now)
  }

  #installed(permission: Permission, sentAt: number, now: number): void {
    permission.state = {
      kind: 'installed',
      refreshAt: sentAt + permissionRefreshMs,
      expiresAt: sentAt + permissionLifetimeMs,
    }
    for (const peer of this.#peers.peersOf(permission)) {
      const { waiting } = peer
      peer.waiting = []
      for (const data of waiting) this.#sendWithoutChannel(peer, data, now)
    }
  }

  #refuse(permission: Permission, error: StunError, now: number): void {
    permission.state = { kind: 'refused', askAgainAt: askAgainAt(error, now), error }
    for (const peer of this.#peers.peersOf(permission)) {
      this.#dropped += peer.waiting.length
      peer.waiting = []
      if (peer.channel !== undefined) peer.channel.state = permission.state
      this.#tellRefused(peer, error, now)
    }
  }

  #bind(peer: Peer, now: number): void {
    const channel = peer.channel ?? this.#channels.claim(peer, now)
    if (channel === undefined) return
    const isNew = peer.channel === undefined
    peer.channel = channel
    const isDue = channel.state.kind === 'refused' && now >= channel.state.askAgainAt
    if (isNew || isDue) this.#askForChannel(channel, now)
  }

  /** RFC 8656 §12.1. */
  #askForChannel(channel: Channel, now: number): void {
    channel.state = { kind: 'asked' }
    const attributes = { channelNumber: channel.number, xorPeerAddress: [channel.peer.address] }
    this.#options.requests.send({ kind: 'channel', channel }, stunMethod.channelBind, attributes, now)
  }
}

/** RFC 8656 §19: what a server would say. */
const wrongFamily = { code: 443, reason: 'Peer Address Family Mismatch' } as const

/** What fits into a Send indication with an IPv6 address, in one datagram of IPv4: 65,507 less headers and padding. */
const maxIndicationBytes = 65_456

/** Whether the server will never relay to this peer: RFC 8656 §7.4, §10.2. */
function isForbidden({ errorCode }: StunError): boolean {
  return errorCode === 403 || errorCode === 443
}

/** When something that does not exist is asked for again, if there is a reason to. */
function askAgainAt(error: StunError, now: number): number {
  return error.code === 'timeout' || error.errorCode === 508 ? now + refusalMs : Number.POSITIVE_INFINITY
}

/** When something that still exists is asked for again. */
function retryAt(error: StunError, now: number): number {
  return error.code === 'timeout' ? now : now + refusalMs
}

import { createHash } from 'node:crypto'
import { addressKey, type TransportAddress } from '../../../src/base/address.ts'
import type { StunAttributes } from '../../../src/ice/stun/attributes.ts'
import type { StunClass } from '../../../src/ice/stun/header.ts'
import {
  decodeMessage,
  encodeMessage,
  isAuthentic,
  type ReceivedStunMessage,
  stunMethod,
} from '../../../src/ice/stun/message.ts'

export const clientAddress: TransportAddress = { address: '203.0.113.77', port: 7777, family: 4 }
export const relayed4: TransportAddress = { address: '198.51.100.10', port: 50_000, family: 4 }
export const relayed6: TransportAddress = { address: '2001:db8::10', port: 50_000, family: 6 }
export const credentials = { username: 'user', password: 'canary-pass-7431' } as const

const realm = 'relay.example'
export const key: Uint8Array = createHash('md5')
  .update(`${credentials.username}:${realm}:${credentials.password}`)
  .digest()

/** What a script answers with: an error code, attributes of a success, ready bytes, silence, or as the server would. */
export type Scripted =
  | { readonly error: number; readonly attributes?: StunAttributes }
  | { readonly success: StunAttributes }
  | { readonly bytes: Uint8Array }
  | 'ignore'
  | undefined

interface Allocation {
  readonly relayed: readonly TransportAddress[]
  expiresAt: number
  /** By IP address. */
  readonly permissions: Map<string, number>
  /** By number. */
  readonly channels: Map<number, { readonly peer: TransportAddress; expiresAt: number }>
}

/**
 * A small TURN server for one client, which does as it is told, and otherwise as RFC 8656 says. What a client must never do
 * is noted in `violations`.
 */
export class ScriptedServer {
  script: (request: ReceivedStunMessage) => Scripted = () => undefined
  nonce = 'nonce-0'
  lifetimeSeconds = 600
  /** What it allocates for each family. */
  relayed: readonly TransportAddress[] = [relayed4, relayed6]
  dead = false
  allocation: Allocation | undefined
  readonly requests: { readonly at: number; readonly message: ReceivedStunMessage }[] = []
  readonly delivered: { readonly peer: string; readonly data: Uint8Array; readonly by: 'send' | 'channel' }[] = []
  readonly violations: string[] = []
  keepAlives = 0
  /** Datagrams that came, retransmissions and all. */
  received = 0
  /** RFC 8656 §5: responses are remembered for retransmissions. */
  readonly #answered = new Map<string, { readonly at: number; readonly response: Uint8Array }>()

  /** The requests of one method, without retransmissions. */
  of(method: number): readonly ReceivedStunMessage[] {
    return this.requests.filter(({ message }) => message.method === method).map(({ message }) => message)
  }

  receive(bytes: Uint8Array, now: number): readonly Uint8Array[] {
    this.received++
    if (this.dead) return []
    this.#expire(now)
    if (((bytes[0] ?? 0) & 0xc0) === 0x40) {
      this.#receiveChannelData(bytes)
      return []
    }
    const message = decodeMessage(bytes)
    if (message === undefined) {
      this.violations.push('malformed message')
      return []
    }
    if (message.class === 'indication') {
      this.#receiveIndication(message)
      return []
    }
    const id = Buffer.from(message.transactionId).toString('hex')
    const before = this.#answered.get(id)
    if (before !== undefined && now - before.at < 40_000) return [before.response]
    const response = this.#answer(message, now)
    if (response !== undefined) this.#answered.set(id, { at: now, response })
    return response === undefined ? [] : [response]
  }

  /** A datagram of a peer at the relayed address; what the client is sent for it, if anything. */
  fromPeer(peer: TransportAddress, data: Uint8Array, now: number): Uint8Array | undefined {
    this.#expire(now)
    if (this.allocation === undefined || !this.allocation.permissions.has(peer.address)) return undefined
    for (const [number, channel] of this.allocation.channels) {
      if (addressKey(channel.peer) === addressKey(peer)) return channelData(number, data)
    }
    return dataIndication({ xorPeerAddress: [peer], data })
  }

  /** A response with the server's own signature. */
  respond(
    request: ReceivedStunMessage,
    kind: StunClass,
    attributes: StunAttributes,
    options: { readonly signed?: boolean; readonly transactionId?: Uint8Array; readonly key?: Uint8Array } = {},
  ): Uint8Array {
    const { signed = true, transactionId = request.transactionId } = options
    return encodeMessage(
      { class: kind, method: request.method, transactionId, attributes },
      signed ? { key: options.key ?? key } : {},
    )
  }

  #answer(request: ReceivedStunMessage, now: number): Uint8Array | undefined {
    this.requests.push({ at: now, message: request })
    const scripted = this.script(request)
    if (scripted === 'ignore') return undefined
    if (scripted !== undefined && 'bytes' in scripted) return scripted.bytes
    const { username, nonce, realm: asked } = request.attributes
    if (scripted === undefined || 'success' in scripted) {
      const challenge = { realm, nonce: this.nonce }
      if (request.integrityAt.sha1 === undefined) return this.#refuse(request, 401, challenge, false)
      if (nonce !== this.nonce) return this.#refuse(request, 438, challenge, false)
      if (username !== credentials.username || asked !== realm || !isAuthentic(request, key)) {
        return this.#refuse(request, 401, challenge, false)
      }
    }
    if (scripted === undefined) return this.#serve(request, now)
    if ('error' in scripted) return this.#refuse(request, scripted.error, scripted.attributes ?? {}, true)
    return this.respond(request, 'success', scripted.success)
  }

  #refuse(request: ReceivedStunMessage, code: number, attributes: StunAttributes, signed: boolean): Uint8Array {
    // Only who has sent credentials can check an answer.
    const withKey = signed && request.integrityAt.sha1 !== undefined
    return this.respond(request, 'error', { errorCode: { code, reason: 'No' }, ...attributes }, { signed: withKey })
  }

  #serve(request: ReceivedStunMessage, now: number): Uint8Array {
    const { attributes } = request
    const fail = (code: number) => this.#refuse(request, code, {}, true)
    if (request.method === stunMethod.allocate) return this.#allocate(request, now)
    const { allocation } = this
    if (allocation === undefined) return fail(437)
    if (request.method === stunMethod.refresh) {
      const lifetime = attributes.lifetime === 0 ? 0 : this.lifetimeSeconds
      if (lifetime === 0) this.allocation = undefined
      allocation.expiresAt = now + lifetime * 1000
      return this.respond(request, 'success', { lifetime })
    }
    const peers = attributes.xorPeerAddress ?? []
    if (peers.length === 0) return fail(400)
    if (peers.some(peer => allocation.relayed.every(({ family }) => family !== peer.family))) return fail(443)
    if (request.method === stunMethod.channelBind && !this.#bind(allocation, request, now)) return fail(400)
    for (const peer of peers) allocation.permissions.set(peer.address, now + 300_000)
    return this.respond(request, 'success', {})
  }

  #allocate(request: ReceivedStunMessage, now: number): Uint8Array {
    const { requestedAddressFamily: family = 4, additionalAddressFamily, requestedTransport } = request.attributes
    if (this.allocation !== undefined) return this.#refuse(request, 437, {}, true)
    if (requestedTransport !== 17 && requestedTransport !== 6) return this.#refuse(request, 442, {}, true)
    const families = additionalAddressFamily === undefined ? [family] : [4, 6]
    const relayed = this.relayed.filter(address => families.includes(address.family))
    if (relayed.length === 0) return this.#refuse(request, 440, {}, true)
    this.allocation = {
      relayed,
      expiresAt: now + this.lifetimeSeconds * 1000,
      permissions: new Map(),
      channels: new Map(),
    }
    return this.respond(request, 'success', {
      xorRelayedAddress: relayed,
      xorMappedAddress: clientAddress,
      lifetime: this.lifetimeSeconds,
      ...(relayed.length < families.length
        ? { addressErrorCode: { family: relayed[0]?.family === 4 ? 6 : 4, code: 440, reason: 'None' } as const }
        : {}),
    })
  }

  #bind(allocation: Allocation, request: ReceivedStunMessage, now: number): boolean {
    const { channelNumber: number = 0, xorPeerAddress: [peer] = [] } = request.attributes
    if (peer === undefined || number < 0x4000 || number > 0x4fff) return false
    for (const [other, channel] of allocation.channels) {
      if ((other === number) === (addressKey(channel.peer) === addressKey(peer))) continue
      this.violations.push(`channel ${number} and ${addressKey(peer)} are bound differently`)
      return false
    }
    allocation.channels.set(number, { peer, expiresAt: now + 600_000 })
    return true
  }

  #receiveChannelData(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const channel = this.allocation?.channels.get(view.getUint16(0))
    const data = bytes.subarray(4, 4 + view.getUint16(2))
    if (channel === undefined) this.violations.push('data on an unbound channel')
    else if (!this.allocation?.permissions.has(channel.peer.address)) this.violations.push('channel data unpermitted')
    else this.delivered.push({ peer: addressKey(channel.peer), data, by: 'channel' })
  }

  #receiveIndication({ method, attributes }: ReceivedStunMessage): void {
    if (method === stunMethod.binding) {
      this.keepAlives++
      return
    }
    const { xorPeerAddress: [peer] = [], data } = attributes
    if (method !== stunMethod.send || peer === undefined || data === undefined) this.violations.push('odd indication')
    else if (!this.allocation?.permissions.has(peer.address)) this.violations.push('send indication unpermitted')
    else this.delivered.push({ peer: addressKey(peer), data, by: 'send' })
  }

  #expire(now: number): void {
    const { allocation } = this
    if (allocation === undefined) return
    if (allocation.expiresAt <= now) this.allocation = undefined
    for (const [address, at] of allocation.permissions) if (at <= now) allocation.permissions.delete(address)
    for (const [number, { expiresAt }] of allocation.channels) {
      if (expiresAt <= now) allocation.channels.delete(number)
    }
  }
}

export function channelData(number: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(number >> 8, number & 0xff, data.length >> 8, data.length & 0xff), data])
}

export function dataIndication(attributes: StunAttributes): Uint8Array {
  return indication(stunMethod.data, attributes)
}

export function indication(method: number, attributes: StunAttributes): Uint8Array {
  return encodeMessage({ class: 'indication', method, transactionId: new Uint8Array(12), attributes })
}

import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import { parseIp } from '../../src/base/ip.ts'
import type { StunAttributes } from '../../src/ice/stun/attributes.ts'
import { longTermKey, userHash } from '../../src/ice/stun/integrity.ts'
import {
  decodeMessage,
  encodeMessage,
  isAuthentic,
  type ReceivedStunMessage,
  stunMethod,
} from '../../src/ice/stun/message.ts'
import { encodeChannelData } from '../../src/ice/turn/channel-data.ts'
import { offeredAlgorithms } from '../../src/ice/turn/server/authentication.ts'
import { TurnServerCore } from '../../src/ice/turn/server/core.ts'
import type { TurnServerPolicy } from '../../src/ice/turn/server/limits.ts'
import type { ServerTransmit, SocketId, TurnServerEvent } from '../../src/ice/turn/server/sockets.ts'
import { type Prng, prng } from '../support/prng.ts'

export function at(address: string, port: number): TransportAddress {
  const ip = parseIp(address) ?? assert.fail(address)
  return { ...ip, port }
}

export const serverAddress: TransportAddress = at('203.0.113.1', 3478)
export const realm = 'example.org'
export const users: Readonly<Record<string, string>> = { alice: 'wonderland', bob: 'builder' }
/** A public address of no special meaning. */
export const peerAddress: TransportAddress = at('8.8.4.4', 5000)

/** Milliseconds since 1970 that benches take for the present. */
export const wallTime = 1_800_000_000_000

type OpenEvent = Extract<TurnServerEvent, { type: 'open' }>

/** A server core with somebody who opens its sockets, in no time, and keeps what it sends. */
export class Bench {
  readonly core: TurnServerCore
  readonly listener: SocketId
  readonly random: Prng
  now: number
  /** What was sent and not yet taken. */
  readonly sent: ServerTransmit[] = []
  readonly open: Map<SocketId, OpenEvent> = new Map()
  readonly closed: SocketId[] = []
  readonly connects: Extract<TurnServerEvent, { type: 'connect' }>[] = []
  /** Ports that the operating system refuses. */
  refused: (event: OpenEvent) => boolean = () => false
  /** Opens nothing until {@link release} is called. */
  hold: boolean
  readonly #held: OpenEvent[] = []

  constructor(policy: Partial<TurnServerPolicy> = {}, seed = 1) {
    this.random = prng(seed)
    this.now = 5_000
    this.hold = false
    this.core = new TurnServerCore({
      random: length => this.random.bytes(length),
      wallTime: () => wallTime,
      realm,
      users,
      relayAddresses: [
        { address: '203.0.113.1', family: 4 },
        { address: '2001:db8::1', family: 6 },
      ],
      ownAddresses: ['203.0.113.1', '203.0.113.2', '2001:db8::1', '10.0.0.1'],
      software: 'test',
      ...policy,
    })
    this.listener = this.core.addListener(serverAddress)
  }

  receive(data: Uint8Array, from: TransportAddress, socket: SocketId = this.listener): void {
    this.core.receive(socket, data, from, this.now)
    this.pump()
  }

  /** Does what the core asks for. */
  pump(): void {
    for (;;) {
      const transmit = this.core.pollTransmit()
      if (transmit !== undefined) {
        this.sent.push(transmit)
        continue
      }
      const event = this.core.pollEvent()
      if (event === undefined) return
      if (event.type === 'close') {
        this.closed.push(event.socket)
        this.open.delete(event.socket)
      } else if (event.type === 'connect') this.connects.push(event)
      else if (this.hold) this.#held.push(event)
      else this.#open(event)
    }
  }

  release(): void {
    for (const event of this.#held.splice(0)) if (!this.closed.includes(event.socket)) this.#open(event)
    this.pump()
  }

  #open(event: OpenEvent): void {
    if (this.refused(event)) this.core.openFailed(event.socket, this.now)
    else {
      this.open.set(event.socket, event)
      this.core.opened(event.socket, this.now)
    }
  }

  advance(ms: number): void {
    const until = this.now + ms
    for (;;) {
      const due = this.core.pollTimeout()
      if (due === undefined || due > until) break
      this.now = Math.max(this.now, due)
      this.core.handleTimeout(this.now)
      this.pump()
    }
    this.now = until
  }

  /** What was sent since, all of it. */
  take(): ServerTransmit[] {
    return this.sent.splice(0)
  }

  /** The one thing that was sent. */
  takeOne(): ServerTransmit {
    const all = this.take()
    assert.equal(all.length, 1, 'one packet is sent')
    return all[0] ?? assert.fail()
  }

  drops(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.core.stats().drops).filter(([, count]) => count > 0))
  }

  /** The relay socket that has a port. */
  socketOf(relayed: TransportAddress): SocketId {
    const found = [...this.open.values()].find(({ port, family }) => port === relayed.port && family === relayed.family)
    return found?.socket ?? assert.fail(`no socket has port ${relayed.port}`)
  }
}

export interface ClientOptions {
  readonly username?: string
  readonly password?: string
  /** RFC 8489: names the algorithm; without it, the client is one of RFC 5389. */
  readonly algorithm?: 'md5' | 'sha256'
  readonly userhash?: boolean
  readonly socket?: SocketId
}

/** A client that says what it is told to, and checks what every response has to be. */
export class Client {
  readonly bench: Bench
  readonly remote: TransportAddress
  readonly options: ClientOptions
  readonly username: string
  nonce: string | undefined
  relayed: readonly TransportAddress[] = []

  constructor(bench: Bench, remote: TransportAddress = at('198.51.100.1', 40_000), options: ClientOptions = {}) {
    this.bench = bench
    this.remote = remote
    this.options = options
    this.username = options.username ?? 'alice'
  }

  get key(): Uint8Array {
    const { password = users[this.username] ?? '', algorithm = 'md5' } = this.options
    return longTermKey(this.username, realm, password, algorithm)
  }

  send(data: Uint8Array): void {
    this.bench.receive(data, this.remote, this.options.socket)
  }

  /** The bytes of a request with credentials. */
  encode(
    method: number,
    attributes: StunAttributes,
    transactionId: Uint8Array = this.bench.random.bytes(12),
  ): Uint8Array {
    const { algorithm, userhash } = this.options
    const id = algorithm === 'md5' ? 1 : 2
    const named = { passwordAlgorithms: offeredAlgorithms, passwordAlgorithm: { id, parameters: new Uint8Array() } }
    const all: StunAttributes = {
      ...attributes,
      ...(userhash === true ? { userhash: userHash(this.username, realm) } : { username: this.username }),
      realm,
      ...(this.nonce === undefined ? {} : { nonce: this.nonce }),
      ...(algorithm === undefined ? {} : named),
    }
    const integrity = algorithm === undefined ? 'sha1' : 'sha256'
    return encodeMessage({ class: 'request', method, transactionId, attributes: all }, { key: this.key, integrity })
  }

  /** Asks without credentials, which gets a nonce. */
  challenge(): void {
    const response = this.bare(stunMethod.allocate, { requestedTransport: 17 })
    this.nonce = response?.attributes.nonce
  }

  bare(method: number, attributes: StunAttributes): ReceivedStunMessage | undefined {
    const transactionId = this.bench.random.bytes(12)
    this.send(encodeMessage({ class: 'request', method, transactionId, attributes }))
    return this.response(transactionId)
  }

  /** Asks with credentials; the response has been authenticated. */
  ask(method: number, attributes: StunAttributes): ReceivedStunMessage {
    if (this.nonce === undefined) this.challenge()
    const transactionId = this.bench.random.bytes(12)
    this.send(this.encode(method, attributes, transactionId))
    const response = this.response(transactionId) ?? assert.fail('no response')
    const isChallenge = response.attributes.nonce !== undefined
    assert.ok(isChallenge || isAuthentic(response, this.key), 'the response is authentic')
    if (isChallenge) this.nonce = response.attributes.nonce
    return response
  }

  /** The response to a request, taken out of what was sent. */
  response(transactionId: Uint8Array): ReceivedStunMessage | undefined {
    const { sent } = this.bench
    for (const [index, { data, remote }] of sent.entries()) {
      const message = decodeMessage(data)
      if (message === undefined || Buffer.compare(message.transactionId, transactionId) !== 0) continue
      sent.splice(index, 1)
      assert.equal(remote.address, this.remote.address)
      return message
    }
    return undefined
  }

  allocate(attributes: StunAttributes = {}): ReceivedStunMessage {
    const response = this.ask(stunMethod.allocate, { requestedTransport: 17, ...attributes })
    this.relayed = response.attributes.xorRelayedAddress ?? []
    return response
  }

  refresh(attributes: StunAttributes = {}): ReceivedStunMessage {
    return this.ask(stunMethod.refresh, attributes)
  }

  permit(...peers: readonly TransportAddress[]): ReceivedStunMessage {
    return this.ask(stunMethod.createPermission, { xorPeerAddress: peers })
  }

  bind(channelNumber: number, peer: TransportAddress): ReceivedStunMessage {
    return this.ask(stunMethod.channelBind, { channelNumber, xorPeerAddress: [peer] })
  }

  sendTo(peer: TransportAddress, data: Uint8Array, attributes: StunAttributes = {}): void {
    const transactionId = this.bench.random.bytes(12)
    this.send(
      encodeMessage({
        class: 'indication',
        method: stunMethod.send,
        transactionId,
        attributes: { xorPeerAddress: [peer], data, ...attributes },
      }),
    )
  }

  channelData(channel: number, data: Uint8Array): void {
    this.send(encodeChannelData(channel, data, this.options.socket !== undefined))
  }

  /** The one relayed address. */
  get relay(): TransportAddress {
    return this.relayed[0] ?? assert.fail('no relayed address')
  }

  /** A datagram of a peer. */
  fromPeer(data: Uint8Array, from: TransportAddress = peerAddress): void {
    this.bench.receive(data, from, this.bench.socketOf(this.relay))
  }
}

/** A client that has an allocation. */
export function allocated(bench: Bench, remote?: TransportAddress, options?: ClientOptions): Client {
  const client = new Client(bench, remote, options)
  assertSuccess(client.allocate())
  return client
}

export function assertSuccess(response: ReceivedStunMessage): void {
  assert.equal(response.class, 'success', `refused: ${codeOf(response)}`)
}

/** The error code of a response; undefined if it is none. */
export function codeOf(response: ReceivedStunMessage | undefined): number | undefined {
  return response?.attributes.errorCode?.code
}

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

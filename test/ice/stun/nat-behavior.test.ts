import assert from 'node:assert/strict'
import { addressKey, type TransportAddress } from '../../../src/base/address.ts'
import type { StunAttributes } from '../../../src/ice/stun/attributes.ts'
import { decodeMessage, encodeMessage } from '../../../src/ice/stun/message.ts'
import {
  type NatBehavior,
  NatBehaviorDiscovery,
  type NatBehaviorOptions,
  type NatFiltering,
  type NatMapping,
  type NatSocket,
} from '../../../src/ice/stun/nat-behavior.ts'
import { prng } from '../../support/prng.ts'

const primary: TransportAddress = { address: '192.0.2.1', port: 3478, family: 4 }
const alternate: TransportAddress = { address: '192.0.2.2', port: 3479, family: 4 }
const publicAddress = '203.0.113.1'
const sockets: Readonly<Record<NatSocket, TransportAddress>> = {
  mapping: { address: '10.0.0.1', port: 50_000, family: 4 },
  filtering: { address: '10.0.0.1', port: 50_001, family: 4 },
  hairpin: { address: '10.0.0.1', port: 50_002, family: 4 },
}
const dependences = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'] as const

describe('The discovery of NAT behaviour', () => {
  for (const mapping of dependences) {
    for (const filtering of dependences) {
      it(`finds ${mapping} mapping and ${filtering} filtering`, () => {
        const world = new World({ mapping, filtering })
        const { behavior } = world.discover()
        assert.equal(behavior.mapping, mapping)
        assert.equal(behavior.filtering, filtering)
        assert.equal(behavior.mapped?.address, publicAddress)
        assert.equal(behavior.hairpinning, undefined)
        assert.equal(behavior.obstacle, undefined)
      })
    }
  }

  it('finds that there is no NAT, and what the firewall does', () => {
    for (const filtering of dependences) {
      const { behavior } = new World({ mapping: 'no-nat', filtering }).discover({ hairpin: true })
      assert.deepEqual(behavior, { mapping: 'no-nat', filtering, mapped: sockets.mapping })
    }
  })

  it('finds whether packets to the own public address come back', () => {
    for (const hairpin of [true, false]) {
      const world = new World({ mapping: 'endpoint-independent', filtering: 'endpoint-independent', hairpin })
      assert.equal(world.discover({ hairpin: true }).behavior.hairpinning, hairpin)
    }
  })

  it('takes less than a second if everything is answered, and two silent tests at most if not', () => {
    const open = new World({ mapping: 'endpoint-independent', filtering: 'endpoint-independent' }).discover()
    assert.ok(open.tookMs < 1000, `${open.tookMs} ms`)
    const closed = new World({ mapping: 'endpoint-independent', filtering: 'address-and-port-dependent' }).discover()
    assert.ok(closed.tookMs < 16_000, `${closed.tookMs} ms`)
  })

  it('starts at most ten transactions a second', () => {
    // RFC 5780 §5
    const world = new World({ mapping: 'address-and-port-dependent', filtering: 'endpoint-independent', hairpin: true })
    world.discover({ hairpin: true })
    assert.ok(world.transactions.size <= 10, `${world.transactions.size}`)
  })

  it('retransmits what is lost', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = new World({ mapping: 'address-dependent', filtering: 'address-dependent' })
      const random = prng(seed)
      let lost = 0
      world.loses = () => random.float() < 0.3 && lost++ < 3
      const { behavior } = world.discover()
      assert.deepEqual(
        [behavior.mapping, behavior.filtering],
        ['address-dependent', 'address-dependent'],
        `seed ${seed}`,
      )
    }
  })

  it('says if nobody answers', () => {
    const world = new World({ mapping: 'no-nat', filtering: 'endpoint-independent' })
    world.loses = () => true
    assert.deepEqual(world.discover().behavior, { mapping: 'unknown', filtering: 'unknown', obstacle: 'no-answer' })
  })

  it('says if the server has no other address, or none that is another', () => {
    const none = { mapping: 'unknown', filtering: 'unknown', obstacle: 'no-other-address' }
    const others = [undefined, primary, { ...primary, port: 1 }, { ...alternate, port: primary.port }]
    for (const other of [...others, { address: '2001:db8::1', port: 1, family: 6 } as const]) {
      const world = new World({ mapping: 'endpoint-independent', filtering: 'endpoint-independent' })
      world.other = other
      const { mapped: _, ...behavior } = world.discover().behavior
      assert.deepEqual(behavior, none)
    }
  })

  it('says if the server refuses to answer from elsewhere, or does not do it', () => {
    for (const [changes, obstacle] of [
      ['refuses', 'refused'],
      ['ignores', 'other-address-unusable'],
      ['keeps-port', 'other-address-unusable'],
    ] as const) {
      const filtering = changes === 'keeps-port' ? 'address-dependent' : 'endpoint-independent'
      const world = new World({ mapping: 'endpoint-independent', filtering })
      world.changes = changes
      const { mapped: _, ...behavior } = world.discover().behavior
      assert.deepEqual(behavior, { mapping: 'endpoint-independent', filtering: 'unknown', obstacle })
    }
  })

  it('says if the other address does not answer', () => {
    const world = new World({ mapping: 'endpoint-independent', filtering: 'endpoint-independent' })
    world.loses = to => to.address === alternate.address
    const { behavior } = world.discover()
    assert.equal(behavior.mapping, 'unknown')
    assert.equal(behavior.obstacle, 'other-address-unusable')
  })

  it('ignores answers from elsewhere, to another socket or to nothing', () => {
    const random = prng(7)
    const discovery = new NatBehaviorDiscovery({
      random: n => random.bytes(n),
      server: primary,
      local: sockets.mapping,
    })
    discovery.start(0)
    const request = decodeMessage(discovery.pollTransmit()?.data ?? new Uint8Array(0)) ?? assert.fail()
    const answer = encodeMessage({ ...request, class: 'success', attributes: { xorMappedAddress: sockets.mapping } })
    const strange = encodeMessage({ ...request, class: 'success', transactionId: random.bytes(12), attributes: {} })
    assert.equal(discovery.receive(answer, alternate, 'mapping', 1), false)
    assert.equal(discovery.receive(answer, primary, 'filtering', 1), false)
    assert.equal(discovery.receive(strange, primary, 'mapping', 1), false)
    assert.equal(discovery.receive(request.bytes, primary, 'mapping', 1), false)
    assert.equal(discovery.receive(request.bytes, primary, 'hairpin', 1), false)
    assert.equal(discovery.receive(Uint8Array.of(1), primary, 'mapping', 1), false)
    assert.equal(discovery.pollEvent(), undefined)
    assert.equal(discovery.receive(answer, primary, 'mapping', 1), true)
    assert.ok(discovery.pollEvent())
  })
})

describe('The test of hairpinning', () => {
  it('believes only a request of its own that comes in on the other socket', () => {
    const random = prng(8)
    const options = { random: (n: number) => random.bytes(n), server: primary, local: sockets.mapping, hairpin: true }
    const discovery = new NatBehaviorDiscovery(options)
    discovery.start(0)
    const request = decodeMessage(discovery.pollTransmit()?.data ?? new Uint8Array(0)) ?? assert.fail()
    const mapped = { address: publicAddress, port: 1, family: 4 } as const
    const answer = encodeMessage({ ...request, class: 'success', attributes: { xorMappedAddress: mapped } })
    discovery.receive(answer, primary, 'mapping', 1)
    const probe = discovery.pollTransmit() ?? assert.fail()
    assert.deepEqual([probe.socket, probe.to], ['hairpin', mapped])
    const answered = encodeMessage({
      ...(decodeMessage(probe.data) ?? assert.fail()),
      class: 'success',
      attributes: {},
    })
    assert.equal(discovery.receive(probe.data, mapped, 'hairpin', 2), false)
    assert.equal(discovery.receive(answered, mapped, 'hairpin', 2), false)
    assert.equal(discovery.receive(probe.data, mapped, 'mapping', 2), true)
    assert.deepEqual(discovery.pollEvent(), {
      type: 'result',
      behavior: { mapping: 'unknown', filtering: 'unknown', mapped, hairpinning: true, obstacle: 'no-other-address' },
    })
  })
})

interface Kind {
  readonly mapping: Exclude<NatMapping, 'unknown'>
  readonly filtering: Exclude<NatFiltering, 'unknown'>
  readonly hairpin?: boolean
}

interface Packet {
  readonly at: number
  readonly data: Uint8Array
  readonly from: TransportAddress
  readonly to: TransportAddress
}

/** A host behind a NAT, and a server of RFC 5780 in front of it, 10 ms away. */
class World {
  readonly #kind: Kind
  readonly #mappings = new Map<string, TransportAddress>()
  /** By socket, the remote ends that it has sent to. */
  readonly #sentTo = new Map<NatSocket, TransportAddress[]>()
  readonly #packets: Packet[] = []
  readonly transactions = new Set<string>()
  other: TransportAddress | undefined = alternate
  changes: 'does' | 'refuses' | 'ignores' | 'keeps-port' = 'does'
  loses: (to: TransportAddress) => boolean = () => false

  constructor(kind: Kind) {
    this.#kind = kind
  }

  discover(options: Partial<NatBehaviorOptions> = {}): { behavior: NatBehavior; tookMs: number } {
    const random = prng(1)
    const discovery = new NatBehaviorDiscovery({
      random: n => random.bytes(n),
      server: primary,
      local: sockets.mapping,
      ...options,
    })
    let now = 1000
    discovery.start(now)
    for (let step = 0; step < 1000; step++) {
      for (let out = discovery.pollTransmit(); out !== undefined; out = discovery.pollTransmit()) {
        this.transactions.add(Buffer.from(out.data.subarray(8, 20)).toString('hex'))
        if (!this.loses(out.to)) this.#send(out.socket, out.to, out.data, now)
      }
      const event = discovery.pollEvent()
      if (event !== undefined) {
        assert.equal(discovery.pollTimeout(), undefined)
        assert.equal(discovery.pollEvent(), undefined)
        return { behavior: event.behavior, tookMs: now - 1000 }
      }
      const packet = this.#packets.sort((a, b) => a.at - b.at)[0]
      const deadline = discovery.pollTimeout() ?? Number.POSITIVE_INFINITY
      now = Math.min(packet?.at ?? Number.POSITIVE_INFINITY, deadline)
      assert.ok(Number.isFinite(now), 'nothing more can happen')
      if (packet === undefined || packet.at > deadline) discovery.handleTimeout(now)
      else {
        this.#packets.shift()
        const socket = this.#letIn(packet)
        if (socket !== undefined) discovery.receive(packet.data, packet.from, socket, now)
      }
    }
    throw new Error('no end')
  }

  #send(socket: NatSocket, to: TransportAddress, data: Uint8Array, now: number): void {
    const from = this.#map(socket, to)
    this.#sentTo.set(socket, [...(this.#sentTo.get(socket) ?? []), to])
    if (to.address !== publicAddress) this.#serve(data, from, to, now)
    else if (this.#kind.hairpin === true) this.#packets.push({ at: now + 1, data, from, to })
  }

  #map(socket: NatSocket, to: TransportAddress): TransportAddress {
    const { mapping } = this.#kind
    if (mapping === 'no-nat') return sockets[socket]
    const remote = {
      'endpoint-independent': '',
      'address-dependent': to.address,
      'address-and-port-dependent': addressKey(to),
    }
    const key = `${socket} ${remote[mapping]}`
    const known = this.#mappings.get(key)
    if (known !== undefined) return known
    const mapped: TransportAddress = { address: publicAddress, port: 60_000 + this.#mappings.size, family: 4 }
    this.#mappings.set(key, mapped)
    return mapped
  }

  /** RFC 5780 §6.1, table 1. */
  #serve(data: Uint8Array, from: TransportAddress, to: TransportAddress, now: number): void {
    const request = decodeMessage(data) ?? assert.fail('not a STUN message')
    const { changeRequest } = request.attributes
    const change = this.changes === 'does' || this.changes === 'keeps-port' ? changeRequest : undefined
    const changePort = change?.changePort === true && this.changes === 'does'
    const otherOf = (value: string | number, a: string | number, b: string | number) => (value === a ? b : a)
    const origin = {
      address: change?.changeIp ? otherOf(to.address, primary.address, alternate.address) : to.address,
      port: changePort ? otherOf(to.port, primary.port, alternate.port) : to.port,
      family: 4,
    } as TransportAddress
    const refused = changeRequest !== undefined && this.changes === 'refuses'
    const attributes: StunAttributes = refused
      ? { errorCode: { code: 420, reason: '' }, unknownAttributes: [3] }
      : {
          xorMappedAddress: from,
          responseOrigin: origin,
          ...(this.other === undefined ? {} : { otherAddress: this.other }),
        }
    const response = encodeMessage({ ...request, class: refused ? 'error' : 'success', attributes })
    this.#packets.push({ at: now + 20, data: response, from: origin, to: from })
  }

  /** The socket behind the NAT that gets a packet, if any does. */
  #letIn({ from, to }: Packet): NatSocket | undefined {
    const { mapping, filtering } = this.#kind
    const isSocketOf = (socket: NatSocket) =>
      mapping === 'no-nat'
        ? sockets[socket].port === to.port
        : [...this.#mappings].some(([key, mapped]) => key.startsWith(`${socket} `) && mapped.port === to.port)
    const socket = (Object.keys(sockets) as NatSocket[]).find(isSocketOf)
    if (socket === undefined || filtering === 'endpoint-independent') return socket
    const known = (this.#sentTo.get(socket) ?? []).some(
      remote => remote.address === from.address && (filtering === 'address-dependent' || remote.port === from.port),
    )
    return known ? socket : undefined
  }
}

import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import type { Transmit } from '../../src/base/machine.ts'
import { decodeMessage } from '../../src/ice/stun/message.ts'
import { named } from '../support/named.ts'
import { type Prng, prng } from '../support/prng.ts'
import { addFingerprint, sign } from './messages.ts'
import { mutateMessage } from './mutations.ts'
import { agree, calm, type Host, isUp, Network, signal } from './network.ts'

const mutations = 100_000

describe('An ICE agent that is fed 100,000 mutated datagrams', () => {
  it('throws nothing, never spins, and connects and stays connected all the same', () => {
    let mutated = 0
    for (let seed = 1; mutated < mutations; seed++) mutated += named(seed, () => fuzzConnection(seed))
  })
})

/** One connection with a flood of mutations of its own datagrams; returns how many. */
function fuzzConnection(seed: number): number {
  const random = prng(seed)
  const network = new Network(seed, { ...calm, maxDelayMs: 10 })
  const renomination = seed % 3 === 0
  const a = network.host('a', ['192.0.2.1', '192.0.2.2'], { renomination })
  const role = seed % 2 === 0 ? 'controlled' : 'controlling'
  const b = network.host('b', ['198.51.100.1'], { role, renomination, lite: seed % 5 === 0 })
  const corpus: { readonly transmit: Transmit; readonly to: Host }[] = []
  network.filter = (transmit, from) => {
    if (corpus.length < 60) corpus.push({ transmit, to: from === a ? b : a })
    return false
  }
  signal(network, a, b)
  let count = 0
  const flood = (number: number) => {
    for (let i = 0; i < number; i++) {
      const { transmit, to } = corpus[random.next() % corpus.length] ?? assert.fail()
      const data = mutate(random, transmit.data, to)
      const target = to.candidates[random.next() % to.candidates.length]?.base ?? transmit.remote
      network.inject(data, origin(random, transmit.local), to, target)
      count++
    }
  }
  for (let step = 0; step < 20; step++) {
    flood(25)
    network.run(random.next() % 15)
  }
  assert.ok(
    network.run(10_000, () => agree(a, b)),
    `not connected: ${a.agent.state}, ${b.agent.state}`,
  )
  for (let step = 0; step < 20; step++) {
    flood(25)
    network.run(2000)
  }
  assert.ok(isUp(a) && isUp(b) && agree(a, b), `not connected any more: ${a.agent.state}, ${b.agent.state}`)
  return count
}

function origin(random: Prng, from: TransportAddress): TransportAddress {
  if (random.float() < 0.8) return from
  return { address: `203.0.113.${random.next() % 4}`, port: 1 + (random.next() % 4), family: 4 }
}

/**
 * A change to a datagram. Most are noticed by the fingerprint, so that many get a right one again; and some are even
 * signed, by someone who knows the password of the receiver, but not the one of its peer.
 */
function mutate(random: Prng, data: Uint8Array, to: Host): Uint8Array {
  const bytes = mutateMessage(random, data)
  const choice = random.float()
  if (choice < 0.3 || bytes.length < 20) return bytes
  const body = withoutTail(bytes)
  return choice < 0.65
    ? addFingerprint(body)
    : sign(body, authenticates(data) ? to.agent.localParameters.password : 'x')
}

/** Whether a mutation of the datagram may be signed: not nominations and claims of roles, with which a peer may do what it likes. */
function authenticates(data: Uint8Array): boolean {
  const message = decodeMessage(data)
  return message?.class === 'request' && message.attributes.useCandidate === undefined
}

/** What comes before MESSAGE-INTEGRITY and FINGERPRINT in the datagrams that agents send. */
function withoutTail(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, Math.max(20, (bytes.length - 32) & ~3))
}

import assert from 'node:assert/strict'

import { SctpAssociation } from '../../src/sctp/association.ts'
import { receiveBufferBytes } from '../../src/sctp/limits.ts'
import { type Prng, prng } from '../support/prng.ts'
import { Pair } from './support/pair.ts'
import { initValue, peerTag, ScriptedPeer } from './support/scripted-peer.ts'
import { chunk, data, packet, parameter, sack, seal, u16, u32 } from './support/wire.ts'

/** Chunks of every type, well formed, as a peer of this association might send them. */
function anyChunk(random: Prng, peer: ScriptedPeer): Uint8Array {
  const near = (tsn: number): number => (tsn + (random.next() % 40) - 8) >>> 0
  const small = (): number => random.next() % 8
  const makers: readonly (() => Uint8Array)[] = [
    () =>
      data({
        tsn: near(peer.tsn),
        streamId: small(),
        ssn: small(),
        flags: random.next() & 15,
        data: random.bytes(small()),
      }),
    () => data({ tsn: peer.tsn++, streamId: small(), ssn: small(), flags: 7, data: random.bytes(1 + small()) }),
    () =>
      sack({
        cumulative: near(peer.localTsn),
        window: random.next() >>> small(),
        gaps: [[small(), small() + 4]],
        duplicates: [near(peer.tsn)],
      }),
    () => chunk(192, 0, u32(near(peer.tsn)), u16(small()), u16(small())),
    () =>
      chunk(
        130,
        0,
        parameter(13, [...u32(near(1_000)), ...u32(near(peer.localTsn)), ...u32(near(peer.tsn)), ...u16(small())]),
      ),
    () => chunk(130, 0, parameter(16, [...u32(near(peer.localTsn)), ...u32(small())])),
    () => chunk(130, 0, parameter(14 + (random.next() % 5), u32(near(1_000)))),
    () => chunk(4, 0, parameter(1, random.bytes(small()))),
    () => chunk(5, 0, parameter(1, random.bytes(8))),
    () => chunk(9, 0, parameter(random.next() % 14, random.bytes(small()))),
    () => chunk(10, 0, random.bytes(72)),
    () => chunk(11, 0),
    () => chunk(2, 0, initValue({ parameters: parameter(7, random.bytes(small())) })),
    () => chunk(random.next() & 0xff, random.next() & 0xff, random.bytes(small())),
  ]
  return makers[random.next() % makers.length]?.() ?? new Uint8Array(4)
}

/** Flips bits, overwrites bytes with telling values, cuts and extends. */
function mutate(random: Prng, bytes: Uint8Array): Uint8Array {
  let mutated = bytes.slice()
  for (let count = 1 + (random.next() % 3); count > 0; count--) {
    const at = 12 + (random.next() % Math.max(mutated.length - 12, 1))
    const telling = [0, 1, 3, 4, 0x7f, 0x80, 0xfe, 0xff]
    switch (random.next() % 6) {
      case 0:
        mutated = mutated.slice(0, at)
        break
      case 1:
        mutated = Uint8Array.of(...mutated, ...random.bytes(random.next() % 12))
        break
      case 2:
        mutated[at] = telling[random.next() % telling.length] ?? 0
        break
      default:
        mutated[at] = (mutated[at] ?? 0) ^ (1 << (random.next() & 7))
    }
  }
  return seal(mutated)
}

describe('a hundred thousand mutated packets', () => {
  it('cause no exception, no hang and no growth, and leave an association that works', () => {
    const packetsPerSeed = 500
    for (let seed = 0; seed < 200; seed++) {
      const random = prng(seed)
      let peer = ScriptedPeer.establish()
      try {
        for (let i = 0; i < packetsPerSeed; i++) {
          if (random.next() % 16 === 0) {
            const options = { ordered: random.next() % 2 === 0, ...(random.next() % 2 ? { maxRetransmits: 0 } : {}) }
            peer.association.send(random.next() % 4, 53, random.bytes(1 + (random.next() % 3_000)), options, peer.now)
          }
          const chunks = Array.from({ length: 1 + (random.next() % 3) }, () => anyChunk(random, peer))
          const whole = packet(random.next() % 32 === 0 ? peerTag : peer.localTag, chunks)
          peer.deliver(random.next() % 4 === 0 ? whole : mutate(random, whole))
          if (random.next() % 4 === 0) peer.poll()
          if (random.next() % 32 === 0) peer.wait(random.next() % 300)
          assert.ok(peer.association.statistics.bytesHeld <= receiveBufferBytes + (1 << 20))
          // A violation may end the association, as it should: then the next one goes on.
          if (peer.association.state === 'closed') peer = ScriptedPeer.establish()
        }
        peer.poll()
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
  }).timeout(30_000)

  it('from the network between two ends neither stop nor change what they say to each other', () => {
    for (let seed = 0; seed < 60; seed++) {
      const pair = new Pair(seed, { conditions: { delay: 5, loss: 0.02 } }).connect()
      const random = prng(seed)
      // What is not sealed anew is noticed by its checksum, as a fault of the network would be.
      pair.filter = (from, bytes) => {
        const to = pair.end(from === 'a' ? 'b' : 'a').association
        if (random.next() % 4 === 0) {
          const broken = mutate(random, bytes)
          const view = new DataView(broken.buffer)
          if (broken.length >= 12) view.setUint32(8, view.getUint32(8) ^ 1)
          const result = to.receive(broken, pair.now)
          assert.ok('drop' in result, `seed ${seed}`)
        }
        return true
      }
      const messages = Array.from({ length: 10 }, () => random.bytes(1 + (random.next() % 5_000)))
      for (const message of messages) pair.a.association.send(0, 53, message, {}, pair.now)
      pair.run(60_000, () => pair.messages('b').length === messages.length)
      for (const [i, { data: bytes }] of pair.messages('b').entries()) {
        assert.ok(Buffer.compare(bytes, messages[i] ?? new Uint8Array(0)) === 0, `seed ${seed}`)
      }
    }
  })

  it('before there is an association create none, and no state', () => {
    const random = prng(77)
    const association = new SctpAssociation({ random: length => random.bytes(length) })
    const init = packet(0, [chunk(1, 0, initValue({}))])
    for (let i = 0; i < 20_000; i++) {
      association.receive(
        mutate(random, random.next() % 2 ? init : packet(random.next(), [chunk(10, 0, random.bytes(72))])),
        0,
      )
      if (i % 64 === 0) for (let out = association.pollTransmit(0); out; out = association.pollTransmit(0));
      assert.equal(association.state, 'closed')
      assert.equal(association.pollTimeout(), undefined)
    }
    const other = new SctpAssociation({ random: length => random.bytes(length) })
    other.connect(0)
    for (let turn = 0; turn < 4; turn++) {
      for (const [from, to] of [
        [other, association],
        [association, other],
      ] as const) {
        for (let bytes = from.pollTransmit(0); bytes; bytes = from.pollTransmit(0)) to.receive(bytes.slice(), 0)
      }
    }
    assert.deepEqual([association.state, other.state], ['established', 'established'])
  })
})

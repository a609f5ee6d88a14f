import assert from 'node:assert/strict'
import { EarlyPackets, isClientHello, maxEarlyPackets } from '../../src/pc/early-packets.ts'

const path = {
  local: { family: 4, address: '192.0.2.1', port: 1 },
  remote: { family: 4, address: '192.0.2.2', port: 2 },
} as const

describe('DTLS packets that come before their association', () => {
  it('are given back once, in order, with where they came from', () => {
    const early = new EarlyPackets()
    const packets = [1, 2, 3].map(value => ({ data: Uint8Array.of(value), ...path }))
    for (const packet of packets) assert.equal(early.keep(packet), true)
    assert.deepEqual(early.take(), packets)
    assert.deepEqual(early.take(), [])
  })

  it(`are no more than ${maxEarlyPackets}, the first ones`, () => {
    const early = new EarlyPackets()
    for (let i = 0; i < maxEarlyPackets; i++) assert.equal(early.keep({ data: Uint8Array.of(i), ...path }), true)
    assert.equal(early.keep({ data: Uint8Array.of(99), ...path }), false)
    assert.deepEqual(
      early.take().map(({ data }) => data[0]),
      Array.from({ length: maxEarlyPackets }, (_, index) => index),
    )
    assert.equal(early.keep({ data: Uint8Array.of(100), ...path }), true)
  })

  it('begin a handshake only if they are a ClientHello in the clear, however short', () => {
    const hello = Uint8Array.of(22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50, 1, 0, 0)
    assert.equal(isClientHello(hello), true)
    for (const [index, value] of [
      [0, 23],
      [3, 1],
      [4, 1],
      [13, 2],
    ] as const) {
      assert.equal(isClientHello(hello.with(index, value)), false)
    }
    for (let length = 0; length < 14; length++) assert.equal(isClientHello(hello.subarray(0, length)), false)
  })
})

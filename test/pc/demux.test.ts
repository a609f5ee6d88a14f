import assert from 'node:assert/strict'
import { demux, type PacketKind } from '../../src/pc/demux.ts'

describe('demultiplexing by first byte (RFC 7983 §7)', () => {
  const ranges: readonly (readonly [number, number, PacketKind])[] = [
    [0, 3, 'stun'],
    [4, 19, 'unknown'],
    [20, 63, 'dtls'],
    [64, 79, 'turn-channel'],
    [80, 127, 'unknown'],
    [128, 191, 'srtp'],
    [192, 255, 'unknown'],
  ]
  for (const [first, last, kind] of ranges) {
    it(`takes ${first} to ${last} for ${kind}`, () => {
      for (let byte = first; byte <= last; byte++) assert.equal(demux(byte), kind, `byte ${byte}`)
    })
  }

  it('takes an empty datagram for nothing', () => {
    assert.equal(demux(undefined), 'unknown')
  })
})

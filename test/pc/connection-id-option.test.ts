import assert from 'node:assert/strict'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'

/** The option as a program without types might write it. */
function connectionWith(connectionId: unknown): RTCPeerConnection {
  return new RTCPeerConnection({}, { dtls: { connectionId: connectionId as { length: number } } })
}

describe('The option of connection IDs', () => {
  for (const connectionId of [null, 8, 'eight', {}, { length: '8' }]) {
    it(`is refused where it has no length: ${JSON.stringify(connectionId)}`, () => {
      assert.throws(() => connectionWith(connectionId), TypeError)
    })
  }

  for (const length of [-1, 0.5, 21, Number.NaN]) {
    it(`is refused with a length that no connection ID of ours has: ${length}`, () => {
      assert.throws(() => connectionWith({ length }), RangeError)
    })
  }

  for (const connectionId of [undefined, { length: 0 }, { length: 20 }]) {
    it(`is taken, or left out: ${JSON.stringify(connectionId)}`, () => {
      connectionWith(connectionId).close()
    })
  }
})

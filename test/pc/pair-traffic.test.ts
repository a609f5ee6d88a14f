import assert from 'node:assert/strict'
import { maxPaths, PairTraffic } from '../../src/pc/pair-traffic.ts'

const address = (port: number) => ({ address: '192.0.2.1', port, family: 4 }) as const

describe('The traffic of candidate pairs', () => {
  it('is counted by local and remote address, whatever objects stand for them', () => {
    let now = 1_000
    const traffic = new PairTraffic(() => now++)
    const [local, remote, other] = [address(1), address(2), address(3)]
    traffic.sent(100, local, remote)
    traffic.sent(50, local, remote)
    traffic.sent(10, local, other)
    traffic.received(7, address(1), address(2))
    traffic.sent(1, local, remote)
    assert.deepEqual(traffic.of(address(1), address(2)), {
      packetsSent: 3,
      packetsReceived: 1,
      bytesSent: 151,
      bytesReceived: 7,
      lastSentAt: 1_004,
      lastReceivedAt: 1_003,
    })
    assert.equal(traffic.of(local, other).bytesSent, 10)
    assert.equal(traffic.of(other, local).packetsSent, 0)
  })

  it('is remembered of a bounded number of pairs, the latest', () => {
    const traffic = new PairTraffic(() => 0)
    for (let port = 1; port <= maxPaths + 10; port++) traffic.received(1, address(0), address(port))
    const remembered = Array.from({ length: maxPaths + 10 }, (_, i) => traffic.of(address(0), address(i + 1)))
    assert.equal(remembered.filter(({ packetsReceived }) => packetsReceived > 0).length, maxPaths)
    assert.equal(remembered[0]?.packetsReceived, 0)
  })
})

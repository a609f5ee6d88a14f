import assert from 'node:assert/strict'
import type { Environment, NetworkInterface } from '../../src/base/environment.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import type { RTCDataChannel } from '../../src/pc/rtc-data-channel.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { eventually } from '../net/support.ts'
import { negotiate } from '../sim/peers.ts'
import { type Observed, observe } from '../support/observed-environment.ts'

const loopback: NetworkInterface = { name: 'lo', address: '127.0.0.1', family: 4, internal: true }

/** This host's TCP on loopback; UDP gets nowhere. */
function withoutUdp(): Observed {
  const system = createSystemEnvironment()
  const environment: Environment = {
    ...system,
    network: {
      ...system.network,
      interfaces: () => [loopback],
      bindUdp: async (address, port) => {
        const socket = await system.network.bindUdp(address, port, () => {})
        socket.send = () => {}
        return socket
      },
    },
  }
  return observe(environment)
}

describe('simultaneous-open candidates on this host', () => {
  let seen: readonly [Observed, Observed]
  let peers: readonly [alice: RTCPeerConnection, bob: RTCPeerConnection]

  beforeEach(function () {
    if (process.platform !== 'linux') this.skip()
    seen = [withoutUdp(), withoutUdp()]
    const create = ({ environment }: Observed) => new RTCPeerConnection({}, { environment, tcpCandidates: ['so'] })
    peers = [create(seen[0]), create(seen[1])]
  })

  afterEach(() => {
    for (const peer of peers) peer.close()
  })

  /** Both hear of the other's candidates as they come; the channel is open when it is fulfilled. */
  async function connect(): Promise<[RTCDataChannel, RTCDataChannel]> {
    const [alice, bob] = peers
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      from.onicecandidate = ({ candidate }) => {
        if (candidate !== null && to.remoteDescription !== null) void to.addIceCandidate(candidate)
      }
    }
    const channel = alice.createDataChannel('so')
    let remote: RTCDataChannel | undefined
    bob.ondatachannel = event => {
      remote = event.channel
    }
    await negotiate(alice, bob)
    await eventually(() => channel.readyState === 'open' && remote?.readyState === 'open', 10_000)
    return [channel, remote ?? assert.fail()]
  }

  for (let run = 1; run <= 3; run++) {
    it(`connect two peers where no UDP passes, from one port each (run ${run} of 3)`, async function () {
      this.timeout(15_000)
      const [channel, remote] = await connect()
      const received: number[] = []
      remote.onmessage = ({ data }) => received.push((data as ArrayBuffer).byteLength)
      remote.binaryType = 'arraybuffer'
      for (let i = 0; i < 20; i++) channel.send(new Uint8Array(64 * 1024))
      await eventually(() => received.length === 20, 10_000)
      const ports = peers.map(peer => {
        const pair = peer.sctp?.transport.iceTransport.getSelectedCandidatePair()
        assert.deepEqual([pair?.local.tcpType, pair?.remote.tcpType], ['so', 'so'])
        assert.deepEqual([pair?.local.type, pair?.remote.type], ['host', 'host'])
        return [pair?.local.port, pair?.remote.port]
      })
      assert.deepEqual(ports[0], ports[1]?.reverse())
    })
  }

  it('leave nothing open when the peers are closed', async function () {
    this.timeout(15_000)
    await connect()
    for (const peer of peers) peer.close()
    await eventually(() => seen.every(({ openTcp }) => openTcp.size === 0))
  })
})

import assert from 'node:assert/strict'
import type { ConnectionExtensions } from '../../src/pc/connection-extensions.ts'
import { IcePort, portAcceptLimits, type UnknownRequest } from '../../src/pc/gathering/ice-port.ts'
import { maxOpenAttempts } from '../../src/pc/gathering/simultaneous-tcp-socket.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { exchange, isOpen, selectedTypes, situation } from '../sim/calls.ts'
import { portRestrictedCone } from '../sim/nat.ts'
import { connectPair, fixedCertificates, type SimulatedPair } from '../sim/peers.ts'
import { startStunServer } from '../sim/servers.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { type Observed, observe } from '../support/observed-environment.ts'
import { settled } from './negotiation/media-pair.ts'

const hostOf: Readonly<Record<string, string>> = { alice: '192.0.2.1', bob: '192.0.2.2' }

interface Call extends SimulatedPair {
  readonly seen: readonly [alice: Observed, bob: Observed]
}

function call(sim: Simulation, extensions: ConnectionExtensions): Call {
  const seen = ['alice', 'bob'].map(name => observe(sim.host(name, [hostOf[name] ?? '']))) as [Observed, Observed]
  const pair = connectPair(sim, { environments: [seen[0].environment, seen[1].environment], extensions })
  return { ...pair, seen }
}

async function connects(call: SimulatedPair): Promise<void> {
  assert.ok(await call.sim.run(() => isOpen(call)), situation(call))
  await exchange(call, 1)
}

function close({ alice, bob }: SimulatedPair): void {
  alice.close()
  bob.close()
}

function peerOf(
  sim: Simulation,
  name: string,
  address: string,
  extensions: ConnectionExtensions = {},
): RTCPeerConnection {
  const [certificate] = fixedCertificates()
  return new RTCPeerConnection(
    { certificates: [certificate] },
    { ...extensions, environment: sim.host(name, [address]) },
  )
}

/** Gathers, and returns the candidates. */
async function candidatesOf(sim: Simulation, peer: RTCPeerConnection): Promise<string[]> {
  peer.createDataChannel('x')
  void peer.setLocalDescription()
  await sim.run(() => peer.iceGatheringState === 'complete')
  return peer.localDescription?.sdp.match(/candidate:.*/g) ?? []
}

describe('hideHostAddresses', () => {
  it('tells names in place of addresses, everywhere, and connects by them', async () => {
    const sim = new Simulation(1)
    await startStunServer(sim, 'stun', '203.0.113.3')
    const seen = ['alice', 'bob'].map(name => observe(sim.host(name, [hostOf[name] ?? '']))) as [Observed, Observed]
    const pair = connectPair(sim, {
      environments: [seen[0].environment, seen[1].environment],
      extensions: { hideHostAddresses: true, tcpCandidates: ['active', 'passive'] },
    })
    await connects(pair)
    for (const peer of [pair.alice, pair.bob]) {
      const transport = peer.sctp?.transport.iceTransport
      const local = [...(await settled(sim, peer.getStats())).values()].filter(
        ({ type }) => type !== 'remote-candidate',
      )
      const told = [
        peer.localDescription?.sdp,
        JSON.stringify(transport?.getLocalCandidates()),
        JSON.stringify(local),
        transport?.getSelectedCandidatePair()?.local.candidate,
        transport?.getSelectedCandidatePair()?.local.address,
      ].join('\n')
      const own = peer === pair.alice ? '192.0.2.1' : '192.0.2.2'
      assert.ok(!told.includes(own), `${own} is told in:\n${told}`)
      assert.match(told, /candidate:\S+ 1 udp \d+ [0-9a-f-]{36}\.local \d+ typ host/)
      assert.match(told, /c=IN IP4 0\.0\.0\.0/)
    }
    close(pair)
    // The names are given back.
    assert.deepEqual(
      seen.map(({ multicast }) => multicast.length > 0),
      [true, true],
    )
  })

  it('does not tell the related address of a reflexive candidate either', async () => {
    const sim = new Simulation(2)
    const nat = sim.nat('nat', portRestrictedCone, { addresses: ['198.51.100.1'] })
    await startStunServer(sim, 'stun', '203.0.113.3')
    const [certificate] = fixedCertificates()
    const peer = new RTCPeerConnection(
      { iceServers: [{ urls: 'stun:203.0.113.3' }], certificates: [certificate] },
      { environment: sim.host('alice', ['10.0.0.1'], { behind: nat }), hideHostAddresses: true },
    )
    const candidates = await candidatesOf(sim, peer)
    assert.match(candidates.join('\n'), /198\.51\.100\.1 \d+ typ srflx raddr 0\.0\.0\.0 rport 0/)
    assert.ok(!peer.localDescription?.sdp.includes('10.0.0.1'))
    peer.close()
  })

  it('tells no host candidate where a name cannot be had', async () => {
    const sim = new Simulation(3)
    const environment = sim.host('alice', ['192.0.2.1'])
    const mute = { ...environment.resolver, registerMdns: async () => undefined }
    const peer = new RTCPeerConnection(
      { certificates: [fixedCertificates()[0]] },
      { environment: { ...environment, resolver: mute }, hideHostAddresses: true },
    )
    assert.deepEqual(await candidatesOf(sim, peer), [])
    peer.close()
  })
})

describe('portRange', () => {
  it('binds ports of the range alone, and does without candidates when all are taken', async () => {
    const sim = new Simulation(4)
    const environment = sim.host('alice', ['192.0.2.1'])
    const create = () =>
      new RTCPeerConnection(
        { certificates: [fixedCertificates()[0]] },
        { environment, portRange: { min: 5000, max: 5002 }, tcpCandidates: [] },
      )
    const ports: string[] = []
    const peers = Array.from({ length: 4 }, create)
    for (const peer of peers) {
      const candidates = await candidatesOf(sim, peer)
      ports.push(candidates.map(text => text.split(' ')[5]).join())
    }
    assert.deepEqual(ports.sort(), ['', '5000', '5001', '5002'])
    for (const peer of peers) peer.close()
  })

  for (const portRange of [
    { min: 0, max: 5 },
    { min: 6, max: 5 },
    { min: 1, max: 65_536 },
    { min: 1.5, max: 3 },
  ]) {
    it(`refuses ${JSON.stringify(portRange)}`, () => {
      assert.throws(() => new RTCPeerConnection({}, { portRange }), RangeError)
    })
  }
})

describe('natMappings', () => {
  it('tell the public address in place of the local one, or beside it', async () => {
    const sim = new Simulation(5)
    const host = peerOf(sim, 'a', '10.0.0.1', { natMappings: [{ external: '198.51.100.1' }] })
    const candidates = await candidatesOf(sim, host)
    assert.match(candidates[0] ?? '', /udp \d+ 198\.51\.100\.1 \d+ typ host$/)
    assert.ok(!host.localDescription?.sdp.includes('10.0.0.1'))
    const beside = peerOf(sim, 'b', '10.0.0.2', {
      natMappings: [{ internal: '10.0.0.2', external: '198.51.100.2', as: 'srflx' }],
      tcpCandidates: [],
    })
    const both = await candidatesOf(sim, beside)
    assert.match(
      both.join('\n'),
      /10\.0\.0\.2 \d+ typ host\n.* 198\.51\.100\.2 \d+ typ srflx raddr 10\.0\.0\.2 rport \d+/,
    )
    host.close()
    beside.close()
  })

  it('connect a host behind a NAT that maps one to one', async () => {
    const sim = new Simulation(6)
    const exposing = { ...portRestrictedCone, exposes: '10.0.0.1' }
    const nat = sim.nat('cloud', exposing, { addresses: ['198.51.100.1'] })
    const environments = [sim.host('alice', ['192.0.2.1']), sim.host('bob', ['10.0.0.1'], { behind: nat })] as const
    const pair = connectPair(sim, {
      environments,
      extensions: { natMappings: [{ internal: '10.0.0.1', external: '198.51.100.1' }] },
    })
    await connects(pair)
    close(pair)
  })

  it('must be IP addresses of one family', () => {
    for (const natMappings of [[{ external: 'example.org' }], [{ internal: '10.0.0.1', external: '2001:db8::1' }]]) {
      assert.throws(() => new RTCPeerConnection({}, { natMappings }), TypeError)
    }
  })
})

describe('tcpCandidates', () => {
  it('connect where no UDP passes, from an active to a passive one', async () => {
    const sim = new Simulation(7)
    sim.network.tap(({ protocol }) => (protocol === 'udp' ? 'drop' : undefined))
    const both = call(sim, { tcpCandidates: ['active', 'passive'] })
    await connects(both)
    const pair = both.alice.sctp?.transport.iceTransport.getSelectedCandidatePair()
    assert.deepEqual([pair?.local.protocol, pair?.remote.protocol], ['tcp', 'tcp'])
    close(both)
    await sim.runFor(1_000)
    for (const { openTcp, open } of both.seen) assert.deepEqual([openTcp.size, open.size], [0, 0])
  })

  it('connect where no UDP passes and both ends open at the same time, from one port each', async () => {
    const sim = new Simulation(17)
    sim.network.setConditions({ delayMs: 20 })
    sim.network.tap(({ protocol }) => (protocol === 'udp' ? 'drop' : undefined))
    const both = call(sim, { tcpCandidates: ['so'] })
    await connects(both)
    for (const { sctp } of [both.alice, both.bob]) {
      const pair = sctp?.transport.iceTransport.getSelectedCandidatePair()
      assert.deepEqual(
        [pair?.local, pair?.remote].map(end => [end?.tcpType, end?.type]),
        [
          ['so', 'host'],
          ['so', 'host'],
        ],
      )
    }
    close(both)
    await sim.runFor(1_000)
    for (const { openTcp, open } of both.seen) assert.deepEqual([openTcp.size, open.size], [0, 0])
  })

  it('are not used where UDP passes', async () => {
    const sim = new Simulation(8)
    const both = call(sim, { tcpCandidates: ['active', 'passive'] })
    await connects(both)
    assert.equal(both.alice.sctp?.transport.iceTransport.getSelectedCandidatePair()?.local.protocol, 'udp')
    close(both)
  })

  it('give a peer up that refuses to be opened with, after a bounded number of attempts', async () => {
    const sim = new Simulation(19)
    sim.network.tap(({ protocol }) => (protocol === 'udp' ? 'drop' : undefined))
    const seen = observe(sim.host('alice', ['192.0.2.1']))
    let attempts = 0
    const { network } = seen.environment
    const connectTcp: typeof network.connectTcp = (to, handler, options) => {
      if (to.port === 9_999) attempts++
      return network.connectTcp(to, handler, options)
    }
    const alice = { ...seen.environment, network: { ...network, connectTcp } }
    const pair = connectPair(sim, {
      environments: [alice, sim.host('bob', ['192.0.2.2'])],
      extensionsOf: index => ({ tcpCandidates: index === 0 ? ['so'] : [] }),
    })
    await sim.run(() => pair.alice.signalingState === 'stable' && pair.alice.remoteDescription !== null)
    const candidate = 'candidate:1 1 tcp 1000 192.0.2.2 9999 typ host tcptype so'
    void pair.alice.addIceCandidate({ candidate, sdpMid: '0' })
    await sim.run(() => pair.alice.iceConnectionState === 'failed')
    assert.equal(pair.alice.iceConnectionState, 'failed')
    assert.ok(attempts > 5 && attempts <= maxOpenAttempts, `${attempts} attempts`)
    close(pair)
    await sim.runFor(1_000)
    assert.equal(seen.openTcp.size, 0)
  })

  it('may be left out', async () => {
    const sim = new Simulation(9)
    const peer = peerOf(sim, 'a', '192.0.2.1', { tcpCandidates: [] })
    assert.deepEqual(
      (await candidatesOf(sim, peer)).filter(text => text.includes(' tcp ')),
      [],
    )
    peer.close()
    const unknown = { tcpCandidates: ['both' as 'so'] }
    assert.throws(() => new RTCPeerConnection({}, unknown), TypeError)
  })
})

describe('iceLite', () => {
  it('connects with a full peer, whichever offers, and says so', async () => {
    for (const liteOffers of [true, false]) {
      const sim = new Simulation(10)
      const environments = [sim.host('alice', ['192.0.2.1']), sim.host('bob', ['192.0.2.2'])] as const
      const pair = connectPair(sim, {
        environments,
        extensionsOf: index => ({ iceLite: (index === 0) === liteOffers }),
      })
      await connects(pair)
      const [lite, full] = liteOffers ? [pair.alice, pair.bob] : [pair.bob, pair.alice]
      assert.match(lite.localDescription?.sdp ?? '', /^a=ice-lite\r$/m)
      assert.doesNotMatch(full.localDescription?.sdp ?? '', /ice-lite/)
      assert.equal(lite.sctp?.transport.iceTransport.role, 'controlled')
      assert.equal(full.sctp?.transport.iceTransport.role, 'controlling')
      close(pair)
    }
  })

  it('cannot be had together with servers or relays', () => {
    const servers = { iceServers: [{ urls: 'stun:203.0.113.3' }] }
    assert.throws(() => new RTCPeerConnection(servers, { iceLite: true }), TypeError)
    assert.throws(() => new RTCPeerConnection({ iceTransportPolicy: 'relay' }, { iceLite: true }), TypeError)
  })
})

describe('iceParameters', () => {
  it('are those of the first generation, and of no other', async () => {
    const sim = new Simulation(11)
    const iceParameters = { usernameFragment: 'mine+and/only', password: 'x'.repeat(22) }
    const peer = peerOf(sim, 'a', '192.0.2.1', { iceParameters })
    await candidatesOf(sim, peer)
    assert.match(peer.localDescription?.sdp ?? '', /a=ice-ufrag:mine\+and\/only\r\na=ice-pwd:x{22}\r/)
    peer.close()
    assert.throws(
      () => new RTCPeerConnection({}, { iceParameters: { usernameFragment: 'abc', password: 'x'.repeat(22) } }),
      TypeError,
    )
    assert.throws(
      () => new RTCPeerConnection({}, { iceParameters: { usernameFragment: 'abcd', password: 'short' } }),
      TypeError,
    )
  })
})

describe('An IcePort', () => {
  async function server(
    sim: Simulation,
    options: { tcp?: boolean; onUnknownRequest?: (request: UnknownRequest) => void } = {},
  ) {
    const seen = observe(sim.host('server', ['203.0.113.1']))
    const port = await IcePort.listen({ port: 4000, environment: seen.environment, ...options })
    return { seen, port, environment: seen.environment }
  }

  it('serves many connections on one socket', async () => {
    const sim = new Simulation(12)
    const { seen, port, environment } = await server(sim)
    const calls = Array.from({ length: 20 }, (_, index) =>
      connectPair(sim, {
        environments: [sim.host(`client ${index}`, [`192.0.2.${index + 1}`]), environment],
        extensionsOf: side => (side === 1 ? { icePort: port, iceLite: index % 2 === 0 } : {}),
      }),
    )
    for (const each of calls) await connects(each)
    assert.deepEqual([seen.open.size, seen.openTcp.size], [1, 0])
    for (const { alice } of calls) {
      const remote = alice.sctp?.transport.iceTransport.getSelectedCandidatePair()?.remote
      assert.deepEqual([remote?.address, remote?.port], ['203.0.113.1', 4000])
    }
    // One that ends does not disturb the others, nor the port.
    calls[0]?.bob.close()
    for (const each of calls.slice(1)) await exchange(each, 2)
    assert.equal(seen.open.size, 1)
    for (const each of calls) close(each)
    port.close()
    assert.equal(seen.open.size, 0)
  })

  it('serves them over TCP as well', async () => {
    const sim = new Simulation(13)
    const { seen, port, environment } = await server(sim, { tcp: true })
    sim.network.tap(({ protocol }) => (protocol === 'udp' ? 'drop' : undefined))
    const calls = Array.from({ length: 5 }, (_, index) =>
      connectPair(sim, {
        environments: [sim.host(`client ${index}`, [`192.0.2.${index + 1}`]), environment],
        extensionsOf: side => (side === 1 ? { icePort: port } : {}),
      }),
    )
    for (const each of calls) await connects(each)
    for (const each of calls) close(each)
    port.close()
    await sim.runFor(1_000)
    assert.deepEqual([seen.open.size, seen.openTcp.size], [0, 0])
  })

  it('holds a bounded number of TCP connections of strangers, the latest', async () => {
    const sim = new Simulation(18)
    const { port } = await server(sim, { tcp: true })
    const { network } = sim.host('stranger', ['192.0.2.1'])
    const to = { address: '203.0.113.1', port: 4000, family: 4 } as const
    const ended: number[] = []
    const count = portAcceptLimits.strangers + 3
    for (let index = 0; index < count; index++) {
      network.connectTcp(to, { receive: () => {}, closed: () => ended.push(index) })
      await sim.runFor(1)
    }
    await sim.runFor(100)
    assert.deepEqual(ended, [0, 1, 2])
    port.close()
    await sim.runFor(100)
    assert.equal(ended.length, count)
  })

  it('tells of a peer that it does not know, for which a connection can be made then', async () => {
    const sim = new Simulation(14)
    const told: UnknownRequest[] = []
    const { port, environment } = await server(sim, { onUnknownRequest: request => told.push(request) })
    const client = peerOf(sim, 'client', '192.0.2.1')
    const channel = client.createDataChannel('direct')
    // As webrtc-direct does it: the client makes up the answer of a server that it only knows by address and fingerprint.
    void client.setLocalDescription()
    await sim.runFor(10)
    const secret = 'chosenByTheClient0123456789'
    const [certificate] = fixedCertificates()
    const fingerprint = certificate.getFingerprints()[0]
    const answer = [
      'v=0',
      'o=- 1 1 IN IP4 0.0.0.0',
      's=-',
      't=0 0',
      'a=ice-lite',
      'm=application 4000 UDP/DTLS/SCTP webrtc-datachannel',
      'c=IN IP4 203.0.113.1',
      'a=mid:0',
      `a=ice-ufrag:${secret}`,
      `a=ice-pwd:${secret}`,
      `a=fingerprint:sha-256 ${fingerprint?.value}`,
      'a=setup:passive',
      'a=sctp-port:5000',
      'a=candidate:1 1 udp 2130706431 203.0.113.1 4000 typ host',
      'a=end-of-candidates',
      '',
    ].join('\r\n')
    void client.setRemoteDescription({ type: 'answer', sdp: answer })
    await sim.run(() => told.length > 0)
    const [request] = told
    assert.equal(request?.usernameFragment, secret)
    assert.equal(request?.remote.address, '192.0.2.1')
    const served = new RTCPeerConnection(
      { certificates: [certificate] },
      { environment, icePort: port, iceLite: true, iceParameters: { usernameFragment: secret, password: secret } },
    )
    // The client is the one that begins the handshake: nobody asked the server.
    const sdp = client.localDescription?.sdp.replace('a=setup:actpass', 'a=setup:active') ?? ''
    void served.setRemoteDescription({ type: 'offer', sdp })
    void served.setLocalDescription()
    assert.ok(await sim.run(() => channel.readyState === 'open'), client.iceConnectionState)
    client.close()
    served.close()
    port.close()
  })

  it('refuses an address that is none, and one that is taken', async () => {
    const sim = new Simulation(15)
    const environment = sim.host('server', ['203.0.113.1'])
    await assert.rejects(IcePort.listen({ port: 1, addresses: ['example.org'], environment }), TypeError)
    const port = await IcePort.listen({ port: 4000, environment })
    await assert.rejects(IcePort.listen({ port: 4000, environment }), { code: 'EADDRINUSE' })
    const unfit = { environment, icePort: port, tcpCandidates: ['so'] } as const
    assert.throws(() => new RTCPeerConnection({}, unfit), TypeError)
    port.close()
    assert.throws(() => new RTCPeerConnection({}, { icePort: {} as IcePort }), TypeError)
  })
})

describe('A call in which interfaces come and go', () => {
  it('goes on over another address when the one in use has vanished, and tells what is new', async () => {
    const sim = new Simulation(16)
    const alice = sim.host('alice', ['192.0.2.1'])
    const pair = connectPair(sim, { environments: [alice, sim.host('bob', ['192.0.2.2'])] })
    await connects(pair)
    const states: string[] = []
    const found: string[] = []
    pair.alice.addEventListener('icegatheringstatechange', () => states.push(pair.alice.iceGatheringState))
    pair.alice.addEventListener('icecandidate', ({ candidate }) => found.push(candidate?.address ?? ''))
    sim.network.removeInterface('alice', '192.0.2.1')
    sim.network.addInterface('alice', '192.0.2.77')
    await sim.runFor(15_000)
    await exchange(pair, 16)
    assert.deepEqual(states, ['gathering', 'complete'])
    assert.ok(found.includes('192.0.2.77'))
    assert.deepEqual(selectedTypes(pair.alice)[0], 'host')
    close(pair)
  })
})

import assert from 'node:assert/strict'
import type { RTCConfiguration } from '../../src/pc/configuration.ts'
import type { ConnectionExtensions } from '../../src/pc/connection-extensions.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { portRestrictedCone } from '../sim/nat.ts'
import { fixedCertificates } from '../sim/peers.ts'
import { startStunServer, startTurnServer } from '../sim/servers.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { type Observed, observe } from '../support/observed-environment.ts'

/** A peer that gathers with these servers, and what it says while it does. */
interface Gathering {
  readonly peer: RTCPeerConnection
  readonly seen: Observed
  readonly candidates: RTCIceCandidateLike[]
  readonly errors: string[]
  /** Virtual milliseconds that gathering took; undefined if it never ended. */
  readonly done: (limitMs?: number) => Promise<number | undefined>
}

interface RTCIceCandidateLike {
  readonly candidate: string
  readonly type: string | null
  readonly url: string | null
  readonly relayProtocol: string | null
}

function gather(
  sim: Simulation,
  configuration: RTCConfiguration,
  { addresses = ['192.0.2.1'], behind, extensions = {} }: GatherOptions = {},
): Gathering {
  const seen = observe(sim.host('alice', addresses, behind === undefined ? {} : { behind }))
  const [certificate] = fixedCertificates()
  const peer = new RTCPeerConnection(
    { ...configuration, certificates: [certificate] },
    { ...extensions, environment: seen.environment },
  )
  const candidates: RTCIceCandidateLike[] = []
  const errors: string[] = []
  peer.onicecandidate = ({ candidate }) => {
    if (candidate !== null && candidate.candidate !== '') candidates.push(candidate)
  }
  peer.onicecandidateerror = ({ url, errorCode, errorText, address, port }) =>
    errors.push([url, errorCode, errorText, address, port === null ? '-' : 'port'].join(' '))
  const startedAt = sim.now
  peer.createDataChannel('x')
  void peer.setLocalDescription()
  const done = async (limitMs = 120_000): Promise<number | undefined> =>
    (await sim.run(() => peer.iceGatheringState === 'complete', limitMs)) ? sim.now - startedAt : undefined
  return { peer, seen, candidates, errors, done }
}

interface GatherOptions {
  readonly addresses?: readonly string[]
  readonly behind?: NonNullable<Parameters<Simulation['host']>[2]>['behind']
  readonly extensions?: ConnectionExtensions
}

const silent = '203.0.113.200'
const user = { username: 'user', credential: 'password' }

describe('iceServers', () => {
  it('are all asked, and the first that works for each way of reaching one is kept', async () => {
    const sim = new Simulation(1)
    const [a, b] = [
      await startTurnServer(sim, 'a', '203.0.113.1', { transports: ['udp', 'tcp', 'tls'] }),
      await startTurnServer(sim, 'b', '203.0.113.2', { transports: ['udp', 'tcp', 'tls'] }),
    ]
    sim.network.setConditions({ delayMs: 40 })
    // The first would be a round trip quicker, if it took this password.
    const wrong = { ...a.iceServers[0], urls: a.iceServers[0]?.urls ?? [], credential: 'wrong' }
    const { peer, candidates, errors, done } = gather(sim, { iceServers: [wrong, ...b.iceServers] })
    assert.ok(await done())
    const relays = candidates.filter(({ type }) => type === 'relay')
    assert.deepEqual(relays.map(({ relayProtocol }) => relayProtocol).sort(), ['tcp', 'tls', 'udp'])
    assert.ok(relays.every(({ url }) => b.iceServers[0]?.urls.includes(url ?? '?')))
    assert.deepEqual(
      errors.map(text => text.split(' ')[1]),
      ['401', '401', '401'],
    )
    await sim.runFor(1_000)
    assert.deepEqual([a.server.stats().openAllocations, b.server.stats().openAllocations], [0, 3])
    peer.close()
    await sim.runFor(3_000)
    assert.equal(b.server.stats().openAllocations, 0)
  })

  it('does not wait for one that is silent when another one has answered', async () => {
    const sim = new Simulation(2)
    const { iceServers } = await startTurnServer(sim, 'turn', '203.0.113.1')
    const dead = { urls: [`turn:${silent}`, `stun:${silent}`], ...user }
    await startStunServer(sim, 'stun', '203.0.113.3')
    const all = [dead, ...iceServers, { urls: 'stun:203.0.113.3' }]
    const { peer, candidates, errors, done } = gather(sim, { iceServers: all })
    const took = await done()
    assert.ok(took !== undefined && took < 500, `${took} ms`)
    assert.ok(candidates.some(({ type }) => type === 'relay'))
    assert.deepEqual(errors, [])
    peer.close()
  })

  it('tells a reflexive address once, with the server that told it and where it is based', async () => {
    const sim = new Simulation(3)
    const nat = sim.nat('nat', portRestrictedCone, { addresses: ['198.51.100.1'] })
    await startStunServer(sim, 'stun', '203.0.113.3')
    await startStunServer(sim, 'stun2', '203.0.113.4')
    const iceServers = [{ urls: ['stun:203.0.113.3', 'stun:203.0.113.4'] }]
    const { peer, candidates, done } = gather(sim, { iceServers }, { addresses: ['10.0.0.1'], behind: nat })
    await done()
    const reflexive = candidates.filter(({ type }) => type === 'srflx')
    assert.equal(reflexive.length, 1)
    assert.match(reflexive[0]?.candidate ?? '', /udp \d+ 198\.51\.100\.1 \d+ typ srflx raddr 10\.0\.0\.1 rport \d+/)
    assert.equal(reflexive[0]?.url, 'stun:203.0.113.3')
    peer.close()
  })

  it('makes no reflexive candidate where there is no NAT', async () => {
    const sim = new Simulation(4)
    await startStunServer(sim, 'stun', '203.0.113.3')
    const { peer, candidates, done } = gather(sim, { iceServers: [{ urls: 'stun:203.0.113.3' }] })
    await done()
    assert.deepEqual(
      candidates.map(({ type }) => type),
      ['host', 'host'],
    )
    peer.close()
  })

  it('asks a stuns: server how our connections look, for active TCP candidates', async () => {
    const sim = new Simulation(5)
    const nat = sim.nat('nat', portRestrictedCone, { addresses: ['198.51.100.1'] })
    await startTurnServer(sim, 'turn', '203.0.113.1', { transports: ['tls'] })
    const options = { addresses: ['10.0.0.1'], behind: nat }
    const { peer, candidates, errors, done } = gather(
      sim,
      { iceServers: [{ urls: 'stuns:turn.example:443' }] },
      options,
    )
    await done()
    const [found] = candidates.filter(({ type }) => type === 'srflx')
    assert.match(found?.candidate ?? '', /tcp \d+ 198\.51\.100\.1 9 typ srflx raddr 10\.0\.0\.1 rport 9 tcptype active/)
    assert.deepEqual(errors, [])
    peer.close()
  })

  it('says once for each URL which could not be reached, and ends within ten seconds', async () => {
    const sim = new Simulation(6)
    const urls = [`stun:${silent}`, `turn:${silent}`, `turn:${silent}?transport=tcp`, `turns:${silent}`]
    const options = { addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3'] }
    const { peer, errors, done } = gather(sim, { iceServers: [{ urls, ...user }] }, options)
    const took = await done()
    assert.ok(took !== undefined && took < 10_000, `${took} ms`)
    assert.deepEqual(
      errors.map(text => text.split(' ').slice(0, 2).join(' ')).sort(),
      urls.map(url => `${url} 701`).sort(),
    )
    peer.close()
  })

  it('says nothing of a server that only one family could reach, and that was not needed', async () => {
    const sim = new Simulation(12)
    await startStunServer(sim, 'stun', '203.0.113.3')
    const urls = ['stun:203.0.113.3', `stun:${silent}`]
    const options = { addresses: ['192.0.2.1', '2001:db8::1'] }
    const { peer, errors, done } = gather(sim, { iceServers: [{ urls }] }, options)
    await done()
    assert.deepEqual(errors, [])
    peer.close()
  })

  it('goes on without names that do not resolve, or never do', async () => {
    const sim = new Simulation(7)
    sim.dns.set('slow.example', 'silent')
    const urls = ['stun:unknown.example', 'stun:slow.example', 'turn:unknown.example', 'turns:slow.example']
    const { peer, candidates, errors, done } = gather(sim, { iceServers: [{ urls, ...user }] })
    assert.ok(await done())
    assert.equal(errors.length, 4)
    for (const text of errors) assert.match(text, / 701 .*could not be resolved/)
    assert.deepEqual(
      candidates.map(({ type }) => type),
      ['host', 'host'],
    )
    peer.close()
  })

  it('reports what the server says, and our address only where a candidate has told it', async () => {
    const sim = new Simulation(8)
    const { iceServers } = await startTurnServer(sim, 'turn', '203.0.113.1')
    const wrong = iceServers.map(server => ({ ...server, credential: 'wrong' }))
    const open = gather(sim, { iceServers: wrong })
    await open.done()
    assert.match(open.errors.join(), /^turn:\S+ 401 \w+ 192\.0\.2\.1 port$/)
    assert.ok(!open.errors.join().includes('wrong'))
    open.peer.close()
    const sim2 = new Simulation(8)
    await startTurnServer(sim2, 'turn', '203.0.113.1')
    const hidden = gather(sim2, { iceServers: wrong, iceTransportPolicy: 'relay' })
    await hidden.done()
    assert.match(hidden.errors.join(), /^turn:\S+ 401 \w+ {2}-$/)
    hidden.peer.close()
  })

  it('trusts a TLS server only with a certificate for its name', async () => {
    const sim = new Simulation(9)
    await startTurnServer(sim, 'turn', '203.0.113.1', { transports: ['tls'] })
    sim.dns.set('other.example', ['203.0.113.1'])
    const { peer, candidates, errors, done } = gather(sim, {
      iceServers: [{ urls: 'turns:other.example:443', ...user }],
    })
    await done()
    assert.deepEqual(
      candidates.filter(({ type }) => type === 'relay'),
      [],
    )
    assert.match(errors.join(), /^turns:other\.example:443 701 /)
    peer.close()
  })

  it('takes hundreds of servers', async () => {
    const sim = new Simulation(10)
    const { iceServers } = await startTurnServer(sim, 'turn', '203.0.113.1')
    const many = Array.from({ length: 300 }, (_, index) => ({ urls: [`turn:${silent}:${1000 + index}`], ...user }))
    const { peer, candidates, done } = gather(sim, { iceServers: [...many, ...iceServers] })
    assert.ok(await done(60_000))
    assert.ok(candidates.some(({ type }) => type === 'relay'))
    peer.close()
  })

  it('leaves nothing open when the connection is closed in the middle of gathering', async () => {
    for (let at = 0; at < 200; at += 7) {
      const sim = new Simulation(11)
      const { server, iceServers } = await startTurnServer(sim, 'turn', '203.0.113.1', {
        transports: ['udp', 'tcp', 'tls'],
      })
      sim.network.setConditions({ delayMs: 20 })
      const { peer, seen } = gather(sim, { iceServers: [...iceServers, { urls: 'stun:203.0.113.1' }] })
      await sim.runFor(at)
      peer.close()
      await sim.runFor(10_000)
      assert.deepEqual(
        [seen.open.size, seen.openTcp.size, server.stats().openAllocations],
        [0, 0, 0],
        `closed at ${at}`,
      )
    }
  })
})

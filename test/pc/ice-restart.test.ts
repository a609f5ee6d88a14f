import assert from 'node:assert/strict'
import { explainConnection } from '../../src/pc/connection-report.ts'
import { retiredLifetimeMs } from '../../src/pc/peer-transport.ts'
import { exchange, isOpen, selectedTypes, situation } from '../sim/calls.ts'
import { connectPair, createPair, negotiate } from '../sim/peers.ts'
import { startTurnServer } from '../sim/servers.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { observe } from '../support/observed-environment.ts'

function ufrag(sdp: string | undefined): string | undefined {
  return /a=ice-ufrag:(\S+)/.exec(sdp ?? '')?.[1]
}

describe('An ICE restart', () => {
  it('goes over to other credentials without losing a message on the way', async () => {
    const pair = createPair({ seed: 1, conditions: { delayMs: 20 } })
    const { sim, alice, bob, channel, remote } = pair
    assert.ok(await sim.run(() => isOpen(pair)), situation(pair))
    const before = ufrag(alice.localDescription?.sdp)
    const received: string[] = []
    const other = remote()
    assert.ok(other)
    other.onmessage = ({ data }) => received.push(String(data))
    alice.restartIce()
    void negotiate(alice, bob)
    for (let index = 0; index < 100; index++) {
      channel.send(String(index))
      await sim.runFor(5)
    }
    await sim.runFor(5_000)
    assert.deepEqual(
      received,
      Array.from({ length: 100 }, (_, index) => String(index)),
    )
    assert.notEqual(ufrag(alice.localDescription?.sdp), before)
    assert.equal(alice.connectionState, 'connected')
    alice.close()
    bob.close()
  })

  it('leaves the sockets of before open for a while: the peer may be slow to follow', async () => {
    const sim = new Simulation(5)
    const seen = observe(sim.host('alice', ['192.0.2.1']))
    const environments = [seen.environment, sim.host('bob', ['192.0.2.2'])] as const
    const pair = connectPair(sim, { environments })
    const { alice, bob } = pair
    assert.ok(await sim.run(() => isOpen(pair)), situation(pair))
    // One restart after another: those of no use are closed as well.
    for (const generations of [2, 3]) {
      alice.restartIce()
      void negotiate(alice, bob)
      await sim.runFor(1_000)
      assert.equal(seen.open.size, generations)
    }
    await sim.runFor(retiredLifetimeMs)
    assert.equal(seen.open.size, 1)
    await exchange(pair, 5)
    alice.restartIce()
    void negotiate(alice, bob)
    await sim.runFor(1_000)
    alice.close()
    bob.close()
    assert.equal(seen.open.size, 0)
  })

  it('that is rolled back leaves everything as it was', async () => {
    const sim = new Simulation(2)
    const { iceServers } = await startTurnServer(sim, 'turn', '203.0.113.1')
    const environments = [sim.host('alice', ['192.0.2.1']), sim.host('bob', ['192.0.2.2'])] as const
    const pair = connectPair(sim, { environments, configuration: { iceServers } })
    const { alice, bob } = pair
    assert.ok(await sim.run(() => isOpen(pair)), situation(pair))
    await sim.runFor(1_000)
    const transport = alice.sctp?.transport.iceTransport
    const described = alice.localDescription?.sdp
    const candidates = transport?.getLocalCandidates().map(({ candidate }) => candidate)
    const parameters = transport?.getLocalParameters()
    // Another policy, so that the new generation has sockets of its own.
    alice.setConfiguration({ ...alice.getConfiguration(), iceTransportPolicy: 'relay' })
    alice.restartIce()
    void alice.setLocalDescription()
    await sim.runFor(1_000)
    assert.notDeepEqual(transport?.getLocalParameters(), parameters)
    void alice.setLocalDescription({ type: 'rollback' })
    await sim.runFor(1_000)
    assert.equal(alice.localDescription?.sdp, described)
    assert.deepEqual(transport?.getLocalParameters(), parameters)
    assert.deepEqual(
      transport?.getLocalCandidates().map(({ candidate }) => candidate),
      candidates,
    )
    await exchange(pair, 2)
    // Consent goes on with the credentials of before.
    await sim.runFor(60_000)
    assert.equal(alice.connectionState, 'connected')
    await exchange(pair, 3)
    // And the restart, still due, can be made later.
    void negotiate(alice, bob)
    assert.ok(await sim.run(() => selectedTypes(alice)[0] === 'relay'), situation(pair))
    await exchange(pair, 4)
    alice.close()
    bob.close()
  })
})

describe('explainConnection', () => {
  it('says which path is in use, and what became of each pair', async () => {
    const pair = createPair({ seed: 3 })
    assert.ok(await pair.sim.run(() => isOpen(pair)), situation(pair))
    const { pairs, lines, connectionState, dtlsState } = explainConnection(pair.alice)
    assert.deepEqual([connectionState, dtlsState], ['connected', 'connected'])
    const selected = pairs.find(({ selected }) => selected)
    assert.deepEqual(
      selected?.history
        .map(({ what }) => what)
        .filter(what => what === 'check-sent' || what === 'answered')
        .slice(0, 2),
      ['check-sent', 'answered'],
    )
    assert.match(
      lines.join('\n'),
      /^The connection is connected; gathering is complete\.\nData goes from host udp 192\.0\.2\.1/,
    )
    pair.alice.close()
    assert.deepEqual(explainConnection(pair.alice).lines, ['The connection is closed; gathering is complete.'])
    pair.bob.close()
  })

  it('names the path that carries data while a restart is under way', async () => {
    const pair = createPair({ seed: 6 })
    assert.ok(await pair.sim.run(() => isOpen(pair)), situation(pair))
    pair.alice.restartIce()
    void pair.alice.setLocalDescription()
    await pair.sim.runFor(100)
    const text = explainConnection(pair.alice).lines.join('\n')
    assert.match(text, /restarted\. Until a new path is found, data goes from 192\.0\.2\.1:\d+ to 192\.0\.2\.2:\d+/)
    pair.alice.close()
    pair.bob.close()
  })

  it('says why there is none: nothing came back, and a server that was wrong', async () => {
    const sim = new Simulation(4)
    sim.network.setConditions({ loss: 1 })
    const environments = [sim.host('alice', ['192.0.2.1']), sim.host('bob', ['192.0.2.2'])] as const
    const secret = 'canary-secret'
    const iceServers = [{ urls: 'turn:nowhere.example', username: 'u', credential: secret }]
    const { alice, bob } = connectPair(sim, { environments, configuration: { iceServers } })
    assert.match(explainConnection(alice).lines.join('\n'), /no local description yet/)
    assert.ok(await sim.run(() => alice.iceConnectionState === 'failed'), alice.iceConnectionState)
    const report = explainConnection(alice)
    assert.match(report.lines.join('\n'), /ha(s|ve) failed, and nothing ever came from the peer/)
    assert.match(report.lines.join('\n'), /turn:nowhere\.example: 701 nowhere\.example could not be resolved/)
    assert.ok(report.pairs.every(({ lastFailure }) => lastFailure !== undefined))
    assert.ok(
      !JSON.stringify(report, (_, value) => (typeof value === 'bigint' ? String(value) : value)).includes(secret),
    )
    alice.close()
    bob.close()
  })
})

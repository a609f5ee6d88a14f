import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { explainConnection } from '../../../src/pc/connection-report.ts'
import { isClientHello } from '../../../src/pc/early-packets.ts'
import type { RTCDataChannel } from '../../../src/pc/rtc-data-channel.ts'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import {
  addresses,
  closeAll,
  converse,
  createWorld,
  type HandoverOptions,
  type HandoverWorld,
  isConnected,
  nextChannel,
  offerTo,
  rehearse,
  watch,
} from './handover-world.ts'
import { components, describeLocally, settled } from './media-pair.ts'

const invalid = { name: 'InvalidAccessError', message: /without new ICE credentials/ }

/** Alice has a channel open with the first. */
async function begin(options: HandoverOptions): Promise<HandoverWorld & { readonly channel: RTCDataChannel }> {
  const world = createWorld(options)
  const channel = world.alice.createDataChannel('initial')
  await offerTo(world.sim, world.alice, world.first)
  assert.ok(await isConnected(world, world.alice, world.first))
  assert.ok(await world.sim.run(() => channel.readyState === 'open'))
  return { ...world, channel }
}

function drops(peer: RTCPeerConnection): Readonly<Record<string, number>> {
  return explainConnection(peer).packetsDropped
}

function sha256(certificate: Uint8Array): string {
  return createHash('sha256').update(certificate).digest('hex')
}

interface Seen {
  readonly changes: unknown
  /** The fingerprint of what the peer has shown. */
  readonly remote: string
  /** Of its certificate, and of the pair in use. */
  readonly ids: readonly unknown[]
}

async function seen({ sim }: HandoverWorld, peer: RTCPeerConnection): Promise<Seen> {
  const report = await settled(sim, peer.getStats())
  const transport = [...report.values()].find(({ type }) => type === 'transport')
  const { remoteCertificateId, selectedCandidatePairId, selectedCandidatePairChanges: changes } = transport ?? {}
  const { fingerprint } = report.get(String(remoteCertificateId)) ?? {}
  assert.equal(report.get(String(selectedCandidatePairId))?.type, 'candidate-pair')
  const remote = String(fingerprint).replaceAll(':', '').toLowerCase()
  return { changes, remote, ids: [remoteCertificateId, selectedCandidatePairId] }
}

async function assertReached(world: HandoverWorld, certificate: Uint8Array | undefined): Promise<void> {
  const { sim, alice, second } = world
  assert.ok(certificate)
  assert.ok(await isConnected(world, alice, second))
  const dtls = alice.sctp?.transport
  const shown = dtls?.getRemoteCertificates().map(each => sha256(new Uint8Array(each)))
  assert.deepEqual(shown, [sha256(certificate)])
  const theirs = nextChannel(second)
  const ours = nextChannel(alice)
  const own = alice.createDataChannel('ours')
  const other = second.createDataChannel('theirs')
  assert.ok(await sim.run(() => [own, other].every(({ readyState }) => readyState === 'open')))
  assert.ok(await sim.run(() => theirs.current !== undefined && ours.current !== undefined))
  assert.deepEqual([theirs.current?.label, ours.current?.label], ['ours', 'theirs'])
  assert.ok(theirs.current && ours.current)
  await converse(sim, own, theirs.current)
  await converse(sim, ours.current, other)
}

describe('A data session that is handed over to another peer', () => {
  it('by an answer: the association of before ends, and everything begins anew with the peer that has answered', async () => {
    const world = await begin({ seed: 1 })
    const { sim, alice, first, second, channel, certificates } = world
    const [sctp, dtls] = [alice.sctp, alice.sctp?.transport]
    const before = await seen(world, alice)
    assert.equal(before.remote, sha256(certificates[1] ?? new Uint8Array()))
    const events = watch(alice)
    channel.onclose = () => events.push('channel closed')
    if (sctp !== null) sctp.onstatechange = () => events.push(`association ${sctp.state}`)
    await offerTo(sim, alice, second)
    await assertReached(world, certificates[2])
    assert.deepEqual(events, [
      'channel closed',
      'dtls new',
      'connection connecting',
      'no pair',
      'ice checking',
      'association closed',
      'pair',
      'ice connected',
      'dtls connecting',
      'dtls connected',
      'connection connected',
      'ice completed',
    ])
    // webrtc-pc §5.5: the same transport; §4.4.1.4, step 4.6.8: another association
    assert.equal(alice.sctp?.transport, dtls)
    assert.notEqual(alice.sctp, sctp)
    assert.deepEqual([sctp?.state, alice.sctp?.state, channel.readyState], ['closed', 'connected', 'closed'])
    assert.equal(first.sctp?.transport.state, 'closed')
    const after = await seen(world, alice)
    assert.deepEqual([after.changes, after.remote], [2, sha256(certificates[2] ?? new Uint8Array())])
    assert.deepEqual(
      after.ids.filter(id => before.ids.includes(id)),
      [],
    )
    closeAll(world)
  })

  it('by an offer of the other one, which is answered with new ICE credentials', async () => {
    const world = await begin({ seed: 2 })
    const { sim, alice, first, second, channel, certificates } = world
    await rehearse(world, String(alice.localDescription?.sdp))
    const ufrag = alice.sctp?.transport.iceTransport.getLocalParameters()?.usernameFragment
    const events = watch(alice)
    await offerTo(sim, second, alice)
    await assertReached(world, certificates[2])
    assert.notEqual(alice.sctp?.transport.iceTransport.getLocalParameters()?.usernameFragment, ufrag)
    assert.deepEqual(
      events.filter(event => event.startsWith('dtls')),
      ['dtls new', 'dtls connecting', 'dtls connected'],
    )
    assert.equal(channel.readyState, 'closed')
    assert.equal(first.sctp?.transport.state, 'closed')
    closeAll(world)
  })

  it('together with an ICE restart of ours, and after the first one has gone', async () => {
    for (const [seed, isGone] of [[3, false] as const, [4, true] as const]) {
      const world = await begin({ seed })
      const { sim, alice, first, second, certificates } = world
      if (isGone) first.close()
      if (isGone) assert.ok(await sim.run(() => alice.sctp?.state === 'closed'))
      alice.restartIce()
      await offerTo(sim, alice, second)
      await assertReached(world, certificates[2])
      closeAll(world)
    }
  })

  it('back and forth, many times, some of them before anything was connected', async () => {
    const world = await begin({ seed: 5 })
    const { sim, alice, first, second, certificates } = world
    for (const peer of [second, first, second, first]) {
      alice.restartIce()
      // The other one is in the same session still, with ICE credentials of its own generation.
      await offerTo(sim, alice, peer)
      await sim.runFor(peer === first ? 0 : 15)
    }
    alice.restartIce()
    await offerTo(sim, alice, second)
    await assertReached(world, certificates[2])
    closeAll(world)
  })

  for (const seed of Array.from({ length: 12 }, (_, index) => 20 + index)) {
    it(`where a fifth of the packets is lost, the others come late and out of order (seed ${seed})`, async () => {
      const conditions = { loss: 0.2, delayMs: 30, jitterMs: 20 }
      const world = createWorld({ seed, conditions })
      const { sim, alice, first, second, certificates } = world
      const channel = alice.createDataChannel('initial')
      await offerTo(sim, alice, first)
      assert.ok(await sim.run(() => channel.readyState === 'open'))
      await offerTo(sim, alice, second)
      await assertReached(world, certificates[2])
      closeAll(world)
    })
  }

  it('takes channels that are not open yet over to the next association', async () => {
    const world = createWorld({ seed: 6 })
    const { sim, alice, first, second } = world
    const negotiated = alice.createDataChannel('agreed', { negotiated: true, id: 7 })
    const channel = alice.createDataChannel('initial')
    sim.network.setDown('first')
    await offerTo(sim, alice, first)
    await sim.runFor(1_000)
    assert.deepEqual([channel.readyState, negotiated.readyState], ['connecting', 'connecting'])
    const twin = second.createDataChannel('agreed', { negotiated: true, id: 7 })
    const there = nextChannel(second)
    await offerTo(sim, alice, second)
    assert.ok(await sim.run(() => [channel, negotiated, twin].every(({ readyState }) => readyState === 'open')))
    assert.ok(there.current)
    await converse(sim, channel, there.current)
    await converse(sim, negotiated, twin)
    closeAll(world)
  })

  it('does not take what the first one goes on sending for the word of the second', async () => {
    const world = await begin({ seed: 7 })
    const { sim, alice, first, second, channel, certificates } = world
    const old: { data: Uint8Array; from: { address: string; port: number } }[] = []
    let isTold = false
    sim.network.tap(({ from, to, data }) => {
      // The first one never hears that it is over.
      if (from.address === addresses.alice && to.address === addresses.first && !isStun(data)) {
        isTold = true
        return 'drop'
      }
      if (from.address === addresses.first && !isStun(data)) old.push({ data: Uint8Array.from(data), from })
      return undefined
    })
    const sender = first.createDataChannel('unreliable', { ordered: false, maxRetransmits: 0 })
    await sim.runFor(100)
    await offerTo(sim, alice, second)
    assert.ok(isTold)
    await assertReached(world, certificates[2])
    const heard: unknown[] = []
    const now = nextChannel(second)
    const current = alice.createDataChannel('current')
    current.onmessage = ({ data }) => heard.push(data)
    assert.ok(await sim.run(() => now.current?.readyState === 'open'))
    const before = drops(alice)['unvalidated-source'] ?? 0
    assert.equal(first.connectionState, 'connected')
    for (let i = 0; i < 20; i++) {
      if (sender.readyState === 'open') sender.send(`old ${i}`)
      await sim.runFor(50)
    }
    assert.ok((drops(alice)['unvalidated-source'] ?? 0) > before, 'packets of the first one came, and were counted')
    // And from where the second one is: nothing but the keys tells them apart.
    const base = components(alice)[0]?.driver.ice.selectedPair
    assert.ok(base && old.length > 0)
    const total = (): number => Object.values(drops(alice)).reduce((sum, count) => sum + count, 0)
    const counted = total()
    for (const { data } of old) sim.network.inject(data, base.remote.address, base.local.base)
    await sim.runFor(200)
    assert.equal(total() - counted, old.length)
    assert.deepEqual([heard, alice.connectionState, channel.readyState], [[], 'connected', 'closed'])
    assert.ok(now.current)
    await converse(sim, current, now.current)
    closeAll(world)
  })

  it('begins before the answer is there, if the other one is ahead of it', async () => {
    const world = await begin({ seed: 8 })
    const { sim, alice, second, certificates } = world
    let hellos = 0
    sim.network.tap(({ from, data }) => {
      if (from.address === addresses.second && isClientHello(data)) hellos++
      return undefined
    })
    const offer = await describeLocally(sim, alice)
    await settled(sim, second.setRemoteDescription({ type: 'offer', sdp: offer }))
    const answer = await describeLocally(sim, second)
    // Its checks are answered, and its ClientHello comes, while the first one is still the peer.
    assert.ok(await sim.run(() => hellos > 0))
    await sim.runFor(20)
    const before = hellos
    assert.deepEqual([alice.connectionState, drops(alice)], ['connected', {}])
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
    await assertReached(world, certificates[2])
    assert.equal(hellos, before, 'it was kept')
    closeAll(world)
  })

  it('is not begun by somebody who was ahead of an answer that never came', async () => {
    const world = createWorld({ seed: 16 })
    const { sim, alice, first, second, certificates } = world
    const named = (letter: string) => (sdp: string) =>
      sdp.replaceAll('a=setup:', `a=tls-id:${letter.repeat(20)}\r\na=setup:`)
    alice.createDataChannel('initial')
    await offerTo(sim, alice, first, named('a'))
    assert.ok(await isConnected(world, alice, first))
    await settled(sim, second.setRemoteDescription({ type: 'offer', sdp: String(alice.localDescription?.sdp) }))
    await describeLocally(sim, second)
    await sim.runFor(500)
    sim.network.setDown('second')
    assert.deepEqual(drops(alice), {})
    alice.restartIce()
    await offerTo(sim, alice, first, named('b'))
    const dtls = alice.sctp?.transport
    assert.ok(await sim.run(() => dtls?.state === 'connected'))
    const [shown] = dtls?.getRemoteCertificates() ?? []
    assert.equal(sha256(new Uint8Array(shown ?? [])), sha256(certificates[1] ?? new Uint8Array()))
    assert.ok((drops(alice)['unvalidated-source'] ?? 0) > 0, 'its ClientHello was kept, and is counted now')
    closeAll(world)
  })
})

describe('A handover that does not happen', () => {
  it('leaves the association alone: an offer was rolled back, on either side', async () => {
    const world = await begin({ seed: 9 })
    const { sim, alice, first, second, channel } = world
    const events = watch(alice)
    const there = [...explainConnection(first).lines]
    await rehearse(world, String(alice.localDescription?.sdp))
    const offer = await describeLocally(sim, second)
    await settled(sim, alice.setRemoteDescription({ type: 'offer', sdp: offer }))
    await sim.runFor(1_000)
    await settled(sim, alice.setRemoteDescription({ type: 'rollback' }))
    await describeLocally(sim, alice)
    await sim.runFor(1_000)
    await settled(sim, alice.setLocalDescription({ type: 'rollback' }))
    await sim.runFor(5_000)
    assert.deepEqual(events, [])
    assert.deepEqual([channel.readyState, alice.connectionState], ['open', 'connected'])
    assert.deepEqual(explainConnection(first).lines, there)
    closeAll(world)
  })

  it('is refused without new ICE credentials (RFC 8829 §5.8.3, §5.11), and nothing changes', async () => {
    const world = await begin({ seed: 10 })
    const { sim, alice, first, channel } = world
    const events = watch(alice)
    const other = 'AB:'.repeat(31).concat('AB')
    const changes: readonly ((sdp: string) => string)[] = [
      sdp => sdp.replace(/a=fingerprint:sha-256 \S+/g, `a=fingerprint:sha-256 ${other}`),
      sdp => sdp.replace(/(a=fingerprint:sha-256 \S+)/g, `$1\r\na=fingerprint:sha-256 ${other}`),
    ]
    for (const change of changes) {
      const offer = await describeLocally(sim, alice)
      await settled(sim, first.setRemoteDescription({ type: 'offer', sdp: offer }))
      const answer = await describeLocally(sim, first)
      assert.notEqual(change(answer), answer)
      const applied = alice.setRemoteDescription({ type: 'answer', sdp: change(answer) })
      await assert.rejects(settled(sim, applied), invalid)
      await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
      const theirs = await describeLocally(sim, first)
      const changed = change(theirs)
      await assert.rejects(settled(sim, alice.setRemoteDescription({ type: 'offer', sdp: changed })), invalid)
      assert.equal(alice.signalingState, 'stable')
      await settled(sim, first.setLocalDescription({ type: 'rollback' }))
    }
    await sim.runFor(1_000)
    assert.deepEqual(events, [])
    assert.equal(channel.readyState, 'open')
    closeAll(world)
  })

  it('is not what a peer asks for that answers in another role, as Firefox does', async () => {
    const world = await begin({ seed: 12 })
    const { sim, alice, first, channel } = world
    const events = watch(alice)
    for (const setup of ['active', 'passive']) {
      const offer = await describeLocally(sim, alice)
      await settled(sim, first.setRemoteDescription({ type: 'offer', sdp: offer }))
      const answer = (await describeLocally(sim, first)).replace(/a=setup:\w+/g, `a=setup:${setup}`)
      await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: answer }))
    }
    await sim.runFor(1_000)
    assert.deepEqual(events, [])
    assert.deepEqual([channel.readyState, alice.connectionState], ['open', 'connected'])
    closeAll(world)
  })

  it('is not what a peer asks for that restarts ICE, or writes its fingerprints in another way', async () => {
    const world = await begin({ seed: 11 })
    const { sim, alice, first, channel } = world
    const events = watch(alice)
    first.restartIce()
    await offerTo(sim, first, alice)
    await sim.runFor(2_000)
    await offerTo(sim, alice, first, sdp => sdp.replace(/(a=fingerprint:)sha-256 (\S+)/g, lowerCase))
    await offerTo(sim, alice, first, sdp =>
      sdp.replace(/(a=fingerprint:sha-256 \S+)/g, `$1\r\na=fingerprint:sha-1 ${'AB:'.repeat(19)}AB`),
    )
    await sim.runFor(2_000)
    assert.deepEqual(
      events.filter(event => event.startsWith('dtls')),
      [],
    )
    assert.equal(channel.readyState, 'open')
    closeAll(world)
  })

  it('is what a peer asks for by another tls-id, with the same certificate (RFC 8842 §3.1)', async () => {
    const world = createWorld({ seed: 12 })
    const { sim, alice, second, certificates } = world
    const named = (letter: string) => (sdp: string) =>
      sdp.replaceAll('a=setup:', `a=tls-id:${letter.repeat(20)}\r\na=setup:`)
    const channel = alice.createDataChannel('initial')
    await offerTo(sim, alice, second, named('a'))
    assert.ok(await isConnected(world, alice, second))
    const events = watch(alice)
    await offerTo(sim, alice, second, named('a'))
    alice.restartIce()
    await offerTo(sim, alice, second, named('a'))
    await sim.runFor(1_000)
    assert.deepEqual(
      events.filter(event => event.startsWith('dtls')),
      [],
    )
    const other = named('b')
    const offer = await describeLocally(sim, alice)
    await settled(sim, second.setRemoteDescription({ type: 'offer', sdp: named('a')(offer) }))
    const answer = await describeLocally(sim, second)
    const refused = alice.setRemoteDescription({ type: 'answer', sdp: other(answer) })
    await assert.rejects(settled(sim, refused), invalid)
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: named('a')(answer) }))
    alice.restartIce()
    await offerTo(sim, alice, second, other)
    assert.ok(await sim.run(() => channel.readyState === 'closed'))
    await assertReached(world, certificates[2])
    closeAll(world)
  })

  it('does not come about by a provisional answer that another one overtakes, but with the last', async () => {
    const world = createWorld({ seed: 13 })
    const { sim, alice, first, second, certificates } = world
    alice.createDataChannel('initial')
    const offer = await describeLocally(sim, alice)
    const answers: string[] = []
    for (const peer of [first, second]) {
      await settled(sim, peer.setRemoteDescription({ type: 'offer', sdp: offer }))
      answers.push(await describeLocally(sim, peer))
    }
    await settled(sim, alice.setRemoteDescription({ type: 'pranswer', sdp: String(answers[0]) }))
    assert.ok(await isConnected(world, alice, first))
    await settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: String(answers[1]) }))
    assert.equal(alice.signalingState, 'stable')
    await assertReached(world, certificates[2])
    closeAll(world)
  })
})

describe('An SCTP association whose section is rejected', () => {
  it('tells so at its transport, from a task (webrtc-pc §6.1.2)', async () => {
    const world = await begin({ seed: 15 })
    const { sim, alice, first } = world
    const { sctp } = alice
    assert.ok(sctp)
    let told = 0
    sctp.onstatechange = () => {
      told++
    }
    await offerTo(sim, alice, first, sdp => sdp.replace(/m=application \d+/, 'm=application 0'))
    await sim.runFor(1_000)
    assert.deepEqual([sctp.state, told, alice.sctp], ['closed', 1, null])
    closeAll(world)
  })
})

function lowerCase(_: string, name: string, value: string): string {
  return `${name}SHA-256 ${value.toLowerCase()}`
}

function isStun(data: Uint8Array): boolean {
  return (data[0] ?? 0) < 4
}

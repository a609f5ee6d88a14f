import assert from 'node:assert/strict'
import { EncodedTrackSink, type RTCPeerConnection, RtpTrackSink } from '../../../src/index.ts'
import { connectionOf } from '../../../src/pc/rtc-peer-connection.ts'
import { createMediaDevices } from '../../../src/testing/index.ts'
import { IdentityWorld, SigningProvider } from './world.ts'

const domain = 'idp.example'
const security = { name: 'SecurityError' }

describe('isolated media', () => {
  let world: IdentityWorld
  let provider: SigningProvider
  /** Packets of media that have left, by the address that they came from. */
  let media: Map<string, number>
  let captured = 0

  const open = (configuration: ConstructorParameters<typeof IdentityWorld>[1] = {}): void => {
    world = new IdentityWorld(3, configuration)
    provider = new SigningProvider(domain)
    world.register(domain, provider)
    media = new Map()
    world.sim.network.tap(({ from, data }) => {
      const first = data[0] ?? 0
      const isRtp = first >= 128 && first < 192 && !((data[1] ?? 0) >= 192 && (data[1] ?? 0) <= 223)
      if (isRtp) media.set(from.address, (media.get(from.address) ?? 0) + 1)
      return data
    })
  }
  afterEach(() => world.close())

  /** A stream on the clock of the simulation. */
  const capture = (constraints: object) => {
    const environment = world.sim.host(`devices${++captured}`, [`198.51.100.${captured}`])
    return createMediaDevices({ environment }).mediaDevices.getUserMedia(constraints)
  }

  const drops = (peer: RTCPeerConnection): number =>
    connectionOf(peer).transceivers.all.reduce(
      (sum, { receiver }) => sum + (receiver as unknown as { drops: { isolated: number } }).drops.isolated,
      0,
    )

  it('cannot be read from a track that is for a peer alone, nor from its clones', async () => {
    open()
    const stream = await capture({ audio: true, video: true, peerIdentity: 'bob@idp.example' })
    for (const track of stream.getTracks()) {
      for (const each of [track, track.clone()]) {
        assert.equal(each.isolated, true)
        assert.throws(() => new RtpTrackSink(each), security)
        assert.throws(() => new EncodedTrackSink(each), security)
      }
    }
    const [open1] = (await capture({ audio: true })).getTracks()
    assert.equal(open1?.isolated, false)
    for (const track of stream.getTracks()) track.stop()
  })

  it('goes to the peer that it is for, and is kept from the application there', async () => {
    open({ alice: { peerIdentity: 'bob@idp.example' } })
    world.bob.setIdentityProvider(domain, { usernameHint: 'bob@idp.example' })
    const stream = await capture({ audio: true, peerIdentity: 'bob@idp.example' })
    const [track] = stream.getTracks()
    assert.ok(track)
    world.alice.addTrack(track, stream)
    const log: string[] = []
    let packets = 0
    world.bob.ontrack = ({ track: received }) => {
      assert.equal(received.isolated, false)
      const sink = new RtpTrackSink(received)
      sink.onpacket = () => packets++
      received.onisolationchange = () => {
        log.push(`isolated: ${received.isolated}`)
        assert.throws(() => new RtpTrackSink(received), security)
      }
    }
    await world.negotiate()
    assert.ok(await world.sim.run(() => drops(world.bob) > 10))
    assert.deepEqual(log, ['isolated: true'])
    assert.equal(packets, 0)
    track.stop()
  })

  it('is not sent to a peer that is not known, or is another one', async () => {
    for (const [hint, target] of [
      [undefined, undefined],
      ['carol@idp.example', undefined],
      ['carol@idp.example', 'carol@idp.example'],
    ] as const) {
      open(target === undefined ? {} : { alice: { peerIdentity: target } })
      if (hint !== undefined) world.bob.setIdentityProvider(domain, { usernameHint: hint })
      const stream = await capture({ audio: true, video: true, peerIdentity: 'bob@idp.example' })
      for (const track of stream.getTracks()) world.alice.addTrack(track, stream)
      await world.negotiate()
      assert.ok(await world.sim.run(() => world.alice.connectionState === 'connected'))
      await world.sim.runFor(2_000)
      assert.equal(media.size, 0)
      for (const track of stream.getTracks()) track.stop()
      if (target === undefined) world.close()
    }
  })

  it('is not sent over a path that was agreed on without isolation', async () => {
    open({ alice: { peerIdentity: 'bob@idp.example' } })
    world.bob.setIdentityProvider(domain, { usernameHint: 'bob@idp.example' })
    world.alice.addTransceiver('audio', { direction: 'sendonly' })
    await world.negotiate()
    assert.ok(await world.sim.run(() => world.alice.connectionState === 'connected'))
    const stream = await capture({ audio: true, peerIdentity: 'bob@idp.example' })
    const [track] = stream.getTracks()
    const [sender] = world.alice.getSenders()
    assert.ok(track && sender)
    await world.result(sender.replaceTrack(track))
    await world.sim.runFor(2_000)
    assert.equal(media.size, 0)
    // What is for everybody still is.
    const [plain] = (await capture({ audio: true })).getTracks()
    assert.ok(plain)
    await world.result(sender.replaceTrack(plain))
    assert.ok(await world.sim.run(() => (media.get('192.0.2.1') ?? 0) > 10))
    track.stop()
    plain.stop()
  })

  it('is all that a peer receives, once one track of the connection is', async () => {
    open({ alice: { peerIdentity: 'bob@idp.example' } })
    world.bob.setIdentityProvider(domain, { usernameHint: 'bob@idp.example' })
    const confined = await capture({ audio: true, peerIdentity: 'bob@idp.example' })
    const plain = await capture({ video: true })
    const tracks = [...confined.getTracks(), ...plain.getTracks()]
    for (const track of tracks) world.alice.addTrack(track)
    await world.negotiate()
    assert.ok(await world.sim.run(() => drops(world.bob) > 10))
    assert.deepEqual(
      world.bob.getReceivers().map(({ track }) => track.isolated),
      [true, true],
    )
    for (const track of tracks) track.stop()
  })

  it('does not go through a transform of the application', async () => {
    open({ alice: { peerIdentity: 'bob@idp.example' } })
    world.bob.setIdentityProvider(domain, { usernameHint: 'bob@idp.example' })
    const stream = await capture({ audio: true, peerIdentity: 'bob@idp.example' })
    const [track] = stream.getTracks()
    assert.ok(track)
    const sender = world.alice.addTrack(track)
    const { readable } = sender.createEncodedStreams()
    let frames = 0
    void (async () => {
      for await (const _ of readable) frames++
    })()
    await world.negotiate()
    assert.ok(await world.sim.run(() => drops(world.bob) > 10))
    assert.equal(frames, 0)
    track.stop()
  })
})

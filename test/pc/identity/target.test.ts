import assert from 'node:assert/strict'
import { encodeContents } from '../../../src/pc/identity/contents.ts'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { fixedCertificates } from '../../sim/peers.ts'
import { encoded, IdentityWorld, identityOf, type Signalled, SigningProvider, withIdentity } from './world.ts'

const domain = 'idp.example'
const alice = 'alice@idp.example'

describe('a target peer identity', () => {
  let world: IdentityWorld
  let provider: SigningProvider
  /** Datagrams that anybody has sent. */
  let datagrams: number

  const open = (configuration: ConstructorParameters<typeof IdentityWorld>[1] = {}): void => {
    world = new IdentityWorld(2, configuration)
    provider = new SigningProvider(domain)
    world.register(domain, provider)
    world.alice.setIdentityProvider(domain)
    datagrams = 0
    world.sim.network.tap(({ data }) => {
      datagrams++
      return data
    })
  }
  afterEach(() => world.close())

  /** Whether the channel of alice opens, when bob has answered as well as he can. */
  const refuses = async (offer: Signalled, by: RTCPeerConnection = world.bob): Promise<DOMException> => {
    const error = await world.error(by.setRemoteDescription(offer))
    assert.equal(error.name, 'OperationError')
    assert.equal(by.signalingState, 'stable')
    assert.equal(by.remoteDescription, null)
    await world.sim.runFor(30_000)
    assert.equal(datagrams, 0)
    assert.equal(by.sctp, null)
    return error
  }

  it('lets the peer in that it names', async () => {
    open({ bob: { peerIdentity: alice } })
    const channel = world.alice.createDataChannel('chat')
    await world.negotiate()
    assert.equal((await world.result(world.bob.peerIdentity)).name, alice)
    assert.ok(await world.sim.run(() => channel.readyState === 'open'))
    assert.equal(world.bob.getConfiguration().peerIdentity, alice)
  })

  it('lets nobody else in: no datagram leaves, and the description is not applied', async () => {
    open({ bob: { peerIdentity: 'bob@idp.example' } })
    world.alice.createDataChannel('chat')
    const { peerIdentity } = world.bob
    const error = await refuses(await world.offer())
    assert.equal(await world.error(peerIdentity), error)
    assert.equal(world.bob.peerIdentity, peerIdentity)
  })

  it('lets nobody in who does not say who it is', async () => {
    open({ bob: { peerIdentity: alice } })
    world.alice.createDataChannel('chat')
    const offer = await world.offer()
    await refuses(withIdentity(offer, undefined))
    // What is refused as malformed leaves room for what is not.
    await world.result(world.bob.setRemoteDescription(offer))
  })

  it('refuses an answer from somebody else, so that no data leaves', async () => {
    open({ alice: { peerIdentity: 'carol@idp.example' } })
    const channel = world.alice.createDataChannel('chat')
    world.bob.setIdentityProvider(domain, { usernameHint: 'bob@idp.example' })
    const answer = await world.answer(await world.offer())
    // RFC 7983: DTLS begins with 20 to 63, media with 128 to 191.
    let secured = 0
    world.sim.network.tap(({ from, data }) => {
      if (from.address === '192.0.2.1' && !((data[0] ?? 0) < 4)) secured++
      return data
    })
    const error = await world.error(world.alice.setRemoteDescription(answer))
    assert.equal(error.name, 'OperationError')
    assert.equal(world.alice.signalingState, 'have-local-offer')
    await world.sim.runFor(30_000)
    assert.equal(channel.readyState, 'connecting')
    assert.equal(world.alice.sctp?.transport.state, 'new')
    assert.equal(secured, 0)
  })

  it('is kept in an answer: the connection is established', async () => {
    open({ alice: { peerIdentity: 'bob@idp.example' } })
    const channel = world.alice.createDataChannel('chat')
    world.bob.setIdentityProvider(domain, { usernameHint: 'bob@idp.example' })
    await world.negotiate()
    assert.ok(await world.sim.run(() => channel.readyState === 'open'))
  })

  it('refuses an assertion that is replayed with another certificate', async () => {
    open({ bob: { peerIdentity: alice } })
    world.alice.createDataChannel('chat')
    const value = /^a=identity:(\S+)/m.exec((await world.offer()).sdp)?.[1]
    const mallory = world.peer('mallory', { certificates: [fixedCertificates()[1]] })
    mallory.createDataChannel('chat')
    const forged = withIdentity(await world.offer(mallory), value)
    assert.match((await refuses(forged)).message, /another certificate/)
  })

  it('refuses a description with one fingerprint more than the assertion covers', async () => {
    open({ bob: { peerIdentity: alice } })
    world.alice.createDataChannel('chat')
    const offer = await world.offer()
    const extra = `a=fingerprint:sha-256 ${Array(32).fill('00').join(':')}\r\n`
    await refuses({ ...offer, sdp: offer.sdp.replace('t=0 0\r\n', `t=0 0\r\n${extra}`) })
    await refuses({ ...offer, sdp: `${offer.sdp}${extra}` })
  })

  it('refuses a provider that speaks for a domain of somebody else, unless it is trusted with it', async () => {
    open({ bob: { peerIdentity: 'alice@victim.example' } })
    world.register('evil.example', new SigningProvider('evil.example'))
    world.alice.setIdentityProvider('evil.example', { usernameHint: 'alice@victim.example' })
    world.alice.createDataChannel('chat')
    assert.match((await refuses(await world.offer())).message, /may speak for/)
    world.register('third.example', new SigningProvider('third.example'), 'default', {
      thirdPartyDomains: ['Victim.example'],
    })
    world.alice.setIdentityProvider('third.example', { usernameHint: 'alice@victim.example' })
    await world.result(world.bob.setRemoteDescription((await world.result(world.alice.createOffer())) as Signalled))
    // The promise was rejected by the first one, and stays so: webrtc-identity §7.
    await world.error(world.bob.peerIdentity)
  })

  it('asks the provider that the assertion names, whoever generated it', async () => {
    open({ bob: { peerIdentity: alice } })
    world.register('proxy.example', {
      generateAssertion: (...args) => provider.generateAssertion(...args),
      validateAssertion: () => Promise.reject(new Error('not asked')),
    })
    world.alice.setIdentityProvider('proxy.example', { usernameHint: alice })
    const channel = world.alice.createDataChannel('chat')
    await world.negotiate()
    assert.ok(await world.sim.run(() => channel.readyState === 'open'))
    assert.equal((await world.bob.peerIdentity).idp, domain)
  })

  const failures: readonly [string, () => unknown, string | undefined][] = [
    ['throws', () => assert.fail('no'), 'idp-execution-failure'],
    ['rejects', () => Promise.reject('no'), 'idp-execution-failure'],
    ['finds the token invalid', () => Promise.reject({ errorDetail: 'idp-token-invalid' }), 'idp-token-invalid'],
    ['never answers', () => new Promise(() => undefined), 'idp-timeout'],
    ['answers with rubbish', () => 7, undefined],
    ['answers without contents', () => ({ identity: alice }), undefined],
    ['answers with contents that are none', () => ({ identity: alice, contents: 'x' }), undefined],
    ['answers with contents of another kind', () => ({ identity: alice, contents: '{"fingerprint":[7]}' }), undefined],
    ['covers nothing', () => ({ identity: alice, contents: '{"fingerprint":[]}' }), undefined],
  ]
  for (const [what, fail, detail] of failures) {
    it(`keeps everybody out where the provider ${what}`, async () => {
      open({ bob: { peerIdentity: alice } })
      world.register('bad.example', {
        generateAssertion: async () => ({ idp: { domain: 'bad.example' }, assertion: 'x' }),
        validateAssertion: fail as () => Promise<never>,
      })
      world.alice.setIdentityProvider('bad.example')
      world.alice.createDataChannel('chat')
      const error = await refuses(await world.offer())
      assert.equal((error as { errorDetail?: string }).errorDetail, detail)
    })
  }

  for (const identity of [
    'alice',
    'alice@',
    '@idp.example',
    'a@b@idp.example',
    'alice%2f@idp.example',
    'alice@idp.example.',
    'alice@sub.idp.example',
    'Alice@idp.example',
  ]) {
    it(`does not take ${JSON.stringify(identity)} for the identity`, async () => {
      open({ bob: { peerIdentity: alice } })
      world.alice.setIdentityProvider(domain, { usernameHint: identity })
      world.alice.createDataChannel('chat')
      await refuses(await world.offer())
    })
  }

  it('compares domains as names are compared, and users exactly', async () => {
    open({ bob: { peerIdentity: 'user%40home@IDP.Example' } })
    world.alice.setIdentityProvider(domain, { usernameHint: 'user%40home@idp.example' })
    world.alice.createDataChannel('chat')
    await world.negotiate()
    assert.equal((await world.bob.peerIdentity).name, 'user%40home@idp.example')
  })

  it('is nobody where it is not an identity', async () => {
    open({ bob: { peerIdentity: '' } })
    world.alice.createDataChannel('chat')
    await refuses(await world.offer())
  })

  it('cannot be changed: not by setConfiguration, not by another peer', async () => {
    open({ bob: { peerIdentity: alice } })
    const modification = { name: 'InvalidModificationError' }
    assert.throws(() => world.bob.setConfiguration({ peerIdentity: 'bob@idp.example' }), modification)
    assert.throws(() => world.alice.setConfiguration({ peerIdentity: 'bob@idp.example' }), modification)
    world.bob.setConfiguration({ ...world.bob.getConfiguration(), peerIdentity: alice })
    const { certificates = [] } = world.bob.getConfiguration()
    world.bob.setConfiguration({ certificates })
    assert.equal(world.bob.getConfiguration().peerIdentity, undefined)
    world.alice.setIdentityProvider(domain, { usernameHint: 'mallory@idp.example' })
    world.alice.createDataChannel('chat')
    await refuses(await world.offer())
  })

  it('is whoever was authenticated first: a renegotiation by another one is refused', async () => {
    open()
    const channel = world.alice.createDataChannel('chat')
    await world.negotiate()
    const first = await world.result(world.bob.peerIdentity)
    assert.ok(await world.sim.run(() => channel.readyState === 'open'))
    world.alice.setIdentityProvider(domain, { usernameHint: 'mallory@idp.example' })
    const offer = await world.offer()
    assert.equal((await world.error(world.bob.setRemoteDescription(offer))).name, 'OperationError')
    assert.equal(world.bob.signalingState, 'stable')
    assert.equal(await world.bob.peerIdentity, first)
    assert.throws(() => world.bob.setConfiguration({ peerIdentity: 'mallory@idp.example' }), {
      name: 'InvalidModificationError',
    })
    world.bob.setConfiguration({ ...world.bob.getConfiguration(), peerIdentity: alice })
    assert.equal(channel.readyState, 'open')
  })

  it('goes on in a renegotiation with the same fingerprints, with or without the assertion', async () => {
    open({ bob: { peerIdentity: alice } })
    world.alice.createDataChannel('chat')
    await world.negotiate()
    await world.negotiate()
    const offer = await world.offer()
    await world.result(world.bob.setRemoteDescription(withIdentity(offer, undefined)))
    assert.equal(provider.validated.length, 2)
  })

  it('ends with the fingerprints that it was established with', async () => {
    open()
    world.alice.createDataChannel('chat')
    await world.negotiate()
    await world.result(world.bob.peerIdentity)
    const mallory = world.peer('mallory', { certificates: [fixedCertificates()[1]] })
    mallory.createDataChannel('chat')
    const other = await world.offer(mallory)
    const fingerprint = /^a=fingerprint:.*$/m.exec(other.sdp)?.[0] ?? assert.fail()
    const offer = withIdentity(await world.offer(), undefined)
    const changed = { ...offer, sdp: offer.sdp.replace(/^a=fingerprint:.*$/gm, fingerprint) }
    assert.match((await world.error(world.bob.setRemoteDescription(changed))).message, /who it is/)
  })

  it('stays when the peer takes another certificate, and has that asserted', async () => {
    open({ bob: { peerIdentity: alice } })
    const channel = world.alice.createDataChannel('chat')
    await world.negotiate()
    assert.ok(await world.sim.run(() => channel.readyState === 'open'))
    const value = Array(32).fill('5A').join(':')
    // RFC 8842 §4: another association goes with another ICE generation.
    world.alice.restartIce()
    const offer = await world.offer()
    const sdp = offer.sdp.replace(/^a=fingerprint:.*$/gm, `a=fingerprint:sha-256 ${value}`)
    const contents = encodeContents([{ algorithm: 'sha-256', value }])
    const asserted = await provider.generateAssertion(contents, '', { usernameHint: alice })
    await world.result(world.bob.setRemoteDescription(withIdentity({ ...offer, sdp }, encoded(asserted))))
    assert.equal((await world.bob.peerIdentity).name, alice)
    const mallory = await provider.generateAssertion(contents, '', { usernameHint: 'mallory@idp.example' })
    const forged = withIdentity({ ...offer, sdp }, encoded(mallory))
    assert.match((await world.error(world.bob.setRemoteDescription(forged))).message, /not the one/)
  })

  it('is not given to a certificate in use that the assertion does not cover', async () => {
    open()
    // Somebody in between has connected without an identity, and now shows the description of alice.
    const mallory = world.peer('mallory', { certificates: [fixedCertificates()[1]] })
    world.trickle(mallory, world.bob)
    const channel = mallory.createDataChannel('chat')
    await world.negotiate(mallory)
    assert.ok(await world.sim.run(() => channel.readyState === 'open'))
    world.alice.createDataChannel('chat')
    const theirs = await world.offer()
    const [identity, fingerprint] = [/^a=identity:(\S+)/m, /^a=fingerprint:.*$/m].map(line => line.exec(theirs.sdp))
    mallory.restartIce()
    const ours = await world.offer(mallory)
    const sdp = ours.sdp.replace(/^a=fingerprint:.*$/gm, fingerprint?.[0] ?? '')
    const pending = world.bob.peerIdentity
    await world.result(world.bob.setRemoteDescription(withIdentity({ ...ours, sdp }, identity?.[1])))
    assert.match((await world.error(pending)).message, /in use/)
  })

  it('is waited for by the next description, if it is being established', async () => {
    open()
    let release: (() => void) | undefined
    world.register('slow.example', {
      generateAssertion: (...args) => provider.generateAssertion(...args),
      validateAssertion: () => Promise.reject(new Error('not asked')),
    })
    const { validateAssertion } = provider
    provider.validateAssertion = async (...args) => {
      if (release === undefined) {
        await new Promise<void>(resolve => {
          release = resolve
        })
      }
      return validateAssertion.apply(provider, args)
    }
    world.alice.createDataChannel('chat')
    const offer = await world.offer()
    // Without a target it does not wait.
    await world.result(world.bob.setRemoteDescription(offer))
    assert.ok(await world.isPending(world.bob.peerIdentity))
    await world.result(world.bob.setLocalDescription())
    world.alice.setIdentityProvider(domain, { usernameHint: 'mallory@idp.example' })
    const second = (await world.result(world.alice.createOffer())) as Signalled
    const applied = world.bob.setRemoteDescription(second)
    assert.ok(await world.isPending(applied))
    release?.()
    assert.equal((await world.error(applied)).name, 'OperationError')
    assert.equal((await world.result(world.bob.peerIdentity)).name, alice)
  })

  it('stays silent when the connection closes while the provider is asked', async () => {
    open({ bob: { peerIdentity: alice } })
    let release: ((value: never) => void) | undefined
    world.register('slow.example', {
      generateAssertion: async () => ({ idp: { domain: 'slow.example' }, assertion: '' }),
      validateAssertion: () =>
        new Promise(resolve => {
          release = resolve
        }),
    })
    world.alice.setIdentityProvider('slow.example')
    world.alice.createDataChannel('chat')
    const applied = world.bob.setRemoteDescription(await world.offer())
    assert.ok(await world.isPending(Promise.race([applied, world.bob.peerIdentity])))
    world.bob.close()
    release?.({ identity: alice, contents: '' } as never)
    assert.ok(await world.isPending(Promise.race([applied, world.bob.peerIdentity]), 60_000))
  })

  it('refuses a description that is none, or comes at a wrong time, for what it is', async () => {
    open({ bob: { peerIdentity: alice } })
    assert.equal(
      (await world.error(world.bob.setRemoteDescription({ type: 'offer', sdp: 'x' }))).errorDetail,
      'sdp-syntax-error',
    )
    const wrong = await world.error(world.bob.setRemoteDescription({ type: 'answer', sdp: '' }))
    assert.equal(wrong.name, 'InvalidStateError')
  })

  it('delivers no packet of media before it is met', async () => {
    open({ bob: { peerIdentity: 'bob@idp.example' } })
    world.alice.addTransceiver('audio')
    world.alice.addTransceiver('video')
    let tracks = 0
    world.bob.ontrack = () => tracks++
    await refuses(await world.offer())
    assert.equal(tracks, 0)
    assert.deepEqual(world.bob.getTransceivers(), [])
    assert.ok(identityOf(await world.offer()))
    assert.ok(encoded({}))
  })
})

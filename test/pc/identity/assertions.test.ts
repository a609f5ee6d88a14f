import assert from 'node:assert/strict'
import { RTCError, RTCIdentityAssertion } from '../../../src/index.ts'
import { providerTimeoutMs } from '../../../src/pc/identity/provider-call.ts'
import { registerIdentityProvider } from '../../../src/pc/identity/provider-registry.ts'
import { encoded, IdentityWorld, identityOf, SigningProvider, withIdentity } from './world.ts'

const domain = 'idp.example'

describe('identity assertions of two peers', () => {
  let world: IdentityWorld
  let provider: SigningProvider

  beforeEach(() => {
    world = new IdentityWorld(1)
    provider = new SigningProvider(domain)
    world.register(domain, provider)
  })
  afterEach(() => world.close())

  it('goes into offer and answer, and tells each end who the other is', async () => {
    world.alice.setIdentityProvider(domain)
    world.bob.setIdentityProvider(domain, { usernameHint: 'bob@idp.example' })
    const channel = world.alice.createDataChannel('chat')
    const offer = await world.offer()
    assert.deepEqual(identityOf(offer)?.idp, { domain, protocol: 'default' })
    const answer = await world.answer(offer)
    assert.ok(identityOf(answer))
    await world.result(world.alice.setRemoteDescription(answer))
    const [atBob, atAlice] = await Promise.all([world.bob, world.alice].map(peer => world.result(peer.peerIdentity)))
    assert.ok(atBob instanceof RTCIdentityAssertion)
    assert.deepEqual([atBob.idp, atBob.name], [domain, 'alice@idp.example'])
    assert.deepEqual([atAlice?.idp, atAlice?.name], [domain, 'bob@idp.example'])
    assert.ok(await world.sim.run(() => channel.readyState === 'open'))
  })

  it('is bound to the fingerprints of the description, each once, with what the application has set', async () => {
    world.alice.setIdentityProvider(domain, { usernameHint: 'alice@idp.example', peerIdentity: 'bob@idp.example' })
    world.alice.createDataChannel('chat')
    const { sdp } = await world.offer()
    const [call] = provider.generated
    const fingerprints = [...sdp.matchAll(/^a=fingerprint:(\S+) (\S+)/gm)].map(([, algorithm, digest]) => ({
      algorithm,
      digest,
    }))
    assert.deepEqual(JSON.parse(call?.contents ?? ''), { fingerprint: fingerprints.slice(0, 1) })
    assert.equal(call?.origin, 'null')
    assert.deepEqual(call?.options, {
      protocol: 'default',
      usernameHint: 'alice@idp.example',
      peerIdentity: 'bob@idp.example',
    })
  })

  it('tells the provider the target peer identity, and the origin that the program gives', async () => {
    const peer = world.peer('carol', { peerIdentity: 'bob@idp.example' }, { origin: 'https://app.example' })
    peer.setIdentityProvider(domain)
    await world.result(peer.getIdentityAssertion())
    assert.deepEqual(provider.generated[0]?.options, { protocol: 'default', peerIdentity: 'bob@idp.example' })
    assert.equal(provider.generated[0]?.origin, 'https://app.example')
  })

  it('tells the provider the origin that the program has given itself, as code for browsers expects', async () => {
    Object.defineProperty(globalThis, 'location', { value: { origin: 'https://own.example' }, configurable: true })
    try {
      const peer = world.peer('carol')
      peer.setIdentityProvider(domain)
      await world.result(peer.getIdentityAssertion())
      assert.equal(provider.generated[0]?.origin, 'https://own.example')
    } finally {
      Reflect.deleteProperty(globalThis, 'location')
    }
  })

  it('is requested once for all descriptions, until another provider is set', async () => {
    world.alice.setIdentityProvider(domain)
    const assertion = await world.result(world.alice.getIdentityAssertion())
    world.alice.createDataChannel('chat')
    const offer = await world.result(world.alice.createOffer())
    assert.match(offer.sdp ?? '', new RegExp(`^a=identity:${assertion.replace(/\+/g, '\\+')}\r$`, 'm'))
    await world.result(world.alice.createOffer())
    world.alice.setIdentityProvider(domain)
    await world.result(world.alice.createOffer())
    assert.equal(provider.generated.length, 1)
    world.alice.setIdentityProvider(domain, { usernameHint: 'other@idp.example' })
    await world.result(world.alice.createOffer())
    assert.equal(provider.generated.length, 2)
  })

  it('is of the provider that is set last, even if another was asked meanwhile', async () => {
    world.register('slow.example', {
      generateAssertion: () => new Promise(() => undefined),
      validateAssertion: () => new Promise(() => undefined),
    })
    world.register('other.example', new SigningProvider('other.example'))
    let release: (() => void) | undefined
    world.register('held.example', {
      generateAssertion: () =>
        new Promise(resolve => {
          release = () => resolve({ idp: { domain: 'held.example' }, assertion: '' })
        }),
      validateAssertion: () => new Promise(() => undefined),
    })
    world.alice.setIdentityProvider('held.example')
    const offer = world.alice.createOffer()
    assert.ok(await world.isPending(offer))
    world.alice.setIdentityProvider('other.example')
    release?.()
    assert.deepEqual(identityOf({ sdp: (await world.result(offer)).sdp ?? '' })?.idp, {
      domain: 'other.example',
      protocol: 'default',
    })
  })

  it('leaves descriptions without identity as they are', async () => {
    world.alice.createDataChannel('chat')
    assert.doesNotMatch((await world.offer()).sdp, /a=identity/)
    const error = await world.error(world.bob.getIdentityAssertion())
    assert.equal(error.name, 'InvalidStateError')
    assert.ok(await world.isPending(world.bob.peerIdentity))
  })

  it('refuses a protocol that would lead elsewhere, and a closed connection', async () => {
    for (const protocol of ['a/b', 'a\\b', '/']) {
      assert.throws(() => world.alice.setIdentityProvider(domain, { protocol }), { name: 'SyntaxError' })
    }
    world.alice.close()
    assert.throws(() => world.alice.setIdentityProvider(domain), { name: 'InvalidStateError' })
    assert.throws(() => world.alice.setIdentityProvider(domain, { protocol: '/' }), { name: 'InvalidStateError' })
    assert.equal((await world.error(world.alice.getIdentityAssertion())).name, 'InvalidStateError')
  })

  const failures: readonly [string, () => Promise<never>, string | undefined][] = [
    ['throws', () => assert.fail('no'), 'idp-execution-failure'],
    ['rejects', () => Promise.reject(new Error('no')), 'idp-execution-failure'],
    ['rejects with nothing', () => Promise.reject(), 'idp-execution-failure'],
    [
      'has a token that is too old',
      () => Promise.reject(new RTCError({ errorDetail: 'idp-token-expired' })),
      'idp-token-expired',
    ],
    ['has no valid token', () => Promise.reject({ errorDetail: 'idp-token-invalid' }), 'idp-token-invalid'],
    ['claims what is not for it to say', () => Promise.reject({ errorDetail: 'idp-timeout' }), 'idp-execution-failure'],
    ['never answers', () => new Promise(() => undefined), 'idp-timeout'],
    ['gives nothing', () => Promise.resolve() as Promise<never>, undefined],
    ['gives rubbish', () => Promise.resolve({ idp: 'x', assertion: '' }) as unknown as Promise<never>, undefined],
    [
      'names a provider that is none',
      () => Promise.resolve({ idp: { domain: 'a/b' }, assertion: '' }) as unknown as Promise<never>,
      undefined,
    ],
    [
      'gives more than there is room for',
      () => Promise.resolve({ idp: { domain }, assertion: 'x'.repeat(65_000) }) as unknown as Promise<never>,
      undefined,
    ],
  ]
  for (const [what, fail, errorDetail] of failures) {
    it(`fails in time, and may be tried again, where a provider ${what}`, async () => {
      world.register('bad.example', { generateAssertion: fail, validateAssertion: fail })
      world.alice.setIdentityProvider('bad.example')
      const before = world.sim.now
      const error = await world.error(world.alice.getIdentityAssertion())
      // webrtc-identity §6: what is no valid answer is no RTCError
      assert.equal(error.constructor, errorDetail === undefined ? DOMException : RTCError)
      assert.deepEqual([error.name, error.errorDetail], ['OperationError', errorDetail])
      const ofOffer = await world.error(world.alice.createOffer())
      assert.deepEqual([ofOffer.constructor, ofOffer.name], [DOMException, 'OperationError'])
      assert.equal((ofOffer.cause as typeof error).errorDetail, errorDetail)
      assert.ok(world.sim.now - before <= 2 * providerTimeoutMs)
      world.alice.setIdentityProvider(domain)
      await world.result(world.alice.createOffer())
    })
  }

  it('says where to log in, and what else the provider has to say', async () => {
    let loggedIn = false
    const login = Object.assign(new RTCError({ errorDetail: 'idp-need-login' }), {
      idpLoginUrl: 'https://idp.example/login',
      idpErrorInfo: '{"why":"session"}',
    })
    world.register('login.example', {
      generateAssertion: async () => {
        if (!loggedIn) throw login
        return { idp: { domain: 'login.example' }, assertion: 'x' }
      },
      validateAssertion: () => new Promise(() => undefined),
    })
    assert.deepEqual([world.alice.idpLoginUrl, world.alice.idpErrorInfo], [null, null])
    world.alice.setIdentityProvider('login.example')
    const failure = await world.error(world.alice.getIdentityAssertion())
    assert.equal(failure.errorDetail, 'idp-need-login')
    assert.equal((failure as { idpLoginUrl?: unknown }).idpLoginUrl, 'https://idp.example/login')
    const { idpLoginUrl, idpErrorInfo } = world.alice
    assert.deepEqual([idpLoginUrl, idpErrorInfo], ['https://idp.example/login', '{"why":"session"}'])
    loggedIn = true
    await world.result(world.alice.getIdentityAssertion())
    assert.equal(world.alice.idpLoginUrl, null)
  })

  for (const given of [
    'nobody.example',
    'idp.example/..',
    'idp.example/../x',
    'idp..example',
    '',
    'idp.example:0',
    '[::1]',
    'a b',
  ]) {
    it(`cannot load a provider from ${JSON.stringify(given)}`, async () => {
      world.alice.setIdentityProvider(given)
      assert.equal((await world.error(world.alice.getIdentityAssertion())).errorDetail, 'idp-load-failure')
    })
  }

  for (const protocol of [
    '..',
    '.',
    '%2e%2E',
    '..?x',
    'a%2Fb',
    '..%5cx',
    ' .. ',
    'x ',
    '\t',
    '\ud800',
    'x'.repeat(257),
  ]) {
    it(`has no protocol ${JSON.stringify(protocol.slice(0, 20))}`, async () => {
      world.alice.setIdentityProvider(domain, { protocol })
      assert.equal((await world.error(world.alice.getIdentityAssertion())).errorDetail, 'idp-load-failure')
      assert.throws(() => registerIdentityProvider(domain, protocol, provider), { name: 'SyntaxError' })
    })
  }

  it('finds a provider by its name in whatever form, and with its port', async () => {
    world.register('bücher.example:8443', new SigningProvider('bücher.example:8443', 'x', 'eve'), 'x')
    for (const name of ['BÜCHER.example:8443', 'xn--bcher-kva.example:8443', 'user@bücher.example:8443']) {
      world.alice.setIdentityProvider(name, { protocol: 'x' })
      await world.result(world.alice.getIdentityAssertion())
    }
    for (const name of ['bücher.example', 'bücher.example:443']) {
      world.alice.setIdentityProvider(name, { protocol: 'x' })
      assert.equal((await world.error(world.alice.getIdentityAssertion())).errorDetail, 'idp-load-failure')
    }
  })

  it('registers a provider once, and ends it', async () => {
    assert.throws(() => registerIdentityProvider(domain, 'default', provider), { name: 'InvalidStateError' })
    assert.throws(() => registerIdentityProvider('a b', 'default', provider), { name: 'SyntaxError' })
    assert.throws(() => registerIdentityProvider('a.example', 'a/b', provider), { name: 'SyntaxError' })
    assert.throws(() => registerIdentityProvider('a.example', 'x', {} as SigningProvider), TypeError)
    const end = registerIdentityProvider('a.example', 'x', provider)
    end()
    registerIdentityProvider('a.example', 'x', provider)()
    end()
  })

  it('stays silent when the connection closes while the provider is asked', async () => {
    let release: (() => void) | undefined
    world.register('slow.example', {
      generateAssertion: () =>
        new Promise(resolve => {
          release = () => resolve({ idp: { domain: 'slow.example' }, assertion: '' })
        }),
      validateAssertion: () => new Promise(() => undefined),
    })
    world.alice.setIdentityProvider('slow.example')
    const calls = [world.alice.createOffer(), world.alice.getIdentityAssertion()]
    assert.ok(await world.isPending(Promise.race(calls)))
    world.alice.close()
    release?.()
    assert.ok(await world.isPending(Promise.race(calls), 60_000))
  })

  it('reports an assertion that cannot be validated, and gives the next one its chance', async () => {
    world.alice.createDataChannel('chat')
    world.alice.setIdentityProvider(domain)
    const offer = await world.offer()
    const first = world.bob.peerIdentity
    await world.result(
      world.bob.setRemoteDescription(withIdentity(offer, encoded({ idp: { domain }, assertion: '{}' }))),
    )
    const error = await world.error(first)
    assert.equal(error.name, 'OperationError')
    assert.notEqual(world.bob.peerIdentity, first)
    await world.result(world.bob.setRemoteDescription({ type: 'rollback' }))
    await world.result(world.bob.setRemoteDescription(offer))
    assert.equal((await world.result(world.bob.peerIdentity)).name, 'alice@idp.example')
  })
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { maxProviderChanges } from '../../../src/pc/identity/connection-identity.ts'
import type { RTCIdentityProvider, RTCIdentityValidationResult } from '../../../src/pc/identity/identity-provider.ts'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import type { RTCSessionDescriptionInit } from '../../../src/pc/rtc-session-description.ts'
import { fixedCertificates } from '../../sim/peers.ts'
import { encoded, IdentityWorld, type Signalled, SigningProvider, withIdentity } from './world.ts'

const domain = 'idp.example'
const alice = 'alice@idp.example'

/** What somebody in between may try who can write any description, and get assertions about herself. */
describe('somebody who is not the target peer identity', () => {
  let world: IdentityWorld
  let provider: SigningProvider
  let mallory: RTCPeerConnection

  beforeEach(() => {
    world = new IdentityWorld(5, { bob: { peerIdentity: alice } })
    provider = new SigningProvider(domain)
    world.register(domain, provider)
    world.alice.setIdentityProvider(domain)
    mallory = world.peer('mallory', { certificates: [fixedCertificates()[1]] })
    mallory.setIdentityProvider(domain, { usernameHint: 'mallory@idp.example' })
  })
  afterEach(() => world.close())

  const refused = async (description: RTCSessionDescriptionInit, by = world.bob): Promise<string> => {
    const { signalingState, remoteDescription } = by
    const error = await world.error(by.setRemoteDescription(description))
    assert.equal(error.name, 'OperationError', error.message)
    assert.deepEqual([by.signalingState, by.remoteDescription], [signalingState, remoteDescription])
    return error.message
  }
  const fingerprintOf = ({ sdp }: Signalled): string => /^a=fingerprint:.*$/m.exec(sdp)?.[0] ?? assert.fail()

  it('does not get in by an answer behind a provisional answer of the right one', async () => {
    const channel = world.bob.createDataChannel('chat')
    const offer = await world.offer(world.bob)
    const answer = await world.answer(offer, world.alice)
    await world.result(world.bob.setRemoteDescription({ type: 'pranswer', sdp: answer.sdp }))
    const theirs = await world.answer(offer, mallory)
    assert.match(await refused(theirs), /not the one/)
    assert.match(await refused(withIdentity(theirs, undefined)), /who it is/)
    const value = /^a=identity:(\S+)/m.exec(answer.sdp)?.[1]
    assert.match(await refused(withIdentity(theirs, value)), /another certificate/)
    assert.match(await refused({ type: 'pranswer', sdp: withIdentity(theirs, value).sdp }), /another certificate/)
    await world.result(world.bob.setRemoteDescription(answer))
    assert.ok(await world.sim.run(() => channel.readyState === 'open'))
  })

  it('does not get in by one of several transports', async () => {
    world.alice.addTransceiver('audio')
    world.alice.createDataChannel('chat')
    mallory.createDataChannel('chat')
    const other = fingerprintOf(await world.offer(mallory))
    const offer = await world.offer()
    const apart = { ...offer, sdp: offer.sdp.replace(/^a=group:BUNDLE.*\r\n/m, '') }
    const at = apart.sdp.lastIndexOf('m=')
    const last = apart.sdp.slice(at).replace(/^a=fingerprint:.*$/m, other)
    assert.match(await refused({ ...apart, sdp: apart.sdp.slice(0, at) + last }), /another certificate/)
    // Nor by one that has none.
    const bare = apart.sdp.slice(at).replace(/^a=fingerprint:.*\r\n/m, '')
    await world.error(world.bob.setRemoteDescription({ ...apart, sdp: apart.sdp.slice(0, at) + bare }))
    assert.equal(world.bob.remoteDescription, null)
    await world.result(world.bob.setRemoteDescription(apart))
  })

  it('does not get in by a fingerprint that only looks covered', async () => {
    world.alice.createDataChannel('chat')
    const offer = await world.offer()
    const [, digest = ''] = /^a=fingerprint:sha-256 (.*)\r$/m.exec(offer.sdp) ?? assert.fail()
    const sha512 = createHash('sha512').digest('hex').match(/../g)?.join(':')
    const lookalikes = [
      `sha-1 ${digest.slice(0, 59)}`,
      `sha-512 ${digest}:${digest}`,
      `sha-256 ${digest}\r\na=fingerprint:sha-512 ${sha512}`,
    ]
    for (const lines of lookalikes) {
      const sdp = offer.sdp.replace(/^a=fingerprint:.*$/gm, `a=fingerprint:${lines}`)
      assert.match(await refused({ ...offer, sdp }), /another certificate/)
    }
    // RFC 8122 §5: in either case, it is the same one.
    const same = offer.sdp.replace(/^a=fingerprint:.*$/gm, `a=fingerprint:SHA-256 ${digest.toLowerCase()}`)
    await world.result(world.bob.setRemoteDescription({ ...offer, sdp: same }))
  })

  it('does not get in by an assertion elsewhere than the text has it', async () => {
    world.alice.createDataChannel('chat')
    mallory.createDataChannel('chat')
    const [ours, theirs] = [await world.offer(), await world.offer(mallory)]
    const line = /^a=identity:.*\r\n/m.exec(ours.sdp)?.[0] ?? assert.fail()
    // In a section, behind another one, and in front of one that is not there.
    assert.match(
      await refused({ ...withIdentity(theirs, undefined), sdp: `${withIdentity(theirs, undefined).sdp}${line}` }),
      /who/,
    )
    assert.match(
      await refused({ ...theirs, sdp: theirs.sdp.replace(/^a=identity:.*\r\n/m, each => each + line) }),
      /not the one/,
    )
    assert.match(await refused(withIdentity(ours, '')), /malformed/)
    assert.match(await refused(withIdentity(ours, `${line.slice(11, -2)}${line.slice(11, -2)}`)), /malformed/)
  })

  it('does not get in once an offer without any section has shown who the peer is', async () => {
    const open = world.peer('bob')
    await world.result(open.setRemoteDescription(await world.offer()))
    assert.equal((await world.result(open.peerIdentity)).name, alice)
    mallory.createDataChannel('chat')
    const theirs = await world.offer(mallory)
    await refused(theirs, open)
    await refused(withIdentity(theirs, undefined), open)
    world.alice.createDataChannel('chat')
    const again = (await world.result(world.alice.createOffer())) as Signalled
    await world.result(open.setRemoteDescription(again))
  })

  /** Alice has connected, and offers to go on with another certificate. */
  const withOtherCertificate = async (): Promise<{ readonly first: Signalled; readonly second: Signalled }> => {
    const channel = world.alice.createDataChannel('chat')
    await world.negotiate()
    assert.ok(await world.sim.run(() => channel.readyState === 'open'))
    const first = await world.offer()
    const value = Array(32).fill('5A').join(':')
    const contents = JSON.stringify({ fingerprint: [{ algorithm: 'sha-256', digest: value }] })
    const asserted = encoded(await provider.generateAssertion(contents, '', { usernameHint: alice }))
    // RFC 8842 §4: another association goes with another ICE generation.
    world.alice.restartIce()
    const { sdp = '' } = await world.result(world.alice.createOffer())
    const changed = sdp.replace(/^a=fingerprint:.*$/gm, `a=fingerprint:sha-256 ${value}`)
    return { first, second: withIdentity({ type: 'offer', sdp: changed }, asserted) }
  }

  it('does not make the right one a stranger by an offer that is rolled back', async () => {
    const { first, second } = await withOtherCertificate()
    for (let times = 0; times < 2; times++) {
      await world.result(world.bob.setRemoteDescription(second))
      await world.result(world.bob.setRemoteDescription({ type: 'rollback' }))
    }
    await world.result(world.bob.setRemoteDescription(withIdentity(first, undefined)))
  })

  it('does not get in by a certificate that the right one has given up', async () => {
    const { first, second } = await withOtherCertificate()
    await world.result(world.bob.setRemoteDescription(second))
    await world.result(world.bob.setLocalDescription())
    assert.match(await refused(withIdentity(first, undefined)), /who it is/)
  })

  const identities: readonly string[] = [
    'alice',
    '@idp.example',
    'alice@',
    'alice@idp.example.',
    'alice@evil@idp.example',
    'alice@idp.example@evil.example',
    'alice%40idp.example',
    'alice%2540@idp.example'.replace('%25', '%'),
    'ali%63e@idp.example',
    'alice@idp.example:443',
    'alice@sub.idp.example',
    'alice@idp.example/x',
    'alice@idp.example\0',
    'alice@\u0456dp.example',
    '__proto__@__proto__',
    `${'a'.repeat(1_024)}@idp.example`,
  ]
  for (const identity of identities) {
    it(`is not ${JSON.stringify(identity.slice(0, 40))}, whatever a provider says and whoever is meant`, async () => {
      const target = world.peer('bob', { peerIdentity: identity })
      world.register('any.example', {
        generateAssertion: async contents => ({ idp: { domain: 'any.example' }, assertion: contents }),
        validateAssertion: async contents => ({ identity, contents }),
      })
      for (const name of [domain, 'any.example']) {
        world.alice.setIdentityProvider(name, { usernameHint: identity })
        const offer = (await world.result(world.alice.createOffer())) as Signalled
        for (const by of [target, world.bob]) {
          // The provider of the domain may well have a user of a name with an escaped @.
          if (by === target && identity === 'alice%40@idp.example' && name === domain) continue
          await refused(offer, by)
        }
      }
    })
  }

  it('finds no provider behind the names of objects, and pollutes nothing', async () => {
    const offer = await world.offer()
    for (const name of ['__proto__', 'constructor', 'toString', 'prototype']) {
      for (const idp of [{ domain: name }, { domain, protocol: name }]) {
        assert.match(await refused(withIdentity(offer, encoded({ idp, assertion: '' }))), /no identity provider/)
      }
    }
    const polluting = '{"__proto__":{"idp":{"domain":"idp.example"},"assertion":"x","target":1}}'
    assert.match(await refused(withIdentity(offer, Buffer.from(polluting).toString('base64'))), /malformed/)
    assert.equal(({} as { target?: unknown }).target, undefined)
  })
})

describe('an identity provider that does as it likes', () => {
  let world: IdentityWorld
  let rejections: unknown[]
  const note = (reason: unknown): void => {
    rejections.push(reason)
  }

  beforeEach(() => {
    rejections = []
    process.on('unhandledRejection', note)
    world = new IdentityWorld(6, { bob: { peerIdentity: 'alice@odd.example' } })
  })
  afterEach(async () => {
    world.close()
    await new Promise(resolve => setImmediate(resolve))
    process.off('unhandledRejection', note)
    assert.deepEqual(rejections, [])
  })

  const odd = (provider: Partial<RTCIdentityProvider>): void => {
    world.register('odd.example', {
      generateAssertion: async contents => ({ idp: { domain: 'odd.example' }, assertion: contents }),
      validateAssertion: async contents => ({ identity: 'alice@odd.example', contents }),
      ...provider,
    })
    world.alice.setIdentityProvider('odd.example')
    world.alice.createDataChannel('chat')
    world.alice.onicecandidate = null
  }

  it('closes the connection that asks it', async () => {
    odd({
      generateAssertion: async contents => {
        world.alice.close()
        return { idp: { domain: 'odd.example' }, assertion: contents }
      },
    })
    assert.ok(await world.isPending(world.alice.createOffer(), 60_000))
  })

  it('closes the connection that has it validate', async () => {
    odd({
      validateAssertion: async contents => {
        world.bob.close()
        return { identity: 'alice@odd.example', contents }
      },
    })
    const applied = world.bob.setRemoteDescription(await world.offer())
    assert.ok(await world.isPending(Promise.race([applied, world.bob.peerIdentity]), 60_000))
    assert.equal(world.bob.remoteDescription, null)
  })

  it('waits for an operation of the connection that waits for it: the time ends both', async () => {
    odd({
      generateAssertion: async contents => {
        await world.alice.createOffer()
        return { idp: { domain: 'odd.example' }, assertion: contents }
      },
    })
    const error = await world.error(world.alice.createOffer(), 120_000)
    assert.equal((error.cause as { errorDetail?: string }).errorDetail, 'idp-timeout')
    world.alice.close()
  })

  it('sets another provider each time that it is asked', async () => {
    let asked = 0
    odd({
      generateAssertion: async contents => {
        world.alice.setIdentityProvider('odd.example', { usernameHint: String(++asked) })
        return { idp: { domain: 'odd.example' }, assertion: contents }
      },
    })
    assert.match((await world.error(world.alice.createOffer())).message, /again and again/)
    assert.equal(asked, maxProviderChanges + 1)
  })

  it('describes the connection anew while it validates: one is done after the other', async () => {
    let second: Promise<void> | undefined
    odd({
      validateAssertion: async contents => {
        second ??= world.bob.setRemoteDescription({ type: 'rollback' })
        return { identity: 'alice@odd.example', contents }
      },
    })
    await world.result(world.bob.setRemoteDescription(await world.offer()))
    await world.result(second ?? assert.fail())
    assert.equal(world.bob.signalingState, 'stable')
    assert.equal((await world.bob.peerIdentity).name, 'alice@odd.example')
  })

  const answers: readonly [string, (contents: string) => unknown, boolean][] = [
    [
      'is resolved twice',
      contents => ({
        // biome-ignore lint/suspicious/noThenProperty: it is what is tested
        then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
          resolve({ identity: 'alice@odd.example', contents })
          resolve({ identity: 'mallory@odd.example', contents })
          reject(new Error('no'))
          throw new Error('no')
        },
      }),
      true,
    ],
    [
      'has another identity each time that it is read',
      contents => {
        let reads = 0
        return {
          contents,
          get identity() {
            return reads++ === 0 ? 'alice@odd.example' : 'mallory@odd.example'
          },
        }
      },
      true,
    ],
    [
      'throws where it is read',
      () => ({
        get identity() {
          throw new Error('no')
        },
      }),
      false,
    ],
    ['is revoked', () => revoked(), false],
    [
      'is rejected with what throws where it is read',
      () => Promise.reject(new Proxy({}, { get: () => assert.fail() })),
      false,
    ],
    ['is rejected with what is revoked', () => Promise.reject(revoked()), false],
    ['has contents that are too deep', () => ({ identity: 'alice@odd.example', contents: '['.repeat(60_000) }), false],
    ['has contents that are too long', () => ({ identity: 'alice@odd.example', contents: ' '.repeat(1e7) }), false],
  ]
  for (const [what, answer, isGood] of answers) {
    it(`gives an answer that ${what}`, async () => {
      odd({ validateAssertion: contents => answer(contents) as Promise<RTCIdentityValidationResult> })
      const applied = world.bob.setRemoteDescription(await world.offer())
      if (!isGood) {
        assert.equal((await world.error(applied)).name, 'OperationError')
        return
      }
      await world.result(applied)
      assert.equal((await world.bob.peerIdentity).name, 'alice@odd.example')
    })
  }
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

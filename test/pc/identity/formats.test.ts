import assert from 'node:assert/strict'
import {
  decodeAssertion,
  encodeAssertion,
  maxAssertionDepth,
  maxAssertionLength,
  parseJson,
} from '../../../src/pc/identity/assertion.ts'
import { covers, decodeContents, encodeContents, maxCoveredFingerprints } from '../../../src/pc/identity/contents.ts'
import {
  isSameIdentity,
  maxIdentityLength,
  maxProtocolLength,
  parseIdentity,
  parseProviderName,
} from '../../../src/pc/identity/provider-name.ts'
import { parseSdp } from '../../../src/sdp/index.ts'
import { prng } from '../../support/prng.ts'
import { encoded, IdentityWorld, SigningProvider, withIdentity } from './world.ts'

const carried = {
  domain: 'example.org',
  protocol: 'bogus',
  assertion: '{"identity":"bob@example.org","signature":"0102"}',
}
const fingerprint = { algorithm: 'sha-256', value: 'AB:CD' }

describe('An identity assertion in a description', () => {
  it('is read as RFC 8827 §5 has it in its example', () => {
    const value = [
      'eyJpZHAiOnsiZG9tYWluIjoiZXhhbXBsZS5vcmciLCJwcm90b2NvbCI6ImJvZ3Vz',
      'In0sImFzc2VydGlvbiI6IntcImlkZW50aXR5XCI6XCJib2JAZXhhbXBsZS5vcmdc',
      'IixcImNvbnRlbnRzXCI6XCJhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3l6XCIsXCJz',
      'aWduYXR1cmVcIjpcIjAxMDIwMzA0MDUwNlwifSJ9',
    ].join('')
    assert.deepEqual(decodeAssertion(value), {
      domain: 'example.org',
      protocol: 'bogus',
      assertion: '{"identity":"bob@example.org","contents":"abcdefghijklmnopqrstuvwyz","signature":"010203040506"}',
    })
  })

  it('is what was written, in any language', () => {
    for (const assertion of ['', 'x', 'ü€😀', '"\\\n']) {
      const written = encodeAssertion({ ...carried, assertion })
      assert.deepEqual(decodeAssertion(written ?? ''), { ...carried, assertion })
      assert.deepEqual(decodeAssertion(`${written} extension=value other`), { ...carried, assertion })
    }
    assert.equal(decodeAssertion(encoded({ idp: { domain: 'a' }, assertion: '' }))?.protocol, 'default')
  })

  const malformed: readonly [string, string][] = [
    ['nothing', ''],
    ['a space', ' '],
    ['no base64', 'e30*'],
    ['base64 without its padding', 'e30'],
    ['base64 for addresses', 'e_-='],
    ['no JSON', Buffer.from('{').toString('base64')],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('base64')],
    ['a list', encoded([])],
    ['null', encoded(null)],
    ['no provider', encoded({ assertion: '' })],
    ['a provider that is a list', encoded({ idp: [], assertion: '' })],
    ['no domain', encoded({ idp: {}, assertion: '' })],
    ['a domain that is a number', encoded({ idp: { domain: 7 }, assertion: '' })],
    ['a protocol that is null', encoded({ idp: { domain: 'a', protocol: null }, assertion: '' })],
    ['an assertion that is an object', encoded({ idp: { domain: 'a' }, assertion: {} })],
    ['keys of prototypes alone', Buffer.from('{"__proto__":{"idp":{"domain":"a"},"assertion":""}}').toString('base64')],
  ]
  for (const [what, value] of malformed) {
    it(`is malformed where it is ${what}`, () => assert.equal(decodeAssertion(value), undefined))
  }

  it('is taken up to its bounds, and not beyond', () => {
    const room =
      maxAssertionLength * 0.75 - JSON.stringify({ idp: { domain: 'a', protocol: 'b' }, assertion: '' }).length
    const longest = { domain: 'a', protocol: 'b', assertion: 'x'.repeat(room) }
    const value = encodeAssertion(longest)
    assert.equal(value?.length, maxAssertionLength)
    assert.deepEqual(decodeAssertion(value ?? ''), longest)
    const longer = { ...longest, assertion: `${longest.assertion}x` }
    assert.equal(encodeAssertion(longer), undefined)
    assert.equal(
      decodeAssertion(encoded({ idp: { domain: 'a', protocol: 'b' }, assertion: longer.assertion })),
      undefined,
    )
    assert.equal(decodeAssertion('A'.repeat(10_000_000)), undefined)
    const nested = (depth: number): Uint8Array => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
    assert.ok(parseJson(nested(maxAssertionDepth)))
    assert.equal(parseJson(nested(maxAssertionDepth + 1)), undefined)
    assert.equal(
      parseJson(Buffer.from(`"${'['.repeat(1000)}\\"${'{'.repeat(1000)}"`)),
      `${'['.repeat(1000)}"${'{'.repeat(1000)}`,
    )
  })

  it('is the first of the session, and never one of a section', async () => {
    const world = new IdentityWorld(9)
    const provider = new SigningProvider('idp.example')
    world.register('idp.example', provider)
    world.alice.setIdentityProvider('idp.example')
    world.alice.createDataChannel('chat')
    const offer = await world.offer()
    assert.equal(
      parseSdp(offer.sdp).attributes.find(({ name }) => name === 'identity')?.value?.length,
      /^a=identity:(.*)\r$/m.exec(offer.sdp)?.[1]?.length,
    )
    const second = offer.sdp.replace(/^(a=identity:.*\r\n)/m, '$1a=identity:rubbish\r\n')
    await world.result(world.bob.setRemoteDescription({ ...offer, sdp: second }))
    assert.equal((await world.result(world.bob.peerIdentity)).name, 'alice@idp.example')
    const carol = world.peer('bob')
    const inSection = withIdentity(offer, undefined)
    await world.result(carol.setRemoteDescription({ ...inSection, sdp: `${inSection.sdp}a=identity:rubbish\r\n` }))
    assert.ok(await world.isPending(carol.peerIdentity))
    world.close()
  })
})

describe('The contents of an identity assertion', () => {
  it('are the fingerprints of RFC 8827 §7.4, in whichever case', () => {
    const contents = encodeContents([fingerprint, { ...fingerprint, value: 'ab:cd' }])
    assert.equal(contents, '{"fingerprint":[{"algorithm":"sha-256","digest":"ab:cd"}]}')
    const decoded = decodeContents('{"fingerprint":[{"algorithm":"SHA-256","digest":"ab:Cd"}],"more":1}')
    assert.ok(decoded)
    assert.ok(covers(decoded, [fingerprint]))
    assert.ok(!covers(decoded, [fingerprint, { ...fingerprint, value: 'AB:CE' }]))
    assert.ok(!covers(decoded, [{ ...fingerprint, algorithm: 'sha-1' }]))
  })

  it('have a bound', () => {
    const many = (count: number) =>
      encodeContents(Array.from({ length: count }, (_, at) => ({ ...fingerprint, value: `${at}` })))
    assert.equal(decodeContents(many(maxCoveredFingerprints))?.length, maxCoveredFingerprints)
    assert.equal(decodeContents(many(maxCoveredFingerprints + 1)), undefined)
    assert.equal(decodeContents(' '.repeat(maxAssertionLength + 1)), undefined)
  })

  for (const text of [
    '',
    '[]',
    '{}',
    '{"fingerprint":{}}',
    '{"fingerprint":[[]]}',
    '{"fingerprint":[{"algorithm":"a"}]}',
  ]) {
    it(`are none where they are ${JSON.stringify(text)}`, () => assert.equal(decodeContents(text), undefined))
  }
})

describe('The names of providers and identities', () => {
  it('have a domain, and a port where it is another than that of HTTPS', () => {
    const of = (domain: string, protocol = 'default') => parseProviderName(domain, protocol)?.authority
    assert.equal(of('IDP.Example'), 'idp.example')
    assert.equal(of('idp.example:443'), 'idp.example')
    assert.equal(of('me:secret@idp.example:8443'), 'idp.example:8443')
    assert.equal(parseProviderName('idp.example:8443', 'x')?.domain, 'idp.example')
    assert.equal(of('192.0.2.1'), '192.0.2.1')
    assert.equal(of('idp.example', 'v2?tenant=7#x'), 'idp.example')
    assert.equal(of('idp.example', 'p'.repeat(maxProtocolLength)), 'idp.example')
    const refused = [
      '',
      '.',
      'a..b',
      'a.',
      'a/b',
      'a\\b',
      'a?b',
      'a#b',
      'a b',
      'a%2fb',
      'a@b@c',
      '@',
      'a:',
      'a:x',
      'a:65536',
      '[::1]',
      'a\n',
      '\u0000',
      '-a',
      'a'.repeat(64),
      `${'a.'.repeat(127)}a`,
    ]
    for (const domain of refused) assert.equal(of(domain), undefined, JSON.stringify(domain))
    for (const protocol of [
      'a/b',
      'a\\b',
      '.',
      '..',
      '%2e%2E',
      '..?x',
      'a\n',
      '\ud800',
      'p'.repeat(maxProtocolLength + 1),
    ]) {
      assert.equal(of('idp.example', protocol), undefined, JSON.stringify(protocol))
    }
  })

  it('are the same by their labels, and users to the letter', () => {
    assert.ok(isSameIdentity('a@bücher.example', 'a@XN--BCHER-KVA.example'))
    assert.ok(!isSameIdentity('a@idp.example', 'A@idp.example'))
    assert.ok(!isSameIdentity('a', 'a'))
    assert.deepEqual(parseIdentity('ü %25 %40@idp.example'), { user: 'ü %25 %40', domain: 'idp.example' })
    const longest = `${'a'.repeat(maxIdentityLength - 2)}@b`
    assert.ok(parseIdentity(longest))
    assert.equal(parseIdentity(`a${longest}`), undefined)
  })

  it('are an answer whatever they are given, a hundred thousand times (seeded)', function () {
    this.timeout(30_000)
    const seed = 20
    const random = prng(seed)
    const value = encodeAssertion(carried) ?? ''
    const valid = [
      value,
      Buffer.from(value, 'base64').toString(),
      encodeContents([fingerprint]),
      'u@idp.example:1',
      'é%40@b.c',
    ]
    const mutate = (text: string): string => {
      const characters = [...text]
      for (let changes = 1 + (random.next() % 4); changes > 0; changes--) {
        const at = random.next() % (characters.length + 1)
        const character = String.fromCharCode(random.next() % (random.next() % 2 === 0 ? 128 : 0x10000))
        if (random.next() % 3 === 0) characters.splice(at, 1 + (random.next() % 8))
        else characters.splice(at, random.next() % 2, character)
      }
      return characters.join('')
    }
    for (let round = 0; round < 100_000; round++) {
      const text = mutate(valid[round % valid.length] ?? '')
      try {
        decodeAssertion(text)
        decodeAssertion(Buffer.from(text).toString('base64'))
        decodeContents(text)
        parseProviderName(text, text.slice(0, 9))
        parseIdentity(text)
      } catch (error) {
        throw new Error(`seed ${seed}, round ${round}: ${JSON.stringify(text)}`, { cause: error })
      }
    }
  })

  it('fail as they should whatever a provider says (seeded)', async function () {
    this.timeout(30_000)
    const seed = 21
    const random = prng(seed)
    const world = new IdentityWorld(seed)
    const good = new SigningProvider('idp.example')
    const rubbish: readonly unknown[] = [
      undefined,
      null,
      0,
      '',
      [],
      {},
      () => undefined,
      Symbol('s'),
      1n,
      new Proxy({}, { get: () => assert.fail('trap') }),
      { identity: 'alice@idp.example' },
      { contents: '{}' },
      { identity: {}, contents: [] },
      { identity: Symbol('s'), contents: '' },
      {
        get identity() {
          return assert.fail('getter')
        },
        contents: '',
      },
      { identity: 'alice@idp.example', contents: `{"fingerprint":${'['.repeat(999)}` },
      { identity: 'a'.repeat(99_999), contents: '' },
      { idp: {}, assertion: '' },
      { idp: { domain: '' }, assertion: '' },
      { idp: { domain: 'a', protocol: '/' }, assertion: '' },
    ]
    const any = (): never => {
      const value = rubbish[random.next() % rubbish.length]
      if (random.next() % 2 === 0) throw value
      return value as never
    }
    world.register('idp.example', good)
    world.register('bad.example', { generateAssertion: async () => any(), validateAssertion: async () => any() })
    world.alice.createDataChannel('chat')
    const offer = await world.offer()
    const poisoned = withIdentity(offer, encoded({ idp: { domain: 'bad.example' }, assertion: '' }))
    for (let round = 0; round < 200; round++) {
      const target = world.peer('bob', round % 2 === 0 ? { peerIdentity: 'alice@idp.example' } : {})
      target.setIdentityProvider('bad.example')
      const asked = await world.error(target.getIdentityAssertion())
      assert.equal(asked.name, 'OperationError', `seed ${seed}, round ${round}`)
      const { peerIdentity } = target
      await world.result(target.setRemoteDescription(poisoned).catch(() => undefined))
      assert.equal((await world.error(peerIdentity)).name, 'OperationError', `seed ${seed}, round ${round}`)
      assert.equal(target.signalingState, round % 2 === 0 ? 'stable' : 'have-remote-offer')
      target.close()
    }
    world.close()
  })
})

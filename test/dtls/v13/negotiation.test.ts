import assert from 'node:assert/strict'
import { helloGraceMs } from '../../../src/dtls/doubts.ts'
import {
  decodeClientHello,
  encodeClientHello,
  encodeHelloVerifyRequest,
  encodeServerHello,
} from '../../../src/dtls/hello.ts'
import { Alert, type DtlsOptions } from '../../../src/dtls/index.ts'
import { HandshakeType } from '../../../src/dtls/messages.ts'
import { encodeCookie, encodeNumber } from '../../../src/dtls/v13/extensions.ts'
import { helloRetryRandom } from '../../../src/dtls/v13/messages.ts'
import { Link } from '../link.ts'
import {
  connectedPair,
  createPair,
  exchange,
  handshakeFragment,
  type Pair,
  plaintextRecord,
  start,
  withTampering,
} from '../support.ts'

const maxVersion = '1.3'
const only13 = { minVersion: '1.3', maxVersion } as const
const supportedVersions = 43
const cookieType = 44
const keyShare = 51

type Extension = readonly [number, Uint8Array]

/** A ServerHello as anybody could send it. */
function serverHello(
  sequence: number,
  extensions: readonly Extension[],
  change: { suite?: number; random?: Uint8Array } = {},
): Uint8Array {
  const body = encodeServerHello({
    version: 0xfefd,
    random: change.random ?? helloRetryRandom,
    sessionId: new Uint8Array(),
    cipherSuite: change.suite ?? 0x1301,
    compressionMethod: 0,
    extensions: new Map(extensions),
  })
  return plaintextRecord(22, handshakeFragment(HandshakeType.serverHello, sequence, body), sequence)
}

const version13: Extension = [supportedVersions, encodeNumber(0xfefc)]
const cookie: Extension = [cookieType, encodeCookie(Buffer.from('cookie'))]
const askForP256: Extension = [keyShare, encodeNumber(23)]

/** A pair in which the client's hello has other extensions than it would have. */
function startWithHello(
  pair: Pair,
  change: (extensions: Map<number, Uint8Array>) => void,
  cookie = new Uint8Array(),
): void {
  withTampering(
    (type, body, role) => {
      if (type !== HandshakeType.clientHello || role !== 'client') return body
      const hello = decodeClientHello(body)
      const extensions = new Map(hello.extensions)
      change(extensions)
      return encodeClientHello({ ...hello, cookie, extensions })
    },
    () => start(pair),
  )
}

/** Lets a server decide that no better ClientHello will come. */
function serverFailure(pair: Pair): string | undefined {
  for (const datagram of pair.client.transmits()) pair.server.receive(datagram, 0)
  pair.server.dtls.handleTimeout(helloGraceMs)
  pair.server.transmits()
  return pair.server.failure
}

describe('The version', () => {
  const ranges: readonly (readonly [string, Partial<DtlsOptions>])[] = [
    ['1.2 alone', { maxVersion: '1.2' }],
    ['1.3 alone', only13],
    ['both', { maxVersion }],
  ]
  for (const [theirs, client] of ranges) {
    for (const [ours, server] of ranges) {
      const versions = [theirs, ours]
      const expected = versions.every(range => range !== '1.2 alone')
        ? 'FEFC'
        : versions.includes('1.3 alone')
          ? undefined
          : 'FEFD'
      it(`is ${expected ?? 'none'} where the client speaks ${theirs} and the server ${ours}`, () => {
        const pair = createPair({ client, server })
        start(pair)
        if (expected !== undefined) {
          exchange(pair)
          for (const { dtls } of [pair.client, pair.server]) assert.equal(dtls.session?.version, expected)
          return
        }
        new Link(pair, 1).run(10_000)
        assert.equal(pair.server.failure, 'unsupported-version')
        const [event] = pair.client.events
        assert.ok(event?.type === 'failed')
        assert.equal(event.error.receivedAlert, Alert.protocolVersion)
      })
    }
  }

  it('cannot be asked to be at least more than at most', () => {
    assert.throws(() => createPair({ options: { minVersion: '1.3', maxVersion: '1.2' } }), {
      code: 'unsupported-version',
    })
  })

  it('cannot be lowered by somebody who takes 1.3 out of the ClientHello', () => {
    const pair = createPair({ options: { maxVersion } })
    startWithHello(pair, extensions => extensions.delete(supportedVersions))
    exchange(pair)
    assert.equal(pair.client.failure, 'illegal-parameter')
  })

  it('1.2 goes without the downgrade sentinel where the server speaks no other', () => {
    const pair = connectedPair({ client: { maxVersion }, server: { maxVersion: '1.2' } })
    assert.equal(pair.client.dtls.session?.version, 'FEFD')
  })

  it('1.3 is refused after a HelloVerifyRequest', () => {
    const { client } = createPair({ options: { maxVersion } })
    client.dtls.start(0)
    const request = encodeHelloVerifyRequest({ version: 0xfeff, cookie: Buffer.from('cookie') })
    client.receive(plaintextRecord(22, handshakeFragment(HandshakeType.helloVerifyRequest, 0, request)))
    assert.equal(client.failure, undefined)
    client.receive(serverHello(1, [version13], { random: new Uint8Array(32) }))
    assert.equal(client.failure, 'illegal-parameter')
  })

  it('1.3 is refused with a cookie where earlier versions had it', () => {
    const pair = createPair({ options: { maxVersion } })
    startWithHello(pair, () => {}, Buffer.from('cookie'))
    assert.equal(serverFailure(pair), 'illegal-parameter')
  })
})

describe('The key exchange of DTLS 1.3', () => {
  for (const group of ['x25519mlkem768', 'x25519', 'secp256r1', 'secp384r1'] as const) {
    it(`can be ${group}`, () => {
      const pair = connectedPair({ options: { maxVersion, groups: [group] } })
      assert.equal(pair.client.dtls.session?.group, group)
    })

    it(`is ${group} in a second ClientHello, where the server has no other`, () => {
      for (const peerAddressValidated of [true, false]) {
        const groups =
          group === 'x25519'
            ? (['secp256r1', 'x25519'] as const)
            : (['x25519', 'secp384r1', 'secp256r1', 'x25519mlkem768'] as const)
        const pair = connectedPair({
          client: { maxVersion, groups },
          server: { maxVersion, groups: [group], peerAddressValidated },
        })
        assert.equal(pair.client.dtls.session?.group, group)
        assert.equal(pair.server.dtls.session?.group, group)
      }
    })
  }

  it('fails where nothing is in common', () => {
    const pair = createPair({
      client: { maxVersion, groups: ['x25519'] },
      server: { maxVersion, groups: ['secp256r1'] },
    })
    start(pair)
    assert.equal(serverFailure(pair), 'no-common-group')
  })

  it('uses what has a share, rather than ask for something better', () => {
    const pair = connectedPair({ client: { maxVersion, groups: ['x25519', 'x25519mlkem768'] }, server: { maxVersion } })
    assert.equal(pair.server.dtls.session?.group, 'x25519')
  })

  it('refuses shares that are cut off, or of no valid key', () => {
    for (const [group, length] of [
      ['x25519mlkem768', 1216],
      ['x25519', 32],
      ['secp256r1', 65],
    ] as const) {
      for (const share of [
        new Uint8Array(length),
        new Uint8Array(length).fill(0xff),
        new Uint8Array(length - 1),
        new Uint8Array(),
      ]) {
        const pair = createPair({ options: { maxVersion, groups: [group] } })
        startWithHello(pair, extensions => {
          const genuine = extensions.get(keyShare) ?? new Uint8Array()
          const list = Buffer.concat([genuine.subarray(2, 4), Buffer.of(share.length >> 8, share.length), share])
          extensions.set(keyShare, Buffer.concat([Buffer.of(list.length >> 8, list.length), list]))
        })
        // All bytes ff are as good a point of Curve25519 as any other, as RFC 7748 would have it.
        const fails = !(group === 'x25519' && share.length === 32 && share[0] === 0xff)
        assert.equal(serverFailure(pair), fails ? 'bad-key-share' : undefined, `${group} ${share.length} ${share[0]}`)
      }
    }
  })

  it('needs shares and groups', () => {
    for (const missing of [keyShare, 10, 13]) {
      const pair = createPair({ options: only13 })
      startWithHello(pair, extensions => extensions.delete(missing))
      assert.equal(serverFailure(pair), 'missing-extension')
    }
  })

  it('skips versions, groups and extensions that it does not know', () => {
    const pair = createPair({ options: { maxVersion } })
    startWithHello(pair, extensions => {
      extensions.set(0x1a1a, Buffer.of(0))
      extensions.set(supportedVersions, Buffer.of(6, 0x4a, 0x4a, 0xfe, 0xfc, 0xfe, 0xfd))
      const groups = extensions.get(10) ?? new Uint8Array()
      extensions.set(10, Buffer.concat([Buffer.of(0, groups.length), Buffer.of(0x2a, 0x2a), groups.subarray(2)]))
      const shares = extensions.get(keyShare) ?? new Uint8Array()
      const list = Buffer.concat([Buffer.of(0x2a, 0x2a, 0, 1, 0), shares.subarray(2)])
      extensions.set(keyShare, Buffer.concat([Buffer.of(list.length >> 8, list.length), list]))
    })
    exchange(pair)
    assert.equal(pair.server.dtls.session?.version, 'FEFC')
  })
})

describe('A HelloRetryRequest', () => {
  const offers = { maxVersion, groups: ['x25519', 'secp256r1'] } as const

  for (const [title, extensions, change] of [
    ['asks for nothing else', [version13], {}],
    ['asks for a group that it has a share of', [version13, [keyShare, encodeNumber(29)]], {}],
    ['asks for a group that was not offered', [version13, [keyShare, encodeNumber(24)]], {}],
    ['chooses a suite that was not offered', [version13, cookie], { suite: 0x1305 }],
  ] as const) {
    it(`ends the handshake where it ${title}`, () => {
      const { client } = createPair({ options: offers })
      client.dtls.start(0)
      client.receive(serverHello(0, extensions, change))
      assert.equal(client.failure, 'illegal-parameter')
    })
  }

  it('has no extension that was not asked for', () => {
    const { client } = createPair({ options: offers })
    client.dtls.start(0)
    client.receive(serverHello(0, [version13, cookie, [10, Buffer.of(0, 0)]]))
    assert.equal(client.failure, 'unsolicited-extension')
  })

  it('comes once at most', () => {
    const { client } = createPair({ options: offers })
    client.dtls.start(0)
    client.receive(serverHello(0, [version13, cookie]))
    assert.equal(client.failure, undefined)
    client.receive(serverHello(1, [version13, askForP256]))
    assert.equal(client.failure, 'unexpected-message')
  })

  it('binds the ServerHello to its suite', () => {
    const { client } = createPair({ options: offers })
    client.dtls.start(0)
    client.receive(serverHello(0, [version13, askForP256]))
    client.receive(serverHello(1, [version13], { suite: 0x1302, random: new Uint8Array(32) }))
    assert.equal(client.failure, 'illegal-parameter')
  })

  it('is answered with the cookie, and with nothing else that is new', () => {
    const { client } = createPair({ options: offers })
    client.dtls.start(0)
    const body = (datagrams: readonly Uint8Array[]): Uint8Array =>
      Buffer.concat(datagrams.map(each => each.subarray(25)))
    const first = decodeClientHello(body(client.transmits()))
    client.receive(serverHello(0, [version13, cookie]))
    const second = decodeClientHello(body(client.transmits()))
    assert.deepEqual(second.extensions.get(cookieType), Buffer.concat([cookie[1]]))
    assert.deepEqual(second.random, first.random)
    const without = new Map(second.extensions)
    without.delete(cookieType)
    assert.deepEqual([...without], [...first.extensions])
  })

  it('is never more than three times as long as what it answers, and is all that an unproven client gets', () => {
    const pair = createPair({ options: { maxVersion, groups: ['x25519'] }, server: { peerAddressValidated: false } })
    start(pair)
    const hello = pair.client.transmits()
    const [first = new Uint8Array()] = hello
    assert.equal(hello.length, 1)
    for (let n = 0; n < 10; n++) {
      pair.server.receive(first, n)
      const answers = pair.server.transmits()
      assert.equal(answers.length, 1)
      assert.ok((answers[0]?.length ?? 0) < 3 * first.length)
      assert.equal(pair.server.dtls.pollTimeout(), undefined)
    }
  })

  it('brings a cookie that fits no other ClientHello', () => {
    for (const peerAddressValidated of [true, false]) {
      const options = { maxVersion, groups: ['x25519'] } as const
      const [one, other] = [1, 2].map(seed => createPair({ seed, options, server: { peerAddressValidated: false } }))
      assert.ok(one && other)
      start(one)
      for (const datagram of one.client.transmits()) one.server.receive(datagram)
      const [retry] = one.server.transmits()
      assert.ok(retry)
      const server = createPair({ seed: 3, options, server: { peerAddressValidated } })
      other.client.dtls.start(0)
      other.client.transmits()
      other.client.receive(retry)
      server.server.dtls.start(0)
      for (const datagram of other.client.transmits()) server.server.receive(datagram, 0)
      server.server.dtls.handleTimeout(helloGraceMs)
      server.server.transmits()
      // Where anybody can have sent it, from any address, it ends nothing.
      assert.equal(server.server.failure, peerAddressValidated ? 'illegal-parameter' : undefined)
    }
  })
})

describe('What DTLS 1.3 negotiates', () => {
  it('is use_srtp, out of what the client offers, in the order of the server', () => {
    for (const [offered, accepted, expected] of [
      [[7, 1], [1, 7], 1],
      [[7, 8], [1], undefined],
      [[], [1], undefined],
      [[7], [], undefined],
    ] as const) {
      const pair = connectedPair({
        options: { maxVersion },
        client: { srtpProfiles: offered },
        server: { srtpProfiles: accepted },
      })
      assert.equal(pair.client.dtls.session?.srtpProfile, expected)
      assert.equal(pair.server.dtls.session?.srtpProfile, expected)
    }
  })

  it('is not told in the clear', () => {
    const pair = createPair({ options: { maxVersion, srtpProfiles: [7] } })
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    const useSrtp = Buffer.from('000e0005000200070000', 'hex').subarray(0, 9)
    const flight = Buffer.concat(pair.server.transmits())
    assert.equal(flight.indexOf(useSrtp), -1)
  })
})

import assert from 'node:assert/strict'
import { helloGraceMs } from '../../src/dtls/doubts.ts'
import { ExtensionType, encodeCodePoints, encodeUseSrtp } from '../../src/dtls/extensions.ts'
import {
  type ClientHello,
  decodeClientHello,
  decodeServerHello,
  encodeClientHello,
  encodeServerHello,
  maxSessionIdLength,
  type ServerHello,
} from '../../src/dtls/hello.ts'
import { Alert } from '../../src/dtls/index.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { prng } from '../support/prng.ts'
import { createPair, exchange, type Pair, type PairOptions, records, start, withTampering } from './support.ts'

type Edit<T> = (hello: T) => Partial<T>

/** Runs a handshake whose ClientHello was changed; both sides believe that it was sent like this. */
function withClientHello(edit: Edit<ClientHello>, options: PairOptions = {}): Pair {
  return withTampering(
    (type, body) => {
      if (type !== HandshakeType.clientHello) return body
      const hello = decodeClientHello(body)
      return encodeClientHello({ ...hello, ...edit(hello) })
    },
    () => run(options),
  )
}

function withServerHello(edit: Edit<ServerHello>, options: PairOptions = {}): Pair {
  return withTampering(
    (type, body) => {
      if (type !== HandshakeType.serverHello) return body
      const hello = decodeServerHello(body)
      return encodeServerHello({ ...hello, ...edit(hello) })
    },
    () => run(options),
  )
}

function run(options: PairOptions): Pair {
  const pair = createPair(options)
  start(pair)
  exchange(pair)
  return pair
}

function extensions(
  hello: ClientHello | ServerHello,
  changes: Readonly<Record<number, Uint8Array | undefined>>,
): Map<number, Uint8Array> {
  const changed = new Map(hello.extensions)
  for (const [type, data] of Object.entries(changes)) {
    if (data === undefined) changed.delete(Number(type))
    else changed.set(Number(type), data)
  }
  return changed
}

function assertConnected({ client, server }: Pair): void {
  assert.deepEqual([client.failure, server.failure], [undefined, undefined])
  assert.deepEqual([client.dtls.state, server.dtls.state], ['connected', 'connected'])
}

/** RFC 8701 §2: values that stand for what is not known yet. */
const grease = 0x2a2a

/** What a browser of 2026 offers: DTLS 1.3 with a hybrid key share, 1.2 beside it, and GREASE. */
function browserHello(hello: ClientHello): Partial<ClientHello> {
  const random = prng(9)
  const keyShares = Buffer.concat([
    Buffer.from('04ed', 'hex'),
    Buffer.from('2a2a000100', 'hex'),
    Buffer.from('11ec04c0', 'hex'),
    random.bytes(1216),
    Buffer.from('001d0020', 'hex'),
    random.bytes(32),
  ])
  keyShares.writeUInt16BE(keyShares.length - 2, 0)
  return {
    cipherSuites: [grease, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc009, 0xc013],
    extensions: new Map<number, Uint8Array>([
      [grease, new Uint8Array()],
      [51, keyShares],
      [ExtensionType.extendedMasterSecret, new Uint8Array()],
      [ExtensionType.supportedGroups, encodeCodePoints([grease, 0x11ec, 29, 23, 24])],
      [ExtensionType.signatureAlgorithms, encodeCodePoints([grease, 0x0905, 0x0403, 0x0804, 0x0401, 0x0503, 0x0807])],
      [ExtensionType.ecPointFormats, Uint8Array.of(1, 0)],
      [ExtensionType.useSrtp, encodeUseSrtp([1, 8, 7])],
      [ExtensionType.supportedVersions, Buffer.from('082a2afefcfefdfeff', 'hex')],
      [45, Uint8Array.of(1, 1)],
      [35, new Uint8Array()],
      [ExtensionType.renegotiationInfo, Uint8Array.of(0)],
      [0x3a3a, Uint8Array.of(0)],
      ...[...hello.extensions].filter(([type]) => type === ExtensionType.useSrtp),
    ]),
  }
}

describe('A ClientHello', () => {
  it("like a browser's, in two fragments and with unknown values all over, is answered with DTLS 1.2", () => {
    for (const order of ['in order', 'reversed']) {
      withTampering(
        (type, body) => {
          if (type !== HandshakeType.clientHello) return body
          const hello = decodeClientHello(body)
          return encodeClientHello({ ...hello, ...browserHello(hello) })
        },
        () => {
          const pair = createPair({ options: { srtpProfiles: [7, 8, 1] } })
          start(pair)
          const fragments = pair.client.transmits()
          assert.equal(fragments.length, 2)
          for (const each of order === 'in order' ? fragments : fragments.reverse()) pair.server.receive(each)
          exchange(pair)
          assertConnected(pair)
          assert.equal(pair.server.dtls.session?.version, 'FEFD')
          assert.equal(pair.server.dtls.session?.group, 'x25519')
          assert.equal(pair.server.dtls.session?.srtpProfile, 7)
        },
      )
    }
  })

  it('gets a ServerHello without supported_versions and without a downgrade sentinel', () => {
    let seen: ServerHello | undefined
    const pair = withTampering(
      (type, body) => {
        if (type === HandshakeType.serverHello) seen = decodeServerHello(body)
        if (type !== HandshakeType.clientHello) return body
        const hello = decodeClientHello(body)
        return encodeClientHello({ ...hello, ...browserHello(hello) })
      },
      () => run({}),
    )
    assertConnected(pair)
    assert.equal(seen?.version, 0xfefd)
    assert.equal(seen?.extensions.has(ExtensionType.supportedVersions), false)
    // RFC 8446 §4.1.3: only a server that could have done 1.3 says so.
    assert.notEqual(
      Buffer.from(seen?.random.subarray(-8) ?? [])
        .toString('latin1')
        .slice(0, 7),
      'DOWNGRD',
    )
  })

  it("that says 1.3 in the version field alone is taken for one of 1.2, as is any later client's", () => {
    for (const version of [0xfefc, 0xfef0]) assertConnected(withClientHello(() => ({ version })))
  })

  it('is followed in its order of groups', () => {
    for (const [groups, expected] of [
      [[grease, 23, 29], 'secp256r1'],
      [[25, 29, 23], 'x25519'],
      [[25, 24, 29, 23], 'secp384r1'],
    ] as const) {
      const pair = withClientHello(hello => ({
        extensions: extensions(hello, { [ExtensionType.supportedGroups]: encodeCodePoints(groups) }),
      }))
      assertConnected(pair)
      assert.equal(pair.server.dtls.session?.group, expected)
    }
  })

  it('may leave out what has a default, and signal renegotiation_info by a cipher suite', () => {
    const pair = withClientHello(hello => ({
      cipherSuites: [...hello.cipherSuites, 0x00ff],
      extensions: extensions(hello, {
        [ExtensionType.supportedGroups]: undefined,
        [ExtensionType.ecPointFormats]: undefined,
      }),
    }))
    assertConnected(pair)
  })

  const wrong: readonly { title: string; edit: Edit<ClientHello>; code: string; alert: number }[] = [
    {
      title: 'offers DTLS 1.3 alone',
      edit: hello => ({
        extensions: extensions(hello, { [ExtensionType.supportedVersions]: Buffer.from('02fefc', 'hex') }),
      }),
      code: 'unsupported-version',
      alert: Alert.protocolVersion,
    },
    {
      title: 'offers DTLS 1.0 alone',
      edit: () => ({ version: 0xfeff }),
      code: 'unsupported-version',
      alert: Alert.protocolVersion,
    },
    {
      title: 'offers no suite that is known',
      edit: () => ({ cipherSuites: [0x1301, 0x009c, 0xc009] }),
      code: 'no-common-cipher-suite',
      alert: Alert.handshakeFailure,
    },
    {
      title: 'offers the suite of another kind of certificate',
      edit: () => ({ cipherSuites: [0xc02f] }),
      code: 'no-common-cipher-suite',
      alert: Alert.handshakeFailure,
    },
    {
      title: 'offers no group that is known',
      edit: hello => ({
        extensions: extensions(hello, { [ExtensionType.supportedGroups]: encodeCodePoints([25, 30]) }),
      }),
      code: 'no-common-group',
      alert: Alert.handshakeFailure,
    },
    {
      title: 'offers no signature algorithm',
      edit: hello => ({ extensions: extensions(hello, { [ExtensionType.signatureAlgorithms]: undefined }) }),
      code: 'no-common-cipher-suite',
      alert: Alert.handshakeFailure,
    },
    {
      title: 'offers only SHA-1 signatures',
      edit: hello => ({
        extensions: extensions(hello, { [ExtensionType.signatureAlgorithms]: encodeCodePoints([0x0203, 0x0201]) }),
      }),
      code: 'no-common-cipher-suite',
      alert: Alert.handshakeFailure,
    },
    {
      title: 'does not offer the extended master secret',
      edit: hello => ({ extensions: extensions(hello, { [ExtensionType.extendedMasterSecret]: undefined }) }),
      code: 'no-extended-master-secret',
      alert: Alert.handshakeFailure,
    },
    {
      title: 'continues another connection',
      edit: hello => ({
        extensions: extensions(hello, { [ExtensionType.renegotiationInfo]: Buffer.alloc(13, 12) }),
      }),
      code: 'renegotiation-mismatch',
      alert: Alert.handshakeFailure,
    },
    {
      title: 'takes only compressed points',
      edit: hello => ({ extensions: extensions(hello, { [ExtensionType.ecPointFormats]: Uint8Array.of(1, 1) }) }),
      code: 'illegal-parameter',
      alert: Alert.illegalParameter,
    },
    {
      title: 'insists on compression',
      edit: () => ({ compressionMethods: Uint8Array.of(1) }),
      code: 'illegal-parameter',
      alert: Alert.illegalParameter,
    },
    {
      title: 'has an extension that is cut off',
      edit: hello => ({
        extensions: extensions(hello, { [ExtensionType.signatureAlgorithms]: Uint8Array.of(0, 4, 4, 3) }),
      }),
      code: 'decode-error',
      alert: Alert.decodeError,
    },
  ]
  for (const { title, edit, code, alert } of wrong) {
    it(`that ${title} fails the server, after a moment in which a better one may come`, () => {
      const pair = withClientHello(edit)
      assert.equal(pair.server.dtls.state, 'connecting')
      assert.equal(pair.server.dtls.pollTimeout(), helloGraceMs)
      pair.server.dtls.handleTimeout(helloGraceMs)
      const [datagram = new Uint8Array()] = pair.server.transmits()
      assert.deepEqual(pair.server.types, ['failed'])
      assert.equal(pair.server.failure, code)
      const [record = new Uint8Array()] = records(datagram)
      assert.deepEqual([...record.subarray(13)], [2, alert])
    })
  }

  it('with a session_id of more than 32 bytes is refused', () => {
    for (const [length, failure] of [
      [maxSessionIdLength, undefined],
      [maxSessionIdLength + 1, 'decode-error'],
    ] as const) {
      const pair = withClientHello(() => ({ sessionId: new Uint8Array(length) }))
      pair.server.dtls.handleTimeout(helloGraceMs)
      pair.server.drainEvents()
      assert.equal(pair.server.failure, failure)
    }
  })

  it('with an extension that comes twice is refused', () => {
    const pair = withTampering(
      (type, body) => {
        if (type !== HandshakeType.clientHello) return body
        const twice = Buffer.concat([body, Buffer.from('00170000', 'hex')])
        // version, random, session_id, cookie, suites, one compression method: then the length of the extensions
        const at = 2 + 32 + 1 + 1 + 2 + 2 * decodeClientHello(body).cipherSuites.length + 2
        twice.writeUInt16BE(twice.readUInt16BE(at) + 4, at)
        return twice
      },
      () => run({}),
    )
    pair.server.dtls.handleTimeout(helloGraceMs)
    pair.server.drainEvents()
    assert.equal(pair.server.failure, 'duplicate-extension')
  })
})

describe('A ServerHello', () => {
  it('may leave out renegotiation_info and ec_point_formats, and name a session', () => {
    assertConnected(
      withServerHello(hello => ({
        sessionId: new Uint8Array(maxSessionIdLength),
        extensions: extensions(hello, {
          [ExtensionType.renegotiationInfo]: undefined,
          [ExtensionType.ecPointFormats]: undefined,
        }),
      })),
    )
  })

  const wrong: readonly { title: string; edit: Edit<ServerHello>; code: string; alert: number }[] = [
    {
      title: 'chooses another version',
      edit: () => ({ version: 0xfeff }),
      code: 'unsupported-version',
      alert: Alert.protocolVersion,
    },
    {
      title: 'chooses a suite that was not offered',
      edit: () => ({ cipherSuite: 0x009c }),
      code: 'illegal-parameter',
      alert: Alert.illegalParameter,
    },
    {
      title: 'names a session with more than 32 bytes',
      edit: () => ({ sessionId: new Uint8Array(maxSessionIdLength + 1) }),
      code: 'decode-error',
      alert: Alert.decodeError,
    },
    {
      title: 'chooses compression',
      edit: () => ({ compressionMethod: 1 }),
      code: 'illegal-parameter',
      alert: Alert.illegalParameter,
    },
    {
      title: 'has an extension that was not offered',
      edit: hello => ({ extensions: extensions(hello, { 35: new Uint8Array() }) }),
      code: 'unsolicited-extension',
      alert: Alert.unsupportedExtension,
    },
    {
      title: 'has supported_versions, which was not offered',
      edit: hello => ({
        extensions: extensions(hello, { [ExtensionType.supportedVersions]: Buffer.from('fefc', 'hex') }),
      }),
      code: 'unsolicited-extension',
      alert: Alert.unsupportedExtension,
    },
    {
      title: 'does not have the extended master secret',
      edit: hello => ({ extensions: extensions(hello, { [ExtensionType.extendedMasterSecret]: undefined }) }),
      code: 'no-extended-master-secret',
      alert: Alert.handshakeFailure,
    },
    {
      title: 'continues another connection',
      edit: hello => ({ extensions: extensions(hello, { [ExtensionType.renegotiationInfo]: Buffer.alloc(25, 24) }) }),
      code: 'renegotiation-mismatch',
      alert: Alert.handshakeFailure,
    },
    {
      title: 'takes only compressed points',
      edit: hello => ({ extensions: extensions(hello, { [ExtensionType.ecPointFormats]: Uint8Array.of(1, 1) }) }),
      code: 'illegal-parameter',
      alert: Alert.illegalParameter,
    },
    {
      title: 'chooses an SRTP profile that was not offered',
      edit: hello => ({ extensions: extensions(hello, { [ExtensionType.useSrtp]: encodeUseSrtp([2]) }) }),
      code: 'illegal-parameter',
      alert: Alert.illegalParameter,
    },
    {
      title: 'chooses two SRTP profiles',
      edit: hello => ({ extensions: extensions(hello, { [ExtensionType.useSrtp]: encodeUseSrtp([1, 7]) }) }),
      code: 'illegal-parameter',
      alert: Alert.illegalParameter,
    },
    {
      title: 'chooses an MKI that was not offered',
      edit: hello => ({
        extensions: extensions(hello, { [ExtensionType.useSrtp]: Buffer.from('00020001' + '0142', 'hex') }),
      }),
      code: 'illegal-parameter',
      alert: Alert.illegalParameter,
    },
  ]
  for (const { title, edit, code, alert } of wrong) {
    it(`that ${title} fails the client`, () => {
      const { client } = withServerHello(edit, { options: { srtpProfiles: [1, 7] } })
      assert.deepEqual(client.types, ['failed'])
      assert.equal(client.failure, code)
      const [event] = client.events
      assert.equal(event?.type === 'failed' && event.error.alert, alert)
    })
  }
})

describe('SRTP', () => {
  it('gets the first of our profiles that the client offers, and none where there is none', () => {
    for (const [offered, accepted, expected] of [
      [[1, 8, 7], [7, 1], 7],
      [[1], [7, 8], undefined],
      [[], [1], undefined],
      [[1], [], undefined],
    ] as const) {
      const pair = run({ client: { srtpProfiles: offered }, server: { srtpProfiles: accepted } })
      assertConnected(pair)
      assert.equal(pair.client.dtls.session?.srtpProfile, expected)
      assert.equal(pair.server.dtls.session?.srtpProfile, expected)
    }
  })
})

describe('ServerKeyExchange and ClientKeyExchange', () => {
  const badKeys: readonly [string, string][] = [
    ['of low order', '00'.repeat(32)],
    ['too short', '09'.repeat(31)],
    ['empty', ''],
  ]
  for (const [title, key] of badKeys) {
    it(`with a key that is ${title} fails the server`, () => {
      const body = Buffer.concat([Buffer.of(key.length / 2), Buffer.from(key, 'hex')])
      const { server } = withTampering(
        (type, genuine) => (type === HandshakeType.clientKeyExchange ? body : genuine),
        () => run({}),
      )
      assert.equal(server.failure, 'bad-key-share')
    })
  }

  it('on a group that was not offered, or no named curve, fail the client', () => {
    for (const [at, byte] of [
      [0, 1],
      [2, 25],
    ] as const) {
      const { client } = withTampering(
        (type, genuine) => {
          if (type !== HandshakeType.serverKeyExchange) return genuine
          const changed = new Uint8Array(genuine)
          changed[at] = byte
          return changed
        },
        () => run({}),
      )
      assert.equal(client.failure, 'illegal-parameter')
    }
  })

  it('are bound to both randoms by the signature', () => {
    const { client } = withServerHello(({ random }) => ({ random: random.map(byte => byte ^ 1) }))
    assert.equal(client.failure, 'bad-signature')
  })
})

describe('A server that does not ask for a certificate', () => {
  it('is answered without one, and has itself to decide what to do with that', () => {
    const { client, server } = withTampering(
      (type, body) => (type === HandshakeType.certificateRequest ? undefined : body),
      () => run({}),
    )
    // Our own server takes nobody without a certificate.
    assert.equal(client.dtls.state, 'connecting')
    assert.equal(server.failure, 'unexpected-message')
  })
})

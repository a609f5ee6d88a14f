import assert from 'node:assert/strict'
import { createECDH } from 'node:crypto'
import { ByteReader } from '../../../src/base/bytes.ts'
import { decodeClientHello, decodeServerHello, encodeClientHello, encodeServerHello } from '../../../src/dtls/hello.ts'
import { Alert, type KeyExchangeName } from '../../../src/dtls/index.ts'
import { HandshakeType, readFragment } from '../../../src/dtls/messages.ts'
import {
  decodeClientShares,
  decodeServerShare,
  encodeClientShares,
  encodeServerShare,
} from '../../../src/dtls/v13/extensions.ts'
import { Link } from '../link.ts'
import { createPair, type Endpoint, exchange, type Pair, records, start, withTampering } from '../support.ts'

const maxVersion = '1.3'
const keyShare = 51
const supportedVersions = 43
const downgradeSentinel = '444f574e47524401'
const alertRecord = 21

/** The fragments of ClientHello in these datagrams. */
function fragments(datagrams: readonly Uint8Array[]): ReturnType<typeof readFragment>[] {
  return datagrams.flatMap(records).map(record => readFragment(new ByteReader(record.subarray(13)), 0))
}

/** The alerts in the clear in what waits to be sent. */
function alerts(endpoint: Endpoint): (number | undefined)[] {
  const sent = endpoint.transmits().flatMap(records)
  return sent.filter(([type]) => type === alertRecord).map(record => record.at(-1))
}

describe('Our ClientHello with a share of ML-KEM', () => {
  for (const mtu of [256, 508, 1200, 1500]) {
    it(`goes in as few datagrams of ${mtu} bytes as it takes, and says all but the shares in the first`, () => {
      const pair = createPair({ options: { maxVersion, mtu, srtpProfiles: [1, 7, 8] } })
      start(pair)
      const datagrams = pair.client.transmits()
      const pieces = fragments(datagrams)
      const length = pieces[0]?.length ?? 0
      assert.ok(length > 1184 + 32 + 32, 'ML-KEM, the X25519 beside it, and X25519 alone')
      assert.equal(datagrams.length, Math.ceil(length / (mtu - 25)))
      for (const datagram of datagrams) assert.ok(datagram.length <= mtu, `${datagram.length}`)
      const body = Buffer.concat(pieces.map(({ bytes }) => bytes))
      const { extensions } = decodeClientHello(body)
      const types = [...extensions.keys()]
      assert.equal(types[0], supportedVersions)
      assert.equal(types.at(-1), keyShare)
      const beforeShares = length - (extensions.get(keyShare)?.length ?? 0)
      assert.ok((pieces[0]?.bytes.length ?? 0) >= beforeShares, `${beforeShares} bytes before the shares`)
      for (const datagram of datagrams.reverse()) pair.server.receive(datagram)
      exchange(pair)
      assert.equal(pair.server.dtls.session?.group, 'x25519mlkem768')
    })
  }

  it('has a share of X25519 beside it, which a server without ML-KEM takes at once', () => {
    const pair = createPair({ client: { maxVersion }, server: { maxVersion, groups: ['x25519'] } })
    start(pair)
    exchange(pair)
    assert.equal(pair.client.dtls.session?.group, 'x25519')
    assert.equal(pair.server.dtls.session?.group, 'x25519')
  })

  it('is repeated where a piece of it is lost, also the one after a HelloRetryRequest', () => {
    for (const lost of [0, 1, 2, 3]) {
      const pair = createPair({
        client: { maxVersion, mtu: 508, groups: ['x25519', 'x25519mlkem768'] },
        server: { maxVersion, groups: ['x25519mlkem768'] },
      })
      start(pair)
      for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
      for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
      const second = pair.client.transmits()
      assert.ok(second.length >= 3, 'the second one has the share of ML-KEM')
      for (const [index, datagram] of second.entries()) if (index !== lost) pair.server.receive(datagram)
      new Link(pair, lost).run(10_000, () => pair.server.dtls.state === 'connected')
      assert.equal(pair.server.dtls.session?.group, 'x25519mlkem768', `without piece ${lost}`)
    }
  })
})

/** A pair of which one end finds another share in the hello of the other. */
function pairWithShare(
  group: KeyExchangeName,
  sender: 'client' | 'server',
  change: (share: Uint8Array) => Uint8Array,
): Pair {
  const pair = createPair({ options: { minVersion: '1.3', maxVersion, groups: [group] } })
  const tamper = (type: number, body: Uint8Array): Uint8Array => {
    if (type === HandshakeType.clientHello && sender === 'client') {
      const hello = decodeClientHello(body)
      const shares = decodeClientShares(hello.extensions.get(keyShare) ?? body)
      const changed = encodeClientShares(shares.map(({ group, key }) => ({ group, key: change(key) })))
      return encodeClientHello({ ...hello, extensions: new Map(hello.extensions).set(keyShare, changed) })
    }
    if (type === HandshakeType.serverHello && sender === 'server') {
      const hello = decodeServerHello(body)
      const { group, key } = decodeServerShare(hello.extensions.get(keyShare) ?? body)
      const changed = encodeServerShare({ group, key: change(key) })
      return encodeServerHello({ ...hello, extensions: new Map(hello.extensions).set(keyShare, changed) })
    }
    return body
  }
  withTampering(tamper, () => {
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
  })
  return pair
}

/** The last byte of a point becomes another, which is off the curve. */
function offCurve(point: Uint8Array): Uint8Array {
  const changed = Buffer.from(point)
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
  return changed
}

/** RFC 8446 §4.2.8.2: 04 || X || Y is the only form. */
function compressed(point: Uint8Array): Uint8Array {
  const half = (point.length + 1) / 2
  return Buffer.concat([Buffer.of(2 + ((point.at(-1) ?? 0) & 1)), point.subarray(1, half)])
}

type Change = (share: Uint8Array) => Uint8Array

const shorter: Change = share => share.subarray(1)
const longer: Change = share => Buffer.concat([share, Buffer.of(0)])
const zeros: Change = share => new Uint8Array(share.length)
/** The curve, at the end of a hybrid share, of an order of 1. */
const lowOrder: Change = share => Buffer.concat([share.subarray(0, -32), Buffer.alloc(32)])
/** FIPS 203 §7.2: the first coefficient, of 12 bits, is 4095. */
const notReduced: Change = share => Buffer.concat([Buffer.of(0xff, 0xff), share.subarray(2)])
const otherCurve: Change = share => createECDH(share.length === 65 ? 'secp256k1' : 'brainpoolP384r1').generateKeys()

const points = { shorter, longer, zeros, offCurve, compressed, otherCurve }
const bad: readonly (readonly [KeyExchangeName, 'client' | 'server', Readonly<Record<string, Change>>])[] = [
  ['x25519', 'client', { shorter, longer, zeros }],
  ['x25519', 'server', { shorter, longer, zeros }],
  ['secp256r1', 'client', points],
  ['secp256r1', 'server', points],
  ['secp384r1', 'client', points],
  ['secp384r1', 'server', points],
  ['x25519mlkem768', 'client', { shorter, longer, lowOrder, notReduced }],
  ['x25519mlkem768', 'server', { shorter, longer, lowOrder }],
]

describe('A key share that is none', () => {
  for (const [group, sender, changes] of bad) {
    it(`of ${group} ends the handshake with illegal_parameter where the ${sender} sent it`, () => {
      const victim = sender === 'client' ? 'server' : 'client'
      for (const [title, change] of Object.entries(changes)) {
        const pair = pairWithShare(group, sender, change)
        const end = pair[victim]
        // A server gives a better ClientHello some time to come.
        if (victim === 'server') end.dtls.handleTimeout(end.dtls.pollTimeout() ?? 0)
        end.drainEvents()
        assert.equal(end.failure, 'bad-key-share', title)
        assert.deepEqual(alerts(end), [Alert.illegalParameter], title)
      }
    })
  }

  it('is not what a ciphertext of the right length is, whatever is in it: the ends agree on nothing, and find out', () => {
    const pair = pairWithShare('x25519mlkem768', 'server', share =>
      Buffer.concat([
        share.subarray(0, 9),
        offCurve(share)
          .subarray(9, -32)
          .map(byte => byte ^ 1),
        share.subarray(-32),
      ]),
    )
    // FIPS 203 §6.3: rejection is implicit. What the server protects with other keys is dropped like any forgery.
    assert.equal(pair.client.failure, undefined)
    assert.equal(pair.client.dtls.state, 'connecting')
    assert.ok(pair.client.dtls.drops['bad-record-mac'] > 0)
  })
})

describe('The downgrade sentinel', () => {
  /** The end of the random in the ServerHello that the server sent. */
  function sentinel(client: '1.2' | '1.3', server: '1.2' | '1.3'): string {
    let end = ''
    const pair = createPair({ client: { maxVersion: client }, server: { maxVersion: server } })
    withTampering(
      (type, body) => {
        if (type === HandshakeType.serverHello)
          end = Buffer.from(decodeServerHello(body).random.subarray(-8)).toString('hex')
        return body
      },
      () => {
        start(pair)
        exchange(pair)
      },
    )
    for (const { dtls } of [pair.client, pair.server]) assert.equal(dtls.state, 'connected')
    return end
  }

  it('is in the random of a server that speaks 1.3 and settles for 1.2, and no concern of a client that asked for that', () => {
    assert.equal(sentinel('1.2', '1.3'), downgradeSentinel)
  })

  it('is not in that of a server that speaks 1.2 alone, nor where 1.3 is settled on', () => {
    assert.notEqual(sentinel('1.2', '1.2'), downgradeSentinel)
    assert.notEqual(sentinel('1.3', '1.2'), downgradeSentinel)
    assert.notEqual(sentinel('1.3', '1.3'), downgradeSentinel)
  })

  it('ends the handshake of a client that offered 1.3, with illegal_parameter', () => {
    const pair = createPair({ client: { maxVersion }, server: { maxVersion: '1.2' } })
    withTampering(
      (type, body) => {
        if (type !== HandshakeType.serverHello) return body
        const hello = decodeServerHello(body)
        const random = Buffer.concat([hello.random.subarray(0, 24), Buffer.from(downgradeSentinel, 'hex')])
        return encodeServerHello({ ...hello, random })
      },
      () => {
        start(pair)
        for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
        for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
      },
    )
    assert.equal(pair.client.failure, 'illegal-parameter')
    // RFC 6347 §4.2.7: told anew with the rest of the server's flight, which is still coming in.
    assert.deepEqual(new Set(alerts(pair.client)), new Set([Alert.illegalParameter]))
  })
})

describe('Versions that do not fit', () => {
  it('are named in the error of the server, and the client learns of protocol_version', () => {
    const pair = createPair({ client: { maxVersion: '1.2' }, server: { minVersion: '1.3', maxVersion } })
    start(pair)
    new Link(pair, 1).run(10_000)
    const [failed] = pair.server.events
    assert.ok(failed?.type === 'failed')
    assert.match(failed.error.message, /fefd/)
    assert.equal(failed.error.alert, Alert.protocolVersion)
    const [told] = pair.client.events
    assert.ok(told?.type === 'failed')
    assert.equal(told.error.code, 'peer-alert')
    assert.equal(told.error.receivedAlert, Alert.protocolVersion)
  })

  it('end the handshake of a client whose server chooses what was not offered', () => {
    const pair = createPair({ client: { minVersion: '1.3', maxVersion }, server: { maxVersion } })
    withTampering(
      (type, body, role) => {
        if (type === HandshakeType.clientHello && role === 'client') {
          const hello = decodeClientHello(body)
          return encodeClientHello({
            ...hello,
            extensions: new Map(hello.extensions).set(supportedVersions, Buffer.of(2, 0xfe, 0xfc)),
          })
        }
        if (type !== HandshakeType.serverHello) return body
        const hello = decodeServerHello(body)
        const extensions = new Map(hello.extensions)
        extensions.delete(supportedVersions)
        return encodeServerHello({ ...hello, extensions })
      },
      () => {
        start(pair)
        for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
        for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
      },
    )
    assert.equal(pair.client.failure, 'unsupported-version')
    assert.deepEqual(alerts(pair.client), [Alert.protocolVersion])
  })
})

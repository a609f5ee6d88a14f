import assert from 'node:assert/strict'
import { ExtensionType } from '../../src/dtls/extensions.ts'
import { decodeClientHello, decodeServerHello, encodeClientHello, encodeServerHello } from '../../src/dtls/hello.ts'
import { type DtlsConnection, maxConnectionIdLength, readConnectionId } from '../../src/dtls/index.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { ConnectionIdOpener, ConnectionIdSealer, type Keys12 } from '../../src/dtls/v12/connection-id-records.ts'
import { prng } from '../support/prng.ts'
import { Link } from './link.ts'
import { connectedPair, createPair, exchange, type Pair, plaintextRecord, start, withTampering } from './support.ts'

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
const text = (data: string): Uint8Array => Buffer.from(data)

function lengths({ connectionIds }: DtlsConnection): readonly (number | undefined)[] {
  return [connectionIds?.own[0]?.length, connectionIds?.peer.length]
}

function assertWorks({ client, server }: Pair): void {
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    assert.deepEqual(to.receive(from.dtls.seal(text('there'))), { handled: true })
    assert.equal(to.data.at(-1), 'there')
  }
}

/** A record as its own key seals it, opened to what the peer would see. */
function keys(aead: Keys12['aead']): Keys12 {
  const key = new Uint8Array(aead === 'aes-128-gcm' ? 16 : 32).fill(1)
  return { aead, key, fixedIv: new Uint8Array(aead === 'chacha20-poly1305' ? 12 : 4).fill(2) }
}

const aeads: readonly Keys12['aead'][] = ['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305']
const id = Uint8Array.of(0xde, 0xad, 0xbe)

describe('A record of DTLS 1.2 with a connection ID', () => {
  for (const aead of aeads) {
    it(`hides its type behind tls12_cid: ${aead}`, () => {
      const sealer = new ConnectionIdSealer(1, keys(aead), id)
      const opener = new ConnectionIdOpener(keys(aead), id)
      for (let n = 0; n < 3; n++) {
        const record = sealer.seal(22, text('content'))
        assert.deepEqual([record.length, record[0], record[10]], [7 + sealer.overhead, 25, n])
        assert.equal(hex(record.subarray(11, 14)), 'deadbe')
        assert.equal(((record[14] ?? 0) << 8) | (record[15] ?? 0), record.length - 16)
        assert.equal(Buffer.from(opener.open(record, 0, record.length) ?? []).toString(), 'content')
        assert.equal(opener.type, 22)
      }
    })

    it(`is authentic as a whole: ${aead}`, () => {
      const record = new ConnectionIdSealer(1, keys(aead), id).seal(23, text('content'))
      const headerLength = 16
      for (let at = 0; at < record.length; at++) {
        const changed = Uint8Array.from(record)
        changed[at] = (changed[at] ?? 0) ^ 1
        const opener = new ConnectionIdOpener(keys(aead), id)
        // Type, version, connection ID and length are known to who opens it: only what is read there can differ.
        const isRead = (at >= 3 && at < 11) || at >= headerLength
        assert.equal(opener.open(changed, 0, changed.length) === undefined, isRead, `byte ${at}`)
      }
      for (let end = 0; end < record.length; end++) {
        assert.equal(new ConnectionIdOpener(keys(aead), id).open(record, 0, end), undefined)
      }
      const other = new ConnectionIdOpener(keys(aead), Uint8Array.of(0xde, 0xad, 0xbf))
      assert.equal(other.open(record, 0, record.length), undefined)
    })
  }

  it('may be padded with zeros, and consist of them alone', () => {
    const opener = new ConnectionIdOpener(keys('aes-128-gcm'), id)
    const open = (inner: readonly number[]): string => {
      // The last byte of the content that is sealed takes the place of the type.
      const record = new ConnectionIdSealer(1, keys('aes-128-gcm'), id).seal(
        inner.at(-1) ?? 0,
        Uint8Array.from(inner.slice(0, -1)),
      )
      return hex(opener.open(record, 0, record.length))
    }
    assert.deepEqual([open([7, 8, 23, 0, 0, 0]), opener.type], ['0708', 23])
    assert.deepEqual([open([0, 0, 23]), opener.type], ['0000', 23])
    assert.deepEqual([open([21, 0]), opener.type], ['', 21])
    assert.deepEqual([open([0, 0, 0]), opener.type], ['', 0])
  })

  it('has room for one byte less than other records', () => {
    const sealer = new ConnectionIdSealer(1, keys('aes-128-gcm'), id)
    assert.equal(sealer.seal(23, new Uint8Array(2 ** 14 - 1)).length, 2 ** 14 - 1 + sealer.overhead)
    assert.throws(() => sealer.seal(23, new Uint8Array(2 ** 14)), { code: 'record-too-long' })
    assert.equal(sealer.sequence, 1)
    sealer.wipe()
    assert.throws(() => sealer.seal(23, text('')), { code: 'sequence-exhausted' })
  })
})

for (const maxVersion of ['1.2', '1.3'] as const) {
  describe(`Connection IDs of DTLS ${maxVersion}`, () => {
    const pairOf = (client: number | undefined, server: number | undefined): Pair => {
      const options = (length: number | undefined) => (length === undefined ? {} : { connectionId: { length } })
      return connectedPair({ options: { maxVersion }, client: options(client), server: options(server) })
    }

    for (const [client, server] of [
      [8, 8],
      [0, 5],
      [1, 0],
      [0, 0],
      [20, 3],
    ] as const) {
      it(`are negotiated for each direction: ${client} and ${server} bytes`, () => {
        const pair = pairOf(client, server)
        assert.deepEqual(lengths(pair.client.dtls), [client || undefined, server])
        assert.deepEqual(lengths(pair.server.dtls), [server || undefined, client])
        for (const [one, other] of [
          [pair.client.dtls, pair.server.dtls],
          [pair.server.dtls, pair.client.dtls],
        ] as const) {
          assert.equal(hex(one.connectionIds?.own[0]), hex(other.connectionIds?.peer))
          const plain = maxVersion === '1.3' ? 22 : 37
          const inner = maxVersion === '1.2' && (one.connectionIds?.peer.length ?? 0) > 0 ? 1 : 0
          assert.equal(one.recordOverhead, plain + inner + (one.connectionIds?.peer.length ?? 0))
          assert.equal(one.seal(new Uint8Array(100)).length, 100 + one.recordOverhead)
        }
        assertWorks(pair)
      })
    }

    for (const [client, server] of [
      [8, undefined],
      [undefined, 8],
    ] as const) {
      it(`are not used where one end does not speak of them: ${client}, ${server}`, () => {
        const pair = pairOf(client, server)
        assert.equal(pair.client.dtls.connectionIds, undefined)
        assert.equal(pair.server.dtls.connectionIds, undefined)
        assert.equal(pair.client.dtls.recordOverhead, maxVersion === '1.3' ? 22 : 37)
        assertWorks(pair)
        assert.deepEqual([pair.client.dtls.drops, pair.server.dtls.drops].map(total), [0, 0])
      })
    }

    it('are the same after the client has had to bring back a cookie', () => {
      const pair = createPair({
        options: { maxVersion, connectionId: { length: 8 } },
        server: { peerAddressValidated: false },
      })
      start(pair)
      exchange(pair)
      assert.equal(hex(pair.client.dtls.connectionIds?.own[0]), hex(pair.server.dtls.connectionIds?.peer))
      assertWorks(pair)
    })

    it('are known while the handshake is under way, so that its records find their connection', () => {
      const pair = createPair({ options: { maxVersion, connectionId: { length: 4 } } })
      start(pair)
      assert.equal(pair.client.dtls.connectionIds, undefined)
      for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
      assert.equal(pair.server.dtls.state, 'connecting')
      assert.equal(pair.server.dtls.connectionIds?.own[0]?.length, 4)
    })

    it('are on each of several records in a datagram', () => {
      const { client, server } = pairOf(6, 6)
      const datagram = Buffer.concat(['one', 'two', 'three'].map(each => client.dtls.seal(text(each))))
      assert.deepEqual(server.receive(datagram), { handled: true })
      assert.deepEqual(server.data, ['one', 'two', 'three'])
    })

    it('do not let anything in that is repeated', () => {
      const { client, server } = pairOf(6, 6)
      const record = client.dtls.seal(text('once'))
      server.receive(record)
      assert.deepEqual(server.receive(record), { drop: 'replayed' })
      assert.deepEqual(server.data, ['once'])
    })

    it('that are not ours are refused and counted, and so are records without one', () => {
      const pair = pairOf(8, 8)
      const { client, server } = pair
      const record = client.dtls.seal(text('data'))
      const forged = Uint8Array.from(record)
      const at = maxVersion === '1.3' ? 1 : 11
      forged[at] = (forged[at] ?? 0) ^ 1
      assert.deepEqual(server.receive(forged), { drop: 'wrong-connection-id' })
      const bare = Uint8Array.from(record)
      bare[0] = maxVersion === '1.3' ? (bare[0] ?? 0) & ~0x10 : 23
      const outcome = server.receive(bare)
      assert.ok('drop' in outcome)
      assert.ok(['wrong-connection-id', 'malformed'].includes(outcome.drop), outcome.drop)
      // The same connection without IDs would take such a record: it is refused for what it lacks.
      const own = Uint8Array.from(record)
      own[own.length - 1] = (own[own.length - 1] ?? 0) ^ 1
      assert.deepEqual(server.receive(own), { drop: 'bad-record-mac' })
      assert.equal(server.dtls.heardNewest, false)
      assert.deepEqual(server.receive(record), { handled: true })
      assert.ok(server.dtls.drops['wrong-connection-id'] >= 1)
      assertWorks(pair)
    })

    it('are refused where none were negotiated', () => {
      const withIds = pairOf(8, 8)
      const without = pairOf(8, undefined)
      const record = withIds.server.dtls.seal(text('data'))
      const outcome = without.client.receive(record)
      assert.deepEqual(outcome, { drop: 'wrong-connection-id' })
      assert.deepEqual(without.server.receive(withIds.client.dtls.seal(text('data'))), { drop: 'malformed' })
      assertWorks(without)
    })

    it('tell the connection of a datagram', () => {
      const { client, server } = pairOf(8, 5)
      const record = client.dtls.seal(text('data'))
      assert.equal(hex(readConnectionId(record, 5)), hex(server.dtls.connectionIds?.own[0]))
      assert.equal(readConnectionId(record, 0), undefined)
      assert.equal(readConnectionId(record.subarray(0, 3), 5), undefined)
      assert.equal(readConnectionId(new Uint8Array(), 5), undefined)
      assert.equal(readConnectionId(plaintextRecord(22, text('hello')), 5), undefined)
      assert.equal(readConnectionId(pairOf(undefined, undefined).client.dtls.seal(text('data')), 5), undefined)
    })

    it('tell whether a record is the newest, for who wants to follow its source', () => {
      const { client, server } = pairOf(4, 4)
      const [first, second, third] = ['1', '2', '3'].map(each => client.dtls.seal(text(each)))
      assert.ok(first && second && third)
      const heard = (datagram: Uint8Array): boolean => {
        server.receive(datagram)
        return server.dtls.heardNewest
      }
      assert.equal(heard(second), true)
      assert.equal(heard(first), false)
      assert.equal(heard(second), false)
      assert.equal(heard(third), true)
      assert.deepEqual(server.data, ['2', '1', '3'])
    })

    it('come through a handshake on a link that loses, repeats and reorders', () => {
      for (let seed = 1; seed <= 10; seed++) {
        const pair = createPair({ seed, options: { maxVersion, connectionId: { length: 6 } } })
        start(pair)
        const link = new Link(pair, seed, { loss: 0.3, jitterMs: 40, duplication: 0.1 })
        const connected = () => [pair.client, pair.server].every(({ dtls }) => dtls.state === 'connected')
        link.run(60_000, connected)
        assert.ok(connected(), `seed ${seed}`)
        assertWorks(pair)
      }
    })

    it('are no way in for datagrams that were damaged, cut or put together', () => {
      const pair = pairOf(8, 5)
      const random = prng(4)
      for (let n = 0; n < 500; n++) {
        const records = [text('one'), text('two')].map(data => Buffer.from(pair.client.dtls.seal(data)))
        const [record = Buffer.alloc(0)] = records
        const at = random.next() % record.length
        record[at] = (record[at] ?? 0) ^ (1 << (random.next() % 8))
        const cut = records[1]?.subarray(0, random.next() % 40) ?? record
        const delivered = pair.server.data.length
        pair.server.receive(random.float() < 0.5 ? Buffer.concat([record, cut]) : Buffer.concat([cut, record]))
        assert.ok(pair.server.data.length <= delivered + 1, `datagram ${n}`)
        assert.ok(['one', 'two', undefined].includes(pair.server.data.at(-1)), `datagram ${n}`)
      }
      assert.equal(pair.server.dtls.state, 'connected')
      assertWorks(pair)
    })

    it('leave long flights to fit into their datagrams', () => {
      const pair = createPair({ options: { maxVersion, mtu: 256, connectionId: { length: maxConnectionIdLength } } })
      start(pair)
      for (let round = 0; round < 20; round++) {
        for (const [from, to] of [
          [pair.client, pair.server],
          [pair.server, pair.client],
        ] as const) {
          for (const datagram of from.transmits()) {
            assert.ok(datagram.length <= 256, `${datagram.length} bytes`)
            to.receive(datagram)
          }
        }
      }
      assert.deepEqual([pair.client.dtls.state, pair.server.dtls.state], ['connected', 'connected'])
    })

    it('can be as long as a peer likes', () => {
      const pair = createPair({ options: { maxVersion, mtu: 256 }, server: { connectionId: { length: 3 } } })
      const longest = new Uint8Array(255).fill(9)
      const client = createPair({
        options: { maxVersion, mtu: 256 },
        client: {
          connectionId: { length: 20 },
          random: length => (length === 20 ? longest : new Uint8Array(length).fill(5)),
        },
      })
      start({ client: client.client, server: pair.server })
      // What we make ourselves is no longer than 20 bytes; this is made by a source of randomness that makes more.
      exchange({ client: client.client, server: pair.server })
      assert.equal(pair.server.dtls.connectionIds?.peer.length, 255)
      assert.equal(pair.server.dtls.recordOverhead, (maxVersion === '1.3' ? 22 : 38) + 255)
    })
  })
}

describe('The option of connection IDs', () => {
  it('takes lengths from 0 to 20', () => {
    for (const length of [0, 1, maxConnectionIdLength]) createPair({ options: { connectionId: { length } } })
    for (const length of [-1, 1.5, maxConnectionIdLength + 1, Number.NaN]) {
      assert.throws(() => createPair({ options: { connectionId: { length } } }), RangeError, `${length}`)
    }
  })

  it('sends nothing of them where it is absent', () => {
    const { client } = createPair({})
    client.dtls.start(0)
    const [datagram = new Uint8Array()] = client.transmits()
    const { extensions } = decodeClientHello(datagram.subarray(13 + 12))
    assert.ok(extensions.has(ExtensionType.supportedGroups))
    assert.equal(extensions.has(ExtensionType.connectionId), false)
  })

  it('says nothing to who speaks of the drafts of connection IDs', () => {
    const draft = 53
    const toDraft = (type: number, body: Uint8Array): Uint8Array => {
      if (type !== HandshakeType.clientHello) return body
      const hello = decodeClientHello(body)
      const extensions = new Map(hello.extensions)
      extensions.set(draft, extensions.get(ExtensionType.connectionId) ?? new Uint8Array())
      extensions.delete(ExtensionType.connectionId)
      return encodeClientHello({ ...hello, extensions })
    }
    const pair = withTampering(toDraft, () => connectedPair({ options: { connectionId: { length: 8 } } }))
    assert.equal(pair.server.dtls.connectionIds, undefined)
    assert.equal(pair.client.dtls.connectionIds, undefined)
    assertWorks(pair)
  })

  for (const maxVersion of ['1.2', '1.3'] as const) {
    it(`ends a handshake of DTLS ${maxVersion} with what is not a connection ID`, () => {
      const withId = (data: Uint8Array) => (type: number, body: Uint8Array) => {
        if (type !== HandshakeType.clientHello) return body
        const hello = decodeClientHello(body)
        const extensions = new Map([...hello.extensions, [ExtensionType.connectionId, data] as const])
        return encodeClientHello({ ...hello, extensions })
      }
      for (const data of [[], [2, 1], [1, 1, 1]]) {
        const pair = createPair({ options: { maxVersion, connectionId: { length: 8 } } })
        withTampering(withId(Uint8Array.from(data)), () => start(pair))
        for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
        pair.server.dtls.handleTimeout(10_000)
        pair.server.drainEvents()
        assert.equal(pair.server.failure, 'decode-error', String(data))
      }
    })

    it(`does not take a connection ID that was not asked for: DTLS ${maxVersion}`, () => {
      const pair = createPair({ options: { maxVersion } })
      const unasked = (type: number, body: Uint8Array, role: string): Uint8Array => {
        if (type !== HandshakeType.serverHello || role !== 'server') return body
        const hello = decodeServerHello(body)
        return encodeServerHello({ ...hello, extensions: new Map([...hello.extensions, [54, Uint8Array.of(1, 7)]]) })
      }
      withTampering(unasked, () => {
        start(pair)
        exchange(pair)
      })
      assert.equal(pair.client.failure, 'unsolicited-extension')
    })
  }
})

function total(drops: Readonly<Record<string, number>>): number {
  return Object.values(drops).reduce((sum, count) => sum + count, 0)
}

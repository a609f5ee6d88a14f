import assert from 'node:assert/strict'
import { maxCookieExchanges } from '../../src/dtls/client-start.ts'
import { maxRenegotiationRefusals } from '../../src/dtls/connection.ts'
import { alertGraceMs, helloGraceMs } from '../../src/dtls/doubts.ts'
import { maxEarlyBytes, maxEarlyRecords } from '../../src/dtls/early-records.ts'
import { handshakeTimeoutMs } from '../../src/dtls/handshake.ts'
import { encodeClientHello } from '../../src/dtls/hello.ts'
import { Alert } from '../../src/dtls/index.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { AesGcmSealer } from '../../src/dtls/record-protection.ts'
import { prng } from '../support/prng.ts'
import { Link } from './link.ts'
import {
  connectedPair,
  createPair,
  type Endpoint,
  exchange,
  handshakeFragment,
  type Pair,
  plaintextRecord,
  records,
  start,
} from './support.ts'

const changeCipherSpec = 20
const alert = 21
const handshake = 22
const applicationData = 23

function assertConnected({ client, server }: Pair): void {
  assert.deepEqual([client.failure, server.failure], [undefined, undefined])
  assert.deepEqual([client.dtls.state, server.dtls.state], ['connected', 'connected'])
}

/** A ClientHello that no server can answer: its only suite is for RSA key exchange. */
function unusableHello(sequence: number, seed = 1): Uint8Array {
  const body = encodeClientHello({
    version: 0xfefd,
    random: prng(seed).bytes(32),
    sessionId: new Uint8Array(),
    cookie: new Uint8Array(),
    cipherSuites: [0x009c],
    compressionMethods: Uint8Array.of(0),
    extensions: new Map(),
  })
  return plaintextRecord(handshake, handshakeFragment(HandshakeType.clientHello, sequence, body), seed)
}

/** What anybody could send who knows the addresses. */
const forgeries: readonly { title: string; record: Uint8Array }[] = [
  { title: 'a fatal alert', record: plaintextRecord(alert, Uint8Array.of(2, Alert.handshakeFailure)) },
  { title: 'a close_notify', record: plaintextRecord(alert, Uint8Array.of(1, Alert.closeNotify)) },
  { title: 'ChangeCipherSpec', record: plaintextRecord(changeCipherSpec, Uint8Array.of(1)) },
  { title: 'application data', record: plaintextRecord(applicationData, Buffer.from('smuggled')) },
  { title: 'a ClientHello', record: unusableHello(0) },
  { title: 'a HelloRequest', record: plaintextRecord(handshake, handshakeFragment(0, 0, new Uint8Array())) },
  { title: 'a HelloVerifyRequest', record: plaintextRecord(handshake, handshakeFragment(3, 9, Buffer.alloc(3))) },
  { title: 'a Finished', record: plaintextRecord(handshake, handshakeFragment(20, 5, Buffer.alloc(12))) },
  { title: 'a record of no known type', record: plaintextRecord(99, Buffer.alloc(4)) },
]

describe('Forged records of epoch 0', () => {
  for (const { title, record } of forgeries) {
    for (const victim of ['client', 'server'] as const) {
      it(`do nothing to a ${victim} after the handshake but count: ${title}`, () => {
        const pair = connectedPair()
        for (let n = 0; n < 5; n++) assert.deepEqual(pair[victim].receive(record), { drop: 'unauthenticated' })
        assert.equal(pair[victim].dtls.drops.unauthenticated, 5)
        assert.deepEqual(pair[victim].transmits(), [])
        pair.server.receive(pair.client.dtls.seal(Buffer.from('a')))
        pair.client.receive(pair.server.dtls.seal(Buffer.from('b')))
        assert.deepEqual([pair.server.data, pair.client.data], [['a'], ['b']])
        assertConnected(pair)
      })

      // A HelloVerifyRequest or Finished with the number that is due next is as good as the genuine message.
      it(`do not keep a ${victim} from connecting: ${title}`, () => {
        const pair = createPair()
        start(pair)
        for (let round = 0; round < 4; round++) {
          for (let n = 0; n < 3; n++) pair[victim].receive(record)
          for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
          for (let n = 0; n < 3; n++) pair[victim].receive(record)
          for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
        }
        assertConnected(pair)
        assert.deepEqual([pair.client.data, pair.server.data], [[], []])
      })
    }
  }

  it('that claim to be Finished do not take the place of the genuine one', () => {
    const pair = createPair()
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
    // ClientHello 0, Certificate 1, ClientKeyExchange 2, CertificateVerify 3, Finished 4
    pair.server.receive(plaintextRecord(handshake, handshakeFragment(HandshakeType.finished, 4, Buffer.alloc(12))))
    exchange(pair)
    assertConnected(pair)
  })

  it('with an alert are believed only if nothing else is heard for a while', () => {
    const pair = createPair()
    pair.client.dtls.start(0)
    const link = new Link(pair, 1, { loss: 1 })
    link.run(500)
    pair.client.receive(plaintextRecord(alert, Uint8Array.of(2, Alert.protocolVersion)), 500)
    link.run(500 + alertGraceMs - 1)
    assert.equal(pair.client.dtls.state, 'connecting')
    link.run(500 + alertGraceMs)
    const [event] = pair.client.events
    assert.ok(event?.type === 'failed')
    assert.equal(event.error.code, 'peer-alert')
    assert.equal(event.error.receivedAlert, Alert.protocolVersion)
  })

  it('with a close_notify are taken for the end of the handshake likewise', () => {
    const pair = createPair()
    pair.client.dtls.start(0)
    pair.client.receive(plaintextRecord(alert, Uint8Array.of(1, Alert.closeNotify)), 0)
    const link = new Link(pair, 1, { loss: 1 })
    link.run(alertGraceMs)
    assert.equal(pair.client.failure, 'peer-alert')
  })

  it('with an alert mean nothing to a server that nobody has called', () => {
    const { server } = createPair()
    server.dtls.start(0)
    server.receive(plaintextRecord(alert, Uint8Array.of(2, Alert.protocolVersion)), 0)
    assert.equal(server.dtls.pollTimeout(), undefined)
  })

  it('with an alert are not believed where the handshake makes progress', () => {
    const pair = createPair()
    const link = new Link(pair, 1, { delayMs: 1_000 })
    start(pair)
    pair.client.receive(plaintextRecord(alert, Uint8Array.of(2, Alert.protocolVersion)), 0)
    pair.server.receive(plaintextRecord(alert, Uint8Array.of(2, Alert.protocolVersion)), 0)
    link.run(handshakeTimeoutMs, () => pair.client.dtls.state === 'connected')
    assertConnected(pair)
  })
})

describe('A spray of ClientHellos', () => {
  for (const first of [true, false]) {
    it(`does not keep the real client from connecting, ${first ? 'first or' : ''} in between`, () => {
      for (let seed = 1; seed <= 20; seed++) {
        const random = prng(seed)
        const pair = createPair({ seed, options: { mtu: seed % 2 === 0 ? 1200 : 256 } })
        const spray = (): void => {
          for (let n = 0; n < 10; n++) pair.server.receive(unusableHello(random.next() % 8, random.next()))
        }
        start(pair)
        for (let round = 0; round < 4; round++) {
          for (const datagram of pair.client.transmits()) {
            if (first || round > 0) spray()
            pair.server.receive(datagram)
          }
          spray()
          for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
        }
        assertConnected(pair)
      }
    })
  }

  it('is forgotten once the real client came, however long it then takes', () => {
    const pair = createPair()
    const link = new Link(pair, 1, { delayMs: 2 * helloGraceMs })
    start(pair)
    pair.server.receive(unusableHello(0), 2 * helloGraceMs - 1)
    link.run(handshakeTimeoutMs, () => pair.client.dtls.state === 'connected')
    assertConnected(pair)
  })

  it('makes a server send no more than its flight now and then', () => {
    const pair = createPair()
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    assert.equal(pair.server.transmits().length, 1)
    let sent = 0
    for (let now = 0; now < 1_000; now++) {
      pair.server.receive(unusableHello(0, now), now)
      sent += pair.server.transmits().length
    }
    assert.ok(sent <= 1_000 / 50, `${sent} datagrams`)
  })

  it('that comes alone fails the server once, with one alert', () => {
    const { server } = createPair()
    server.dtls.start(0)
    for (let n = 0; n < 1_000; n++) server.receive(unusableHello(0, n), n / 10)
    assert.deepEqual(server.transmits(), [])
    assert.equal(server.dtls.pollTimeout(), helloGraceMs)
    server.dtls.handleTimeout(helloGraceMs)
    assert.equal(server.transmits().length, 1)
    assert.equal(server.failure, 'no-extended-master-secret')
  })
})

describe('Where the address of the client is not known to be its own', () => {
  const options = { peerAddressValidated: false }

  it('a cookie comes first, and nothing is kept until it comes back', () => {
    const pair = createPair({ options })
    start(pair)
    const [hello = new Uint8Array()] = pair.client.transmits()
    pair.server.receive(hello)
    const [request = new Uint8Array()] = pair.server.transmits()
    assert.equal(request[13], HandshakeType.helloVerifyRequest)
    // RFC 6347 §4.2.1: the record has the sequence number of the ClientHello, and speaks of DTLS 1.0.
    assert.deepEqual(request.subarray(3, 11), hello.subarray(3, 11))
    assert.equal(Buffer.from(request).readUInt16BE(25), 0xfeff)
    assert.equal(pair.server.dtls.pollTimeout(), undefined)
    // The same question has the same answer.
    pair.server.receive(hello)
    assert.deepEqual(pair.server.transmits(), [request])
    pair.client.receive(request)
    exchange(pair)
    assertConnected(pair)
  })

  it('never more than three times as much is sent as came, whatever comes', () => {
    const random = prng(11)
    const pair = createPair({ options })
    start(pair)
    const [genuine = new Uint8Array()] = pair.client.transmits()
    const victim = pair.server
    for (let n = 0; n < 3_000; n++) {
      const datagram = [
        () => unusableHello(random.next() % 4, n),
        () => genuine,
        () => mutate(genuine, random.next()),
        () => genuine.subarray(0, random.next() % genuine.length),
        () => plaintextRecord(alert, Uint8Array.of(2, 40)),
        () => random.bytes(random.next() % 100),
      ][random.next() % 6]?.()
      if (datagram === undefined) continue
      victim.receive(datagram, n)
      if ((victim.dtls.pollTimeout() ?? Number.POSITIVE_INFINITY) <= n) victim.dtls.handleTimeout(n)
      const sent = victim.transmits().reduce((sum, each) => sum + each.length, 0)
      assert.ok(sent <= 3 * datagram.length, `${sent} bytes for ${datagram.length}`)
    }
    assert.equal(victim.dtls.state, 'connecting')
    exchangeFrom(pair, genuine)
    assertConnected(pair)
  })

  it('a cookie of another connection or for other parameters is worth nothing', () => {
    const pair = createPair({ options })
    const stranger = createPair({ seed: 99, options })
    start(pair)
    stranger.server.dtls.start(0)
    const [hello = new Uint8Array()] = pair.client.transmits()
    stranger.server.receive(hello)
    for (const request of stranger.server.transmits()) pair.client.receive(request)
    const [withForeignCookie = new Uint8Array()] = pair.client.transmits()
    assert.ok(withForeignCookie.length > hello.length)
    pair.server.receive(withForeignCookie)
    const [answer = new Uint8Array()] = pair.server.transmits()
    // RFC 6347 §4.2.1: an invalid cookie is treated like none, and the client tries again.
    assert.equal(answer[13], HandshakeType.helloVerifyRequest)
    pair.client.receive(answer)
    exchange(pair)
    assertConnected(pair)
  })

  it('a cookie is worth nothing with another random', () => {
    const pair = createPair({ options })
    start(pair)
    const [hello = new Uint8Array()] = pair.client.transmits()
    pair.server.receive(hello)
    for (const request of pair.server.transmits()) pair.client.receive(request)
    const [withCookie = new Uint8Array()] = pair.client.transmits()
    const changed = new Uint8Array(withCookie)
    // Behind the headers of record and message, and the version.
    changed[13 + 12 + 2] = (changed[27] ?? 0) ^ 1
    pair.server.receive(changed)
    assert.equal(pair.server.transmits()[0]?.[13], HandshakeType.helloVerifyRequest)
    pair.server.receive(withCookie)
    const [flight = new Uint8Array()] = pair.server.transmits()
    assert.equal(flight[13], HandshakeType.serverHello)
    // RFC 6347 §4.2.1: the first record of the flight has the sequence number of the ClientHello, and its message_seq.
    assert.deepEqual([...flight.subarray(3, 11)], [...withCookie.subarray(3, 11)])
    assert.deepEqual([...flight.subarray(17, 19)], [...withCookie.subarray(17, 19)])
  })

  it('a client that is asked for cookies without end gives up', () => {
    const { client } = createPair()
    client.dtls.start(0)
    let hellos = client.transmits().length
    for (let sequence = 0; sequence < 20; sequence++) {
      const body = Buffer.from('fefd04' + sequence.toString(16).padStart(8, '0'), 'hex')
      client.receive(plaintextRecord(handshake, handshakeFragment(HandshakeType.helloVerifyRequest, sequence, body)))
      hellos += client.transmits().filter(datagram => datagram[0] === handshake).length
    }
    assert.equal(client.failure, 'unexpected-message')
    assert.equal(hellos, 1 + maxCookieExchanges)
  })
})

describe('What anybody can make a connection keep', () => {
  it('is bounded while it waits for keys', () => {
    const pair = createPair()
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    const forged = Buffer.from(plaintextRecord(applicationData, Buffer.alloc(200)))
    forged.writeUInt16BE(1, 3)
    let kept = 0
    for (let n = 0; n < 1_000; n++) {
      forged.writeUIntBE(100 + n, 5, 6)
      if ('handled' in pair.server.receive(forged)) kept++
    }
    assert.equal(kept, maxEarlyRecords)
    assert.equal(pair.server.dtls.drops['buffer-full'], 1_000 - maxEarlyRecords)
    exchange(pair)
    assertConnected(pair)
    assert.equal(pair.server.dtls.drops['bad-record-mac'], maxEarlyRecords)
  })

  it('is bounded in bytes, too', () => {
    const pair = createPair()
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    const forged = Buffer.from(plaintextRecord(applicationData, Buffer.alloc(10_000)))
    forged.writeUInt16BE(1, 3)
    let kept = 0
    for (let n = 0; n < 20; n++) if ('handled' in pair.server.receive(forged)) kept++
    assert.equal(kept, Math.floor(maxEarlyBytes / forged.length))
  })

  it('is nothing before a ClientHello was answered, and nothing of epochs far away', () => {
    const { server } = createPair()
    server.dtls.start(0)
    const forged = Buffer.from(plaintextRecord(applicationData, Buffer.alloc(20)))
    for (const epoch of [1, 2, 0xffff]) {
      forged.writeUInt16BE(epoch, 3)
      assert.deepEqual(server.receive(forged), { drop: 'unknown-epoch' })
    }
  })

  it('is counted where fragments exceed the limits', () => {
    const pair = createPair()
    start(pair)
    const huge = Buffer.alloc(12 + 1)
    huge[0] = HandshakeType.serverHello
    huge.writeUIntBE(0xff_ffff, 1, 3)
    huge.writeUIntBE(1, 9, 3)
    assert.deepEqual(pair.client.receive(plaintextRecord(handshake, huge)), { drop: 'buffer-full' })
    assert.deepEqual(pair.client.receive(plaintextRecord(handshake, Buffer.alloc(0))), { drop: 'malformed' })
    assert.deepEqual(pair.client.receive(plaintextRecord(handshake, huge.subarray(0, 11))), { drop: 'malformed' })
    exchange(pair)
    assertConnected(pair)
  })
})

describe('Renegotiation', () => {
  /** A record of epoch 1 that `from` itself would never send. */
  function authentic(from: Endpoint, type: number, content: Uint8Array): Uint8Array {
    const genuine = AesGcmSealer.prototype.seal
    AesGcmSealer.prototype.seal = function (_type: number, data: Uint8Array) {
      return genuine.call(this, type, data)
    }
    try {
      return from.dtls.seal(content)
    } finally {
      AesGcmSealer.prototype.seal = genuine
    }
  }

  it('is refused to a client that begins with it, and the connection goes on', () => {
    const pair = connectedPair()
    const [record = new Uint8Array()] = records(unusableHello(0))
    let refusals = 0
    for (let n = 0; n < 20; n++) {
      assert.deepEqual(pair.server.receive(authentic(pair.client, handshake, record.subarray(13))), { handled: true })
      for (const datagram of pair.server.transmits()) {
        refusals++
        pair.client.receive(datagram)
      }
    }
    assert.equal(refusals, maxRenegotiationRefusals)
    pair.server.receive(pair.client.dtls.seal(Buffer.from('still here')))
    assert.deepEqual(pair.server.data, ['still here'])
    assertConnected(pair)
  })

  it('is not what another Finished is taken for', () => {
    const pair = connectedPair()
    const finished = (sequence: number) => handshakeFragment(HandshakeType.finished, sequence, Buffer.alloc(12))
    pair.server.receive(authentic(pair.client, handshake, finished(9)), 1_000)
    assert.deepEqual(pair.server.transmits(), [])
    // That of the handshake, coming again, asks for the last flight.
    pair.server.receive(authentic(pair.client, handshake, finished(4)), 2_000)
    assert.equal(pair.server.transmits().length, 1)
  })

  it('asked for by the server is ignored', () => {
    const pair = connectedPair()
    const request = handshakeFragment(HandshakeType.helloRequest, 0, new Uint8Array())
    pair.client.receive(authentic(pair.server, handshake, request))
    assert.deepEqual(pair.client.transmits(), [])
    assertConnected(pair)
  })

  it('and other authenticated nonsense do no harm', () => {
    const pair = connectedPair()
    const random = prng(17)
    for (let n = 0; n < 500; n++) {
      const content = random.bytes(random.next() % 40)
      // Alerts may end the connection, as they should.
      for (const type of [changeCipherSpec, handshake, 99]) pair.server.receive(authentic(pair.client, type, content))
      pair.server.transmits()
    }
    for (const content of [Buffer.alloc(0), Buffer.of(2), Buffer.of(1, 100), Buffer.of(1, 90), Buffer.of(2, 40, 0)]) {
      pair.server.receive(authentic(pair.client, alert, content))
    }
    assertConnected(pair)
  })

  it('is not needed to end a connection: an authenticated fatal alert does', () => {
    const pair = connectedPair()
    pair.server.receive(authentic(pair.client, alert, Uint8Array.of(2, Alert.internalError)))
    const event = pair.server.events.at(-1)
    assert.ok(event?.type === 'failed')
    assert.equal(event.error.receivedAlert, Alert.internalError)
    assert.deepEqual(pair.server.transmits(), [])
    assert.throws(() => pair.server.dtls.seal(Buffer.from('x')), { code: 'not-connected' })
  })
})

function mutate(datagram: Uint8Array, seed: number): Uint8Array {
  const random = prng(seed)
  const changed = new Uint8Array(datagram)
  changed[random.next() % changed.length] = random.next() & 0xff
  return changed
}

function exchangeFrom(pair: Pair, hello: Uint8Array): void {
  pair.server.receive(hello, 5_000)
  exchange(pair, 5_000)
}

import assert from 'node:assert/strict'
import { maxEarlyRecords } from '../../../src/dtls/early-records.ts'
import { Handshake } from '../../../src/dtls/handshake.ts'
import { Alert } from '../../../src/dtls/index.ts'
import { HandshakeType } from '../../../src/dtls/messages.ts'
import type { RecordSealer } from '../../../src/dtls/record-protection.ts'
import { maxTrackedRecords, SentFragments } from '../../../src/dtls/sent-fragments.ts'
import { maxAcknowledgedRecords, ReceivedRecords } from '../../../src/dtls/v13/acks.ts'
import { decodeAck, encodeAck } from '../../../src/dtls/v13/messages.ts'
import { handshakeEpoch } from '../../../src/dtls/v13/post-handshake.ts'
import { prng } from '../../support/prng.ts'
import {
  connectedPair,
  createPair,
  exchange,
  handshakeFragment,
  type Pair,
  plaintextRecord,
  start,
} from '../support.ts'

const options = { maxVersion: '1.3', groups: ['x25519'] } as const

function assertConnected({ client, server }: Pair): void {
  assert.deepEqual([client.failure, server.failure], [undefined, undefined])
  assert.deepEqual([client.dtls.session?.version, server.dtls.session?.version], ['FEFC', 'FEFC'])
}

/** What anybody could send who knows the addresses. */
const forgeries: readonly { title: string; record: Uint8Array }[] = [
  { title: 'a fatal alert', record: plaintextRecord(21, Uint8Array.of(2, Alert.handshakeFailure)) },
  { title: 'a close_notify', record: plaintextRecord(21, Uint8Array.of(1, Alert.closeNotify)) },
  { title: 'ChangeCipherSpec', record: plaintextRecord(20, Uint8Array.of(1)) },
  { title: 'application data', record: plaintextRecord(23, Buffer.from('smuggled')) },
  { title: 'a KeyUpdate', record: plaintextRecord(22, handshakeFragment(HandshakeType.keyUpdate, 5, Buffer.of(1))) },
  { title: 'an ACK of nothing', record: plaintextRecord(26, Buffer.of(0, 0)) },
  {
    title: 'an ACK of everything',
    record: plaintextRecord(26, encodeAck(Array.from({ length: 40 }, (_, n) => ({ epoch: n % 4, sequence: n >> 2 })))),
  },
]

describe('Forged records of epoch 0, in DTLS 1.3', () => {
  for (const { title, record } of forgeries) {
    for (const victim of ['client', 'server'] as const) {
      it(`do nothing to a ${victim} after the handshake but count: ${title}`, () => {
        const pair = connectedPair({ options })
        for (let n = 0; n < 5; n++) assert.deepEqual(pair[victim].receive(record), { drop: 'unauthenticated' })
        assert.deepEqual(pair[victim].transmits(), [])
        pair.server.receive(pair.client.dtls.seal(Buffer.from('a')))
        pair.client.receive(pair.server.dtls.seal(Buffer.from('b')))
        assert.deepEqual([pair.server.data, pair.client.data], [['a'], ['b']])
        assertConnected(pair)
      })

      it(`do not keep a ${victim} from connecting: ${title}`, () => {
        const pair = createPair({ options })
        start(pair)
        for (let round = 0; round < 4; round++) {
          for (let n = 0; n < 3; n++) pair[victim].receive(record)
          for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
          for (let n = 0; n < 3; n++) pair[victim].receive(record)
          for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
        }
        assertConnected(pair)
      })
    }
  }

  it('with an ACK make a server repeat its flight no more often than half its timer', () => {
    const pair = createPair({ options })
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    pair.server.transmits()
    let sent = 0
    for (let now = 0; now < 1_000; now++) {
      pair.server.receive(plaintextRecord(26, Buffer.of(0, 0)), now)
      sent += pair.server.transmits().length
    }
    assert.ok(sent > 0 && sent <= 2 * (1_000 / 50), `${sent} datagrams`)
  })
})

describe('Protected records of DTLS 1.3', () => {
  it('are taken once, in any order', () => {
    const pair = connectedPair({ options })
    const sealed = Array.from({ length: 40 }, (_, n) => pair.client.dtls.seal(Buffer.from(`${n}`)))
    for (const datagram of sealed.toReversed()) assert.deepEqual(pair.server.receive(datagram), { handled: true })
    for (const datagram of sealed) assert.deepEqual(pair.server.receive(datagram), { drop: 'replayed' })
    assert.equal(pair.server.data.length, 40)
  })

  it('that were forged do not move the replay window, wherever their number seems to be', () => {
    const pair = connectedPair({ options })
    const genuine = pair.client.dtls.seal(Buffer.from('genuine'))
    for (let n = 0; n < 2_000; n++) {
      const forged = new Uint8Array(genuine)
      forged[1] = n >> 3
      forged[2] = n
      forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
      assert.deepEqual(pair.server.receive(forged), { drop: 'bad-record-mac' })
    }
    assert.deepEqual(pair.server.receive(genuine), { handled: true })
    assert.deepEqual(pair.server.data, ['genuine'])
  })

  it('are kept up to a bound while there are no keys', () => {
    const pair = createPair({ options })
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    // Bits 3: data that came before the last flight.
    const forged = Buffer.concat([Buffer.of(0x2f, 0, 0, 0, 200), Buffer.alloc(200)])
    let kept = 0
    for (let n = 0; n < 1_000; n++) if ('handled' in pair.server.receive(forged)) kept++
    assert.equal(kept, maxEarlyRecords)
    for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
    exchange(pair)
    assertConnected(pair)
    assert.equal(pair.server.dtls.drops['bad-record-mac'], maxEarlyRecords)
  })

  it('with application data in the epoch of the handshake are not delivered', () => {
    const sealers: RecordSealer[] = []
    const pair = notingSealers(sealers, () => {
      const unfinished = createPair({ options })
      start(unfinished)
      for (const datagram of unfinished.client.transmits()) unfinished.server.receive(datagram)
      for (const datagram of unfinished.server.transmits()) unfinished.client.receive(datagram)
      return unfinished
    })
    const [handshakeSealer] = sealers
    assert.ok(handshakeSealer)
    const smuggled = handshakeSealer.seal(23, Buffer.from('smuggled'))
    assert.equal((smuggled[0] ?? 0) & 3, 2)
    assert.deepEqual(pair.server.receive(smuggled), { drop: 'unexpected' })
    exchange(pair)
    assert.deepEqual(pair.server.receive(handshakeSealer.seal(23, Buffer.from('late'))), { drop: 'unexpected' })
    assert.deepEqual(pair.server.types, ['connected'])
  })

  it('of DTLS 1.2 are none that a connection of DTLS 1.3 opens, and the other way round', () => {
    const pair = connectedPair({ options })
    const older = connectedPair({ options: { maxVersion: '1.2' } })
    const drop = { drop: 'unknown-epoch' }
    assert.deepEqual(pair.server.receive(older.client.dtls.seal(Buffer.from('x'))), drop)
    assert.deepEqual(older.server.receive(pair.client.dtls.seal(Buffer.from('x'))), drop)
  })

  it('with a connection ID, or cut off, are malformed', () => {
    const pair = connectedPair({ options })
    for (const record of ['3f00000000', '2f', '2f0000', '2f0000ffff00']) {
      assert.deepEqual(pair.server.receive(Buffer.from(record, 'hex')), { drop: 'malformed' })
    }
  })
})

describe('After the handshake of DTLS 1.3', () => {
  for (const [title, type, body] of [
    ['a ClientHello', HandshakeType.clientHello, Buffer.alloc(50)],
    ['a CertificateRequest', HandshakeType.certificateRequest, Buffer.alloc(3)],
    ['a session ticket from a client', HandshakeType.newSessionTicket, Buffer.alloc(20)],
    ['a RequestConnectionId', 9, Buffer.alloc(1)],
  ] as const) {
    it(`${title} ends the connection`, () => {
      const { pair, seal } = pairWithSealer()
      pair.server.receive(seal(22, nextMessage(type, body)))
      // A new ClientHello is not even looked at: it can only be an attempt to renegotiate.
      if (type === HandshakeType.clientHello) assert.equal(pair.server.dtls.drops.unexpected, 1)
      else assert.equal(pair.server.failure, 'unexpected-message')
    })
  }

  it('a KeyUpdate that is neither ends the connection', () => {
    for (const body of [Buffer.of(2), Buffer.of(), Buffer.of(0, 0)]) {
      const { pair, seal } = pairWithSealer()
      pair.server.receive(seal(22, nextMessage(HandshakeType.keyUpdate, body)))
      assert.equal(pair.server.failure, 'decode-error')
    }
  })

  it('an ACK that is cut off, or of records that were never sent, changes nothing', () => {
    const { pair, seal } = pairWithSealer()
    for (const ack of [
      Buffer.of(),
      Buffer.of(0, 5, 1),
      Buffer.of(0, 3, 1, 2, 3),
      Buffer.concat([Buffer.of(0, 16), Buffer.alloc(16, 0xff)]),
    ]) {
      pair.server.receive(seal(26, ack))
    }
    assert.deepEqual(pair.server.transmits(), [])
    assertConnected(pair)
  })

  it('an error is fatal whatever its level says, and only errors are', () => {
    const { pair, seal } = pairWithSealer()
    pair.server.receive(seal(21, Buffer.of(2, Alert.userCanceled)))
    pair.server.receive(seal(21, Buffer.of(1, Alert.internalError)))
    assert.equal(pair.server.failure, 'peer-alert')
  })

  it('a message that goes on in the epoch of the handshake ends the connection', () => {
    const sealers: RecordSealer[] = []
    const pair = notingSealers(sealers, () => connectedPair({ options }))
    const old = sealers.find(({ epoch }) => epoch === handshakeEpoch)
    assert.ok(old !== undefined)
    pair.server.receive(old.seal(22, nextMessage(HandshakeType.finished, new Uint8Array(32))))
    assert.equal(pair.server.failure, 'unexpected-message')
  })

  it('close_notify closes', () => {
    const pair = connectedPair({ options })
    pair.client.dtls.close(0)
    exchange(pair)
    assert.deepEqual(pair.server.types, ['connected', 'closed'])
  })
})

/** A connected pair, with what seals any record as the client would. */
function pairWithSealer(): { pair: Pair; seal: (type: number, content: Uint8Array) => Uint8Array } {
  const sealers: RecordSealer[] = []
  const pair = notingSealers(sealers, () => connectedPair({ options }))
  return { pair, seal: (type, content) => sealers.at(-1)?.seal(type, content) ?? new Uint8Array() }
}

/** Runs while everything that the client seals with is noted. */
function notingSealers<T>(sealers: RecordSealer[], run: () => T): T {
  const genuine = Handshake.prototype.sealWith
  Handshake.prototype.sealWith = function (next: RecordSealer) {
    if (this.config.role === 'client') sealers.push(next)
    genuine.call(this, next)
  }
  try {
    return run()
  } finally {
    Handshake.prototype.sealWith = genuine
  }
}

/** A handshake message with the number that the client's next one has. */
function nextMessage(type: number, body: Uint8Array): Uint8Array {
  return handshakeFragment(type, 4, body)
}

describe('What is remembered for ACKs', () => {
  it('of received records is bounded: the latest', () => {
    const records = new ReceivedRecords()
    for (let sequence = 0; sequence < 1_000; sequence++) records.add(2, sequence)
    const numbers = decodeAck(records.encode(2_000))
    assert.equal(numbers.length, maxAcknowledgedRecords)
    assert.deepEqual(numbers.at(-1), { epoch: 2, sequence: 999 })
  })

  it('of received records is told as far as it fits the datagram: the latest', () => {
    const records = new ReceivedRecords()
    for (let sequence = 0; sequence < 20; sequence++) records.add(2, sequence)
    for (const [room, count] of [
      [2 + 16, 1],
      [2 + 16 * 10 - 1, 9],
      [2 + 16 * 10, 10],
      [2 + 16 * 20, 20],
      [1_000, 20],
    ] as const) {
      const ack = records.encode(room)
      assert.ok(ack.length <= room)
      const numbers = decodeAck(ack)
      assert.equal(numbers.length, count)
      assert.deepEqual(numbers.at(-1), { epoch: 2, sequence: 19 })
    }
  })

  it('of sent records is bounded: the latest', () => {
    const fragments = new SentFragments()
    const message = { type: 20, sequence: 0, epoch: 2, body: new Uint8Array(10) }
    for (let n = 0; n <= maxTrackedRecords; n++) fragments.note(2, n, message, { from: 0, end: 10 })
    assert.equal(fragments.acknowledge([{ epoch: 2, sequence: 0 }]), false)
    assert.equal(fragments.acknowledge([{ epoch: 2, sequence: 1 }]), true)
    assert.deepEqual(fragments.missing(message), [])
  })

  it('of a message is which bytes are missing', () => {
    const random = prng(5)
    for (let round = 0; round < 50; round++) {
      const fragments = new SentFragments()
      const message = { type: 11, sequence: 0, epoch: 2, body: new Uint8Array(100) }
      const has = new Uint8Array(100)
      for (let n = 0; n < 5; n++) {
        const from = random.next() % 100
        const end = from + (random.next() % (101 - from))
        fragments.note(2, n, message, { from, end })
        fragments.acknowledge([{ epoch: 2, sequence: n }])
        has.fill(1, from, end)
      }
      const told = new Uint8Array(100).fill(1)
      for (const { from, end } of fragments.missing(message)) told.fill(0, from, end)
      assert.deepEqual(told, has)
    }
  })
})

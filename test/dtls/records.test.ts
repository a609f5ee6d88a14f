import assert from 'node:assert/strict'
import { createDecipheriv } from 'node:crypto'
import { DtlsError } from '../../src/dtls/index.ts'
import {
  maxPlaintextLength,
  maxSequence,
  recordEnd,
  recordEpoch,
  recordSequence,
  recordType,
  writeRecordHeader,
} from '../../src/dtls/record.ts'
import { AesGcmOpener, AesGcmSealer, aesGcmOverhead, PlaintextSealer } from '../../src/dtls/record-protection.ts'
import { prng } from '../support/prng.ts'
import { connectedPair } from './support.ts'

const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const salt = Buffer.from('a0a1a2a3', 'hex')

describe('A DTLS record', () => {
  it('has a header that reads as it was written, for every sequence number', () => {
    const record = Buffer.alloc(13 + 5)
    for (const sequence of [0, 1, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, 2 ** 47 + 12345, maxSequence]) {
      writeRecordHeader(record, 23, 0x0102, sequence, 5)
      assert.equal(recordType(record, 0), 23)
      assert.equal(recordEpoch(record, 0), 0x0102)
      assert.equal(recordSequence(record, 0), sequence)
      assert.equal(recordEnd(record, 0), 18)
      assert.equal(record.readUIntBE(5, 6), sequence)
      assert.equal(record.readUInt16BE(1), 0xfefd)
    }
  })

  it('is none where it is cut off, too long, or of another protocol', () => {
    const record = Buffer.from(new PlaintextSealer().seal(22, Buffer.alloc(20)))
    assert.equal(recordEnd(record, 0), record.length)
    for (let length = 0; length < record.length; length++) assert.equal(recordEnd(record.subarray(0, length), 0), -1)
    for (const version of [0x0303, 0xfefc, 0xfe00, 0xfffd]) {
      record.writeUInt16BE(version, 1)
      assert.equal(recordEnd(record, 0), -1)
    }
    const long = Buffer.alloc(13 + maxPlaintextLength + 2049)
    writeRecordHeader(long, 23, 1, 0, maxPlaintextLength + 2048)
    assert.equal(recordEnd(long, 0), long.length - 1)
    writeRecordHeader(long, 23, 1, 0, maxPlaintextLength + 2049)
    assert.equal(recordEnd(long, 0), -1)
  })

  it('is opened only if nothing in it was changed', () => {
    const record = Buffer.from(new AesGcmSealer(1, key, salt).seal(23, Buffer.from('content')))
    assert.equal(record.length, 7 + aesGcmOverhead)
    const opener = new AesGcmOpener(key, salt)
    assert.equal(Buffer.from(opener.open(record, 0, record.length) ?? []).toString(), 'content')
    for (let at = 0; at < record.length; at++) {
      // The length is checked before, and not part of what is opened.
      if (at === 11 || at === 12) continue
      const changed = Buffer.from(record)
      changed[at] = (changed[at] ?? 0) ^ 0x40
      assert.equal(opener.open(changed, 0, changed.length), undefined, `byte ${at}`)
    }
    for (let length = 13; length < record.length; length++) {
      assert.equal(opener.open(record.subarray(0, length), 0, length), undefined)
    }
  })

  it('carries nothing to the longest plaintext, wherever in a datagram it stands', () => {
    const sealer = new AesGcmSealer(1, key, salt)
    const opener = new AesGcmOpener(key, salt)
    for (const length of [0, 1, 1200, maxPlaintextLength]) {
      const content = prng(length).bytes(length)
      const datagram = Buffer.concat([Buffer.alloc(7), sealer.seal(23, content)])
      assert.deepEqual(new Uint8Array(opener.open(datagram, 7, datagram.length) ?? [1]), content)
    }
    assert.throws(() => sealer.seal(23, new Uint8Array(maxPlaintextLength + 1)), { code: 'record-too-long' })
  })

  it('is protected as RFC 5288 and RFC 6347 say: explicit nonce of epoch and sequence number', () => {
    const record = Buffer.from(new AesGcmSealer(1, key, salt, 0x0203_0405_0607).seal(23, Buffer.from('content')))
    assert.equal(record.subarray(13, 21).toString('hex'), '0001020304050607')
    const decipher = createDecipheriv('aes-128-gcm', key, Buffer.concat([salt, record.subarray(13, 21)]))
    decipher.setAAD(Buffer.from('0001020304050607' + '17' + 'fefd' + '0007', 'hex'))
    decipher.setAuthTag(record.subarray(-16))
    const content = Buffer.concat([decipher.update(record.subarray(21, -16)), decipher.final()])
    assert.equal(content.toString(), 'content')
  })

  it('never uses a nonce twice, in a million records', function () {
    this.timeout(60_000)
    const sealer = new AesGcmSealer(1, key, salt)
    const content = new Uint8Array()
    let previous = -1n
    for (let n = 0; n < 1_000_000; n++) {
      const record = sealer.seal(23, content) as Buffer
      const nonce = record.readBigUInt64BE(13)
      // Strictly rising, so no two are equal.
      if (nonce <= previous) assert.fail(`nonce ${nonce} after ${previous}`)
      previous = nonce
    }
    assert.equal(previous, (1n << 48n) + 999_999n)
  })

  it('has no successor after the last sequence number', () => {
    const sealer = new AesGcmSealer(1, key, salt, maxSequence - 1)
    const nonces = [sealer.seal(23, new Uint8Array()), sealer.seal(23, new Uint8Array())].map(record =>
      Buffer.from(record).subarray(13, 21).toString('hex'),
    )
    assert.deepEqual(nonces, ['0001fffffffffffe', '0001ffffffffffff'])
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.throws(() => sealer.seal(23, new Uint8Array()), { code: 'sequence-exhausted' })
    }
  })

  it('cannot be made any more once the keys are wiped, and the keys are gone', () => {
    const ownKey = Buffer.from(key)
    const sealer = new AesGcmSealer(1, ownKey, salt)
    sealer.wipe()
    assert.throws(() => sealer.seal(23, Buffer.from('x')), DtlsError)
    assert.deepEqual(ownKey, Buffer.alloc(16))
    const peerKey = Buffer.from(key)
    new AesGcmOpener(peerKey, salt).wipe()
    assert.deepEqual(peerKey, Buffer.alloc(16))
  })
})

describe('Records that are received', () => {
  it('count once: a repeated one is dropped, also far behind', () => {
    const { client, server } = connectedPair()
    const sealed = Array.from({ length: 200 }, (_, n) => client.dtls.seal(Buffer.from(String(n))))
    const random = prng(3)
    const order = sealed.map((record, n) => ({ record, at: n + random.float() * 30 })).sort((a, b) => a.at - b.at)
    for (const { record } of order) assert.deepEqual(server.receive(record), { handled: true })
    assert.equal(new Set(server.data).size, 200)
    for (const record of sealed) assert.deepEqual(server.receive(record), { drop: 'replayed' })
    assert.equal(server.data.length, 200)
    assert.equal(server.dtls.drops.replayed, 200)
  })

  it('do not move the replay window before they are authenticated', () => {
    const { client, server } = connectedPair()
    const record = Buffer.from(client.dtls.seal(Buffer.from('genuine')))
    const forged = Buffer.from(record)
    // A sequence number far ahead: had it moved the window, the genuine record would be too old.
    forged.writeUIntBE(2 ** 40, 5, 6)
    assert.deepEqual(server.receive(forged), { drop: 'bad-record-mac' })
    const sameNumber = Buffer.from(record)
    sameNumber[30] = (sameNumber[30] ?? 0) ^ 1
    assert.deepEqual(server.receive(sameNumber), { drop: 'bad-record-mac' })
    assert.deepEqual(server.receive(record), { handled: true })
    assert.deepEqual(server.data, ['genuine'])
  })

  it('may share a datagram with others, and with rubbish', () => {
    const { client, server } = connectedPair()
    const [one, two, three] = ['one', 'two', 'three'].map(text => client.dtls.seal(Buffer.from(text)))
    const datagram = Buffer.concat([one ?? [], one ?? [], two ?? [], three ?? [], Buffer.from('rubbish')] as Buffer[])
    assert.deepEqual(server.receive(datagram), { handled: true })
    assert.deepEqual(server.data, ['one', 'two', 'three'])
    assert.equal(server.dtls.drops.replayed, 1)
    assert.equal(server.dtls.drops.malformed, 1)
  })

  it('without data tell nothing, and of no known epoch or type are counted', () => {
    const { client, server } = connectedPair()
    assert.deepEqual(server.receive(client.dtls.seal(new Uint8Array())), { handled: true })
    assert.deepEqual(server.data, [])
    const record = Buffer.from(client.dtls.seal(Buffer.from('x')))
    record.writeUInt16BE(2, 3)
    assert.deepEqual(server.receive(record), { drop: 'unknown-epoch' })
    assert.deepEqual(server.receive(new Uint8Array()), { drop: 'malformed' })
  })

  it('end the connection with an error where the sequence numbers run out', () => {
    const { client, server } = connectedPair()
    const exhausted = new DtlsError('sequence-exhausted', 'no sequence number is left')
    const genuine = AesGcmSealer.prototype.seal
    AesGcmSealer.prototype.seal = () => {
      throw exhausted
    }
    try {
      assert.throws(() => client.dtls.seal(Buffer.from('x')), exhausted)
      // A goodbye cannot be said any more, either.
      server.dtls.close(0)
      assert.equal(server.dtls.state, 'closed')
      assert.deepEqual(server.transmits(), [])
    } finally {
      AesGcmSealer.prototype.seal = genuine
    }
    client.drainEvents()
    assert.equal(client.failure, 'sequence-exhausted')
    assert.throws(() => client.dtls.seal(Buffer.from('x')), { code: 'not-connected' })
  })

  it('of application data are the events they hold, without a copy of the datagram being kept', () => {
    const { client, server } = connectedPair()
    const record = Buffer.from(client.dtls.seal(Buffer.from('kept')))
    server.receive(record)
    record.fill(0)
    assert.deepEqual(server.data, ['kept'])
  })
})

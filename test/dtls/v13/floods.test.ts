import assert from 'node:assert/strict'
import { HandshakeType } from '../../../src/dtls/messages.ts'
import { maxPlaintextLength } from '../../../src/dtls/record.ts'
import { AesGcmOpener } from '../../../src/dtls/record-protection.ts'
import { SentFragments } from '../../../src/dtls/sent-fragments.ts'
import { encodeAck, encodeKeyUpdate } from '../../../src/dtls/v13/messages.ts'
import { ReadEpochs13 } from '../../../src/dtls/v13/read-epochs.ts'
import { Opener13, Sealer13 } from '../../../src/dtls/v13/record-protection.ts'
import { maxCiphertextLength } from '../../../src/dtls/v13/unified-header.ts'
import { talkingPair } from '../sealers.ts'
import { createPair, type Endpoint, exchange, handshakeFragment, type Pair, plaintextRecord } from '../support.ts'

const options = { maxVersion: '1.3', groups: ['x25519'] } as const
const handshake = 22
const applicationData = 23
const ack = 26
/** message_seq of what the client says next: ClientHello, Certificate, CertificateVerify and Finished were before. */
const firstSequence = 4

function assertWorks({ client, server }: Pair, text: string): void {
  server.receive(client.dtls.seal(Buffer.from(text)))
  client.receive(server.dtls.seal(Buffer.from(text)))
  assert.deepEqual([client.data.at(-1), server.data.at(-1)], [text, text])
}

/** The datagrams that `to` answers to what it receives. */
function answers(to: Endpoint, datagram: Uint8Array, now: number): readonly Uint8Array[] {
  to.receive(datagram, now)
  return to.transmits()
}

describe('A flood from a peer that has the keys', () => {
  it('of session tickets costs an ACK each, and nothing that stays', () => {
    const { pair, seal } = talkingPair({ options })
    // EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify and Finished follow the ServerHello.
    for (let n = 0; n < 500; n++) {
      const ticket = handshakeFragment(HandshakeType.newSessionTicket, 6 + n, new Uint8Array(1_000))
      assert.equal(answers(pair.client, seal('server', handshake, ticket), n).length, 1)
    }
    assert.equal(pair.client.dtls.pollTimeout(), undefined)
    assertWorks(pair, 'after')
  })

  it('of ACKs is answered once for each part of a message that they tell anything of', () => {
    const fragments = new SentFragments()
    const message = { type: HandshakeType.certificate, sequence: 1, epoch: 2, body: new Uint8Array(100) }
    for (let sequence = 0; sequence < 10; sequence++) fragments.note(2, sequence, message, { from: 0, end: 50 })
    fragments.note(2, 10, message, { from: 40, end: 60 })
    assert.equal(fragments.acknowledge([{ epoch: 2, sequence: 3 }]), true)
    for (const sequence of [0, 1, 2, 4, 5]) assert.equal(fragments.acknowledge([{ epoch: 2, sequence }]), false)
    assert.equal(fragments.acknowledge([{ epoch: 2, sequence: 10 }]), true)
    assert.deepEqual(fragments.missing(message), [{ from: 60, end: 100 }])
  })

  it('of long ACKs after the handshake is answered with nothing', () => {
    const { pair, seal } = talkingPair({ options })
    const numbers = Array.from({ length: 1_000 }, (_, sequence) => ({ epoch: 3, sequence }))
    const began = pair.server.dtls.drops.malformed
    for (let n = 0; n < 200; n++) {
      assert.deepEqual(answers(pair.server, seal('client', ack, encodeAck(numbers)), n), [])
      assert.deepEqual(answers(pair.server, seal('client', ack, encodeAck([])), n), [])
    }
    assert.equal(pair.server.dtls.drops.malformed, began)
    assertWorks(pair, 'after')
  })

  it('of key updates leaves three epochs to read, one key to seal with, and all others overwritten', () => {
    const added: ReadEpochs13[] = []
    const wiped: Sealer13[] = []
    const restore = [spy(ReadEpochs13.prototype, 'add', added), spy(Sealer13.prototype, 'wipe', wiped)]
    try {
      const { pair, sealers } = talkingPair({ options })
      for (let n = 0; n < 300; n++) {
        pair.client.dtls.updateKeys(n, true)
        exchange(pair, n)
      }
      assertWorks(pair, 'after')
      const sealedWith = [...sealers.client, ...sealers.server].length
      assert.ok(added.length >= 600)
      const before = new Set(wiped).size
      pair.client.dtls.close(1_000)
      // What was replaced was wiped at once, and is not held until the end: wiping at the end finds only a few.
      assert.ok(before >= 598, `${before} of ${sealedWith}`)
      const atClient = wiped.length
      pair.server.dtls.close(1_000)
      assert.ok(wiped.length - atClient <= 4, `${wiped.length - atClient} keys were still held`)
    } finally {
      for (const each of restore) each()
    }
  })

  it('of KeyUpdates in one record ends the connection: they would be of an epoch that has passed', () => {
    const { pair, seal } = talkingPair({ options })
    const updates = Array.from({ length: 5 }, (_, n) =>
      handshakeFragment(HandshakeType.keyUpdate, firstSequence + n, encodeKeyUpdate(false)),
    )
    pair.server.receive(seal('client', handshake, Buffer.concat(updates)), 0)
    assert.equal(pair.server.failure, 'unexpected-message')
  })
})

describe('Forged records of DTLS 1.3 after a key update', () => {
  it('move no replay window, of whatever epoch they seem to be', () => {
    const { pair } = talkingPair({ options })
    const before = Array.from({ length: 3 }, (_, n) => pair.client.dtls.seal(Buffer.from(`old ${n}`)))
    pair.client.dtls.updateKeys(0)
    exchange(pair)
    const after = Array.from({ length: 3 }, (_, n) => pair.client.dtls.seal(Buffer.from(`new ${n}`)))
    for (const genuine of [...before, ...after]) {
      for (let bits = 0; bits < 4; bits++) {
        for (let sequence = 0; sequence < 0x1_0000; sequence += 0x1fff) {
          const forged = Buffer.from(genuine)
          forged[0] = ((forged[0] ?? 0) & 0xfc) | bits
          forged.writeUInt16BE(sequence, 1)
          if (forged.equals(genuine)) continue
          assert.notDeepEqual(pair.server.receive(forged), { handled: true })
        }
      }
    }
    for (const genuine of [...before, ...after]) assert.deepEqual(pair.server.receive(genuine), { handled: true })
    for (const genuine of [...before, ...after]) assert.deepEqual(pair.server.receive(genuine), { drop: 'replayed' })
    assert.deepEqual(pair.server.data, ['old 0', 'old 1', 'old 2', 'new 0', 'new 1', 'new 2'])
  })

  it('with a KeyUpdate, in the clear or protected by nothing, change no key', () => {
    const { pair } = talkingPair({ options })
    const update = handshakeFragment(HandshakeType.keyUpdate, firstSequence, encodeKeyUpdate(true))
    assert.deepEqual(pair.server.receive(plaintextRecord(handshake, update)), { drop: 'unauthenticated' })
    const bare = Buffer.concat([Buffer.of(0x2f, 0, 9, 0, update.length + 17), update, Buffer.alloc(17)])
    assert.deepEqual(pair.server.receive(bare), { drop: 'bad-record-mac' })
    assert.deepEqual(pair.server.transmits(), [])
    assertWorks(pair, 'after')
  })
})

describe('The length of a record', () => {
  for (const maxVersion of ['1.2', '1.3'] as const) {
    it(`is 2^14 bytes of content at most, in DTLS ${maxVersion}, whoever authenticated it`, () => {
      const { pair } = talkingPair({ options: { maxVersion } })
      const { server, client } = pair
      assert.deepEqual(server.receive(client.dtls.seal(new Uint8Array(maxPlaintextLength))), { handled: true })
      assert.throws(() => client.dtls.seal(new Uint8Array(maxPlaintextLength + 1)), { code: 'record-too-long' })
      withContentOf(maxPlaintextLength, () => {
        assert.deepEqual(server.receive(client.dtls.seal(Buffer.from('x'))), { handled: true })
      })
      withContentOf(maxPlaintextLength + 1, () => {
        assert.deepEqual(server.receive(client.dtls.seal(Buffer.from('x'))), { drop: 'malformed' })
      })
      assert.equal(server.data.length, 2)
    })
  }

  it('of a DTLSCiphertext is 2^14 + 256 bytes at most, with a length or without', () => {
    const { pair } = talkingPair({ options })
    for (const length of [maxCiphertextLength, maxCiphertextLength + 1]) {
      const drop = length > maxCiphertextLength ? 'malformed' : 'bad-record-mac'
      const withLength = Buffer.concat([Buffer.of(0x2f, 0, 9, length >> 8, length & 0xff), Buffer.alloc(length)])
      const without = Buffer.concat([Buffer.of(0x2b, 0, 9), Buffer.alloc(length)])
      for (const record of [withLength, without]) assert.deepEqual(pair.server.receive(record), { drop })
    }
  })

  it('in the clear is 2^14 bytes at most', () => {
    for (const length of [maxPlaintextLength, maxPlaintextLength + 1]) {
      const { client } = createPair({ options })
      client.dtls.start(0)
      const drop = length > maxPlaintextLength ? 'malformed' : 'unauthenticated'
      assert.deepEqual(client.receive(plaintextRecord(applicationData, new Uint8Array(length))), { drop })
    }
  })
})

/** Notes on what a method is called. Returns what ends that. */
function spy<T extends object>(prototype: T, method: keyof T, called: T[]): () => void {
  const genuine = prototype[method] as (this: T, ...given: unknown[]) => unknown
  const noting = function (this: T, ...given: unknown[]): unknown {
    called.push(this)
    return genuine.apply(this, given)
  }
  Object.assign(prototype, { [method]: noting })
  return () => Object.assign(prototype, { [method]: genuine })
}

/** Runs while every record that is authentic turns out to hold so many bytes: our own ends do not seal longer ones. */
function withContentOf(length: number, run: () => void): void {
  const restore = [Opener13.prototype, AesGcmOpener.prototype].map(prototype => {
    const genuine = prototype.open
    prototype.open = function (this: Opener13 & AesGcmOpener, datagram: Uint8Array, at: number, end: number) {
      return genuine.call(this, datagram, at, end) === undefined ? undefined : new Uint8Array(length)
    }
    return () => {
      prototype.open = genuine
    }
  })
  try {
    run()
  } finally {
    for (const each of restore) each()
  }
}

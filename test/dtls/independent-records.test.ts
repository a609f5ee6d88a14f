import assert from 'node:assert/strict'
import { type CipherGCM, createCipheriv, createDecipheriv, createHmac, type DecipherGCM } from 'node:crypto'
import { cipherSuites12 } from '../../src/dtls/cipher-suites.ts'
import { decodeClientHello, encodeClientHello } from '../../src/dtls/hello.ts'
import type { DtlsOptions } from '../../src/dtls/index.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { cipherSuites13 } from '../../src/dtls/v13/cipher-suites.ts'
import { createPair, exchange, type Pair, start, withTampering } from './support.ts'

// Records and keys are computed here once more, from the text of the standards and with node:crypto alone: what our two
// ends do alike, but wrong, a connection between them does not show.

const message = Buffer.from('a record of application data')
const sides = ['client', 'server'] as const
type Side = (typeof sides)[number]

/** A connected pair with this suite, and the key log of its client: label, client random, secret. */
function connect(suite: number, options: Partial<DtlsOptions>): Pair & { readonly log: ReadonlyMap<string, Buffer[]> } {
  const log = new Map<string, Buffer[]>()
  const keyLog = (line: string): void => {
    const [label = '', ...values] = line.trim().split(' ')
    log.set(
      label,
      values.map(value => Buffer.from(value, 'hex')),
    )
  }
  const pair = createPair({ options, client: { keyLog } })
  withTampering(
    (type, body) => {
      if (type !== HandshakeType.clientHello) return body
      return encodeClientHello({ ...decodeClientHello(body), cipherSuites: [suite] })
    },
    () => start(pair),
  )
  exchange(pair)
  assert.equal(pair.client.dtls.state, 'connected', `${pair.client.failure} ${pair.server.failure}`)
  return { ...pair, log }
}

function hmac(hash: string, key: Uint8Array, ...data: readonly Uint8Array[]): Buffer {
  return createHmac(hash, key).update(Buffer.concat(data)).digest()
}

interface Sealed {
  readonly aead: string
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly aad: Uint8Array
}

/** The types of node:crypto know the AEADs one by one. */
type CreateCipher = (aead: string, key: Uint8Array, nonce: Uint8Array, options: { authTagLength: number }) => CipherGCM
type CreateDecipher = (...values: Parameters<CreateCipher>) => DecipherGCM

function seal({ aead, key, nonce, aad }: Sealed, content: Uint8Array): Buffer {
  const cipher = (createCipheriv as unknown as CreateCipher)(aead, key, nonce, { authTagLength: 16 })
  cipher.setAAD(aad, { plaintextLength: content.length })
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()])
}

function open({ aead, key, nonce, aad }: Sealed, sealed: Uint8Array): Buffer {
  const decipher = (createDecipheriv as unknown as CreateDecipher)(aead, key, nonce, { authTagLength: 16 })
  decipher.setAAD(aad, { plaintextLength: sealed.length - 16 })
  decipher.setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  assert.equal(a.length, b.length)
  return Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)))
}

describe('Records of DTLS 1.3, computed independently,', () => {
  /** RFC 9147 §4: 001 for a DTLSCiphertext, no connection ID, 16 bits of sequence number, a length, and epoch 3. */
  const flags = 0b0010_1111

  /** RFC 8446 §7.1 with the prefix of RFC 9147 §5.9: an output of one block needs no more than this of HKDF-Expand. */
  function expandLabel(hash: string, secret: Uint8Array, label: string, length: number): Buffer {
    const name = Buffer.from(`dtls13${label}`)
    const info = Buffer.concat([Buffer.of(0, length, name.length), name, Buffer.of(0), Buffer.of(1)])
    return hmac(hash, secret, info).subarray(0, length)
  }

  /** RFC 9147 §4.2.3: AES-ECB of 16 bytes of ciphertext, or ChaCha20 with them for counter and nonce. */
  function mask(aead: string, key: Uint8Array, sample: Uint8Array): Buffer {
    if (aead === 'chacha20-poly1305') return createCipheriv('chacha20', key, sample).update(Buffer.alloc(2))
    return createCipheriv(`aes-${8 * key.length}-ecb`, key, null)
      .update(sample)
      .subarray(0, 2)
  }

  function parameters(suite: (typeof cipherSuites13)[number], secret: Uint8Array, sequence: number, length: number) {
    const { aead, hash, keyLength } = suite
    const header = Buffer.of(flags, sequence >> 8, sequence, length >> 8, length)
    // RFC 8446 §5.3: the record's number, in 64 bits and padded to the left, XOR the IV. RFC 9147 §4: the header as sent,
    // but with the number in the clear, is the additional data.
    const count = Buffer.alloc(12)
    count.writeBigUInt64BE(BigInt(sequence), 4)
    const nonce = xor(expandLabel(hash, secret, 'iv', 12), count)
    const sealed = { aead, key: expandLabel(hash, secret, 'key', keyLength), nonce, aad: header }
    return { sealed, header, numberKey: expandLabel(hash, secret, 'sn', keyLength) }
  }

  for (const suite of cipherSuites13) {
    for (const side of sides) {
      it(`are those of the ${side} with ${suite.name}, and are opened by its peer`, () => {
        const pair = connect(suite.id, { maxVersion: '1.3' })
        assert.equal(pair[side].dtls.session?.cipherSuite, suite.name)
        const [, secret] = pair.log.get(`${side.toUpperCase()}_TRAFFIC_SECRET_0`) ?? []
        assert.ok(secret)
        const record = Buffer.from(pair[side].dtls.seal(message))
        const length = message.length + 1 + 16
        assert.equal(record.length, 5 + length)
        const { numberKey } = parameters(suite, secret, 0, length)
        const sequence = xor(record.subarray(1, 3), mask(suite.aead, numberKey, record.subarray(5, 21))).readUInt16BE()
        const { sealed, header } = parameters(suite, secret, sequence, length)
        // RFC 9147 §4: DTLSInnerPlaintext is the content and its type.
        assert.deepEqual(open(sealed, record.subarray(5)), Buffer.concat([message, Buffer.of(23)]))
        assert.deepEqual([record[0], ...record.subarray(3, 5)], [header[0], ...header.subarray(3, 5)])

        const next = parameters(suite, secret, sequence + 1, length)
        const ciphertext = seal(next.sealed, Buffer.concat([message, Buffer.of(23)]))
        const hidden = xor(next.header.subarray(1, 3), mask(suite.aead, next.numberKey, ciphertext.subarray(0, 16)))
        const made = Buffer.concat([Buffer.of(flags), hidden, next.header.subarray(3), ciphertext])
        assert.deepEqual(Buffer.from(pair[side].dtls.seal(message)), made)
        const peer = side === 'client' ? pair.server : pair.client
        peer.receive(made)
        assert.deepEqual(peer.data, [message.toString()])
      })
    }
  }
})

describe('Records of DTLS 1.2, computed independently,', () => {
  const recordHeaderLength = 13

  /** RFC 5246 §5: as many blocks of P_hash as it takes. */
  function prf(hash: string, secret: Uint8Array, label: string, seed: Uint8Array, length: number): Buffer {
    const labelAndSeed = Buffer.concat([Buffer.from(label), seed])
    const blocks: Buffer[] = []
    for (let a = hmac(hash, secret, labelAndSeed); blocks.length < 8; a = hmac(hash, secret, a)) {
      blocks.push(hmac(hash, secret, a, labelAndSeed))
    }
    return Buffer.concat(blocks).subarray(0, length)
  }

  /** RFC 5246 §6.3: client_write_key, server_write_key, client_write_IV, server_write_IV. */
  function keysOf(suite: (typeof cipherSuites12)[number], side: Side, master: Uint8Array, randoms: Uint8Array) {
    const { hash, keyLength, fixedIvLength } = suite
    const block = prf(hash, master, 'key expansion', randoms, 2 * (keyLength + fixedIvLength))
    const index = sides.indexOf(side)
    const ivs = block.subarray(2 * keyLength)
    return {
      key: block.subarray(index * keyLength, (index + 1) * keyLength),
      iv: ivs.subarray(index * fixedIvLength, (index + 1) * fixedIvLength),
    }
  }

  for (const suite of cipherSuites12.filter(({ authentication }) => authentication === 'ecdsa')) {
    for (const side of sides) {
      it(`are those of the ${side} with ${suite.name}, and are opened by its peer`, () => {
        let serverRandom: Uint8Array = new Uint8Array()
        const pair = withTampering(
          (type, body) => {
            // RFC 5246 §7.4.1.3: two bytes of version, then the random.
            if (type === HandshakeType.serverHello) serverRandom = Buffer.from(body.subarray(2, 34))
            return body
          },
          () => connect(suite.id, { maxVersion: '1.2' }),
        )
        assert.equal(pair[side].dtls.session?.cipherSuite, suite.name)
        const [clientRandom, master] = pair.log.get('CLIENT_RANDOM') ?? []
        assert.ok(clientRandom && master)
        const { key, iv } = keysOf(suite, side, master, Buffer.concat([serverRandom, clientRandom]))
        const isChaCha = suite.aead === 'chacha20-poly1305'
        const sealedWith = (header: Buffer, explicit: Uint8Array): Sealed => {
          // RFC 5246 §6.2.3.3, RFC 6347 §4.1.2.1: epoch and number, type, version, and the length of the plaintext.
          const aad = Buffer.concat([header.subarray(3, 11), header.subarray(0, 3), Buffer.of(0, message.length)])
          // RFC 5288 §3: salt and explicit nonce. RFC 7905 §2: the IV XOR epoch and number, padded to the left.
          const count = Buffer.concat([Buffer.alloc(4), header.subarray(3, 11)])
          const nonce = isChaCha ? xor(iv, count) : Buffer.concat([iv, explicit])
          return { aead: suite.aead, key, nonce, aad }
        }
        const record = Buffer.from(pair[side].dtls.seal(message))
        const header = record.subarray(0, recordHeaderLength)
        const rest = record.subarray(recordHeaderLength)
        const explicit = rest.subarray(0, isChaCha ? 0 : 8)
        assert.deepEqual(open(sealedWith(header, explicit), rest.subarray(explicit.length)), message)

        const next = Buffer.from(header)
        next.writeUIntBE(header.readUIntBE(5, 6) + 1, 5, 6)
        const ours = isChaCha ? Buffer.alloc(0) : next.subarray(3, 11)
        const made = Buffer.concat([next, ours, seal(sealedWith(next, ours), message)])
        assert.deepEqual(Buffer.from(pair[side].dtls.seal(message)), made)
        const peer = side === 'client' ? pair.server : pair.client
        peer.receive(made)
        assert.deepEqual(peer.data, [message.toString()])
      })
    }
  }
})

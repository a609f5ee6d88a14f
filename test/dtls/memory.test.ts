import assert from 'node:assert/strict'
import { EarlyRecords, maxEarlyBytes, maxEarlyRecords } from '../../src/dtls/early-records.ts'
import { maxAssemblies, maxMessageLength, maxReassemblyBytes, Reassembler } from '../../src/dtls/fragments.ts'
import { handshakeTimeoutMs } from '../../src/dtls/handshake.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { maxTrackedRecords } from '../../src/dtls/sent-fragments.ts'
import { maxTranscriptBytes, Transcript } from '../../src/dtls/transcript.ts'
import { maxAcknowledgedRecords } from '../../src/dtls/v13/acks.ts'
import { createPair, exchange, handshakeFragment, type Pair, plaintextRecord, start, withTampering } from './support.ts'

/** What somebody who has not proved to be the peer can make a connection keep, in bytes. */
const limit = 256 * 1024
/** What an object costs beside its bytes, generously: a typed array and its place in a list. */
const objectBytes = 200

/** Longer than any other, but with the rest of its flight below the limit for all. */
const longBody = 20 * 1024

interface Holder {
  readonly heldBytes: number
}

/** Everything that has kept something while `run` did its work. */
function holdersOf(run: () => void): Set<Holder> {
  const holders = new Set<Holder>()
  const restore = [Reassembler.prototype, EarlyRecords.prototype, Transcript.prototype].map(prototype => {
    const genuine = prototype.add as (this: Holder, given: never) => unknown
    const noting = function (this: Holder, given: never): unknown {
      holders.add(this)
      return genuine.call(this, given)
    }
    Object.assign(prototype, { add: noting })
    return () => Object.assign(prototype, { add: genuine })
  })
  try {
    run()
  } finally {
    for (const each of restore) each()
  }
  return holders
}

/** Behind the length of a list of 24 bits: one more certificate, which nobody looks at. */
function withLongChain(body: Uint8Array, version: string): Uint8Array {
  const [contextLength, extensions] = version === '1.3' ? [1, 2] : [0, 0]
  const extra = Buffer.alloc(3 + longBody + extensions)
  extra.writeUIntBE(longBody, 0, 3)
  const changed = Buffer.concat([body, extra])
  changed.writeUIntBE(changed.length - contextLength - 3, contextLength, 3)
  return changed
}

/** An extension that nobody knows, at the end of a block of extensions that begins at `blockAt`. */
function withLongExtension(body: Uint8Array, blockAt: number): Uint8Array {
  const extra = Buffer.alloc(4 + longBody)
  extra.writeUInt16BE(0xfafa, 0)
  extra.writeUInt16BE(longBody, 2)
  const changed = Buffer.concat([body, extra])
  changed.writeUInt16BE(changed.length - blockAt - 2, blockAt)
  return changed
}

/** The peer of the victim pads what can be padded, and stops before it proves anything. */
function stopBeforeProof(version: '1.2' | '1.3', victim: 'client' | 'server'): Pair {
  const villain = victim === 'client' ? 'server' : 'client'
  const pair = createPair({ options: { maxVersion: version } })
  let stopped = false
  const proof =
    victim === 'client' && version === '1.2' ? HandshakeType.serverKeyExchange : HandshakeType.certificateVerify
  withTampering(
    (type, body, role) => {
      if (role !== villain) return body
      stopped ||= type === proof
      if (stopped) return undefined
      if (type === HandshakeType.certificate) return withLongChain(body, version)
      if (type === HandshakeType.certificateRequest && version === '1.3') return withLongExtension(body, 1)
      return body
    },
    () => {
      start(pair)
      exchange(pair)
    },
  )
  assert.equal(pair[victim].dtls.state, 'connecting')
  return pair
}

/** Fragments of messages that never become whole, of every number that is taken, and records of an epoch to come. */
function flood(pair: Pair, version: '1.2' | '1.3', victim: 'client' | 'server'): void {
  for (let round = 0; round < 3; round++) {
    for (let sequence = 0; sequence < 30; sequence++) {
      for (const length of [maxMessageLength, 10_000, 3_000, 1_000, 100]) {
        const fragment = handshakeFragment(HandshakeType.finished, sequence, new Uint8Array(length), 1, 2)
        pair[victim].receive(plaintextRecord(22, fragment, 10_000 + sequence), 1)
      }
    }
    for (let n = 0; n < 200; n++) {
      const content = new Uint8Array(1_000)
      const early = Buffer.from(plaintextRecord(23, content, n))
      early.writeUInt16BE(1, 3)
      const early13 = Buffer.concat([Buffer.of(0x2f, n >> 8, n, content.length >> 8, content.length & 0xff), content])
      pair[victim].receive(version === '1.2' ? early : early13, 1)
    }
  }
}

describe('What a peer that has proved nothing can make a connection keep', () => {
  it('is 256 KiB at most, all bounds together', () => {
    // The certificates of the peer and the cookie of a HelloRetryRequest are kept in copies, too.
    const copies = 2 * maxMessageLength
    const objects = maxEarlyRecords + maxAssemblies
    const numbers = 40 * maxAcknowledgedRecords + 80 * maxTrackedRecords
    const total = maxReassemblyBytes + maxEarlyBytes + maxTranscriptBytes + copies + objectBytes * objects + numbers
    assert.ok(total <= limit, `${total} bytes`)
  })

  for (const version of ['1.2', '1.3'] as const) {
    for (const victim of ['client', 'server'] as const) {
      it(`stays below that where it sends all that a ${victim} of DTLS ${version} takes`, () => {
        const [held, pair] = attack(version, victim)
        const chainCopy = maxMessageLength
        assert.ok(held > maxReassemblyBytes / 2 + maxEarlyBytes / 2 + longBody, `only ${held} bytes: no attack`)
        assert.ok(held + chainCopy <= limit, `${held} bytes`)
        // And all of it is let go of in the end.
        const { dtls } = pair[victim]
        dtls.handleTimeout(handshakeTimeoutMs)
        assert.equal(dtls.state, 'failed')
      })
    }
  }

  it('is no handshake of more than 48 KiB', () => {
    const transcript = new Transcript()
    const message = {
      type: HandshakeType.certificate,
      sequence: 0,
      epoch: 0,
      body: new Uint8Array(maxTranscriptBytes / 4),
    }
    for (let n = 0; n < 4; n++) transcript.add(message)
    assert.equal(transcript.heldBytes, maxTranscriptBytes)
    assert.throws(() => transcript.add({ ...message, body: new Uint8Array(1) }), { code: 'illegal-parameter' })
    transcript.clear()
    transcript.add(message)
  })
})

function attack(version: '1.2' | '1.3', victim: 'client' | 'server'): [number, Pair] {
  let pair: Pair | undefined
  const held = holdersOf(() => {
    pair = stopBeforeProof(version, victim)
    flood(pair, version, victim)
  })
  assert.ok(pair)
  let bytes = 0
  // Both ends are among them: what the other has kept of an honest flight is little.
  for (const holder of held) bytes += holder.heldBytes
  return [bytes, pair]
}

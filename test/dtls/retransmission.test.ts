import assert from 'node:assert/strict'
import { handshakeTimeoutMs } from '../../src/dtls/handshake.ts'
import { HandshakeType, handshakeHeaderLength } from '../../src/dtls/messages.ts'
import { AesGcmSealer, PlaintextSealer, type RecordSealer } from '../../src/dtls/record-protection.ts'
import {
  attemptsBeforeSmallerFragments,
  type Flight,
  maximumRtoMs,
  minimumRtoMs,
  packFlight,
  Retransmission,
  smallDatagramSize,
} from '../../src/dtls/retransmission.ts'
import { SentFragments } from '../../src/dtls/sent-fragments.ts'
import { createPair, type Endpoint, exchange, type Pair, records, start } from './support.ts'

function flightOf(...lengths: readonly number[]): Flight {
  return messagesOf(lengths, new PlaintextSealer())
}

function messagesOf(lengths: readonly number[], sealer: RecordSealer) {
  return lengths.map((length, sequence) => ({
    kind: 'message' as const,
    message: { type: HandshakeType.certificate, sequence, epoch: 0, body: new Uint8Array(length).fill(sequence) },
    sealer,
  }))
}

/** message_seq of the handshake messages in epoch 0, in the order they are sent. */
function sequences(datagrams: readonly Uint8Array[]): number[] {
  return datagrams
    .flatMap(records)
    .filter(record => record[0] === 22 && record[4] === 0)
    .map(record => Buffer.from(record).readUInt16BE(13 + 4))
}

/** The times at which something is sent while nobody answers. */
function sendingTimes(endpoint: Endpoint, untilMs: number): number[] {
  const times = endpoint.transmits().length > 0 ? [0] : []
  for (let next = endpoint.dtls.pollTimeout(); next !== undefined && next <= untilMs; ) {
    endpoint.dtls.handleTimeout(next)
    if (endpoint.transmits().length > 0) times.push(next)
    next = endpoint.dtls.pollTimeout()
  }
  return times
}

describe('A flight', () => {
  it('is packed into as few datagrams as it takes, none above the limit', () => {
    assert.equal(packFlight(flightOf(100, 500, 100, 30, 0), 1200).length, 1)
    for (const mtu of [256, 300, 508, 1200]) {
      const lengths = [90, 4000, 0, 150, 700]
      const datagrams = packFlight(flightOf(...lengths), mtu)
      const total = lengths.reduce((sum, length) => sum + length, 0)
      for (const datagram of datagrams) assert.ok(datagram.length <= mtu)
      assert.ok(datagrams.length <= Math.ceil(total / (mtu - 25 - 57)) + 1, `${datagrams.length} of ${mtu}`)
      const sizes = new Map<number, number>()
      for (const record of datagrams.flatMap(records)) {
        const sequence = Buffer.from(record).readUInt16BE(17)
        assert.equal(Buffer.from(record).readUIntBE(19, 3), sizes.get(sequence) ?? 0, 'fragments follow each other')
        sizes.set(sequence, (sizes.get(sequence) ?? 0) + record.length - 25)
      }
      assert.deepEqual([...sizes.values()], lengths)
    }
  })

  it('has several messages in a record where that is protected, and fills a datagram to its last byte', () => {
    for (const mtu of [256, 508, 1200]) {
      const sealer = new AesGcmSealer(1, new Uint8Array(16), new Uint8Array(4))
      const sent = new SentFragments()
      const flight = messagesOf([90, 1000, 0, 150, 700], sealer)
      const datagrams = packFlight(flight, mtu, sent)
      for (const datagram of datagrams) assert.equal(records(datagram).length, 1)
      // Not even a header and a byte would fit any more.
      for (const { length } of datagrams.slice(0, -1)) {
        assert.ok(length <= mtu && length > mtu - handshakeHeaderLength - 1, `${length} of ${mtu}`)
      }
      // An ACK of a record is one of all that is in it.
      for (let sequence = 0; sequence < datagrams.length; sequence++) {
        assert.equal(sent.acknowledge([{ epoch: 1, sequence }]), true)
      }
      for (const { message } of flight.filter(each => each.message.body.length > 0)) {
        assert.deepEqual(sent.missing(message), [], `mtu ${mtu}`)
      }
    }
  })

  it('keeps its message_seq when it is sent again, in records of their own', () => {
    const { client } = createPair({ options: { mtu: 256 } })
    client.dtls.start(0)
    const first = client.transmits()
    client.dtls.handleTimeout(1_000)
    const second = client.transmits()
    assert.deepEqual(sequences(second), sequences(first))
    const numbers = [...first, ...second].flatMap(records).map(record => Buffer.from(record).readUIntBE(5, 6))
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index),
    )
  })

  it('is sent in smaller datagrams where nothing answers', () => {
    const retransmission = new Retransmission(100, 1400)
    const sizes = [retransmission.send(flightOf(3000), 0)]
    for (let attempt = 0; attempt < attemptsBeforeSmallerFragments; attempt++)
      sizes.push(retransmission.repeat(attempt))
    const largest = sizes.map(datagrams => Math.max(...datagrams.map(({ length }) => length)))
    assert.deepEqual(largest, [...Array(attemptsBeforeSmallerFragments).fill(1400), smallDatagramSize])
  })
})

describe('The retransmission timer', () => {
  it('begins with the given value, doubles, and stops doubling at the limit', () => {
    const { client } = createPair({ options: { initialRtoMs: 100 } })
    client.dtls.start(0)
    const times = sendingTimes(client, handshakeTimeoutMs)
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    assert.deepEqual(gaps.slice(0, 6), [100, 200, 400, 800, maximumRtoMs, maximumRtoMs])
    assert.ok(gaps.every(gap => gap <= maximumRtoMs))
    assert.equal(client.failure, 'timeout')
  })

  it('is never too short, and as long as a slow link needs', () => {
    for (const [given, first, limit] of [
      [0, minimumRtoMs, maximumRtoMs],
      [700, 700, 1_400],
    ] as const) {
      const { client } = createPair({ options: { initialRtoMs: given } })
      client.dtls.start(0)
      const times = sendingTimes(client, handshakeTimeoutMs)
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
      assert.equal(gaps[0], first)
      assert.equal(Math.max(...gaps), limit)
    }
  })

  it('is kept for the next flight after a loss, and begins anew after none', () => {
    const retransmission = new Retransmission(100, 1200)
    retransmission.send(flightOf(10), 0)
    retransmission.repeat(100)
    retransmission.repeat(300)
    assert.equal(retransmission.deadline, 700)
    retransmission.send(flightOf(10), 500)
    assert.equal(retransmission.deadline, 900)
    retransmission.send(flightOf(10), 600)
    assert.equal(retransmission.deadline, 700)
  })

  it('runs at the server, too, from the first flight on', () => {
    const pair = createPair()
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    const times = sendingTimes(pair.server, handshakeTimeoutMs)
    assert.deepEqual(times.slice(0, 3), [0, 100, 300])
    assert.equal(pair.server.failure, 'timeout')
  })

  it('is off once connected', () => {
    const pair = createPair()
    start(pair)
    exchange(pair)
    assert.deepEqual([pair.client.dtls.pollTimeout(), pair.server.dtls.pollTimeout()], [undefined, undefined])
  })
})

describe('A flight of the peer that comes again', () => {
  function untilLastFlight(): Pair & { fromClient: Uint8Array[] } {
    const pair = createPair()
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
    const fromClient = pair.client.transmits()
    for (const datagram of fromClient) pair.server.receive(datagram)
    return { ...pair, fromClient }
  }

  it('is answered with ours, but not when ours has just left', () => {
    const pair = createPair()
    start(pair)
    const [hello = new Uint8Array()] = pair.client.transmits()
    pair.server.receive(hello, 0)
    assert.equal(pair.server.transmits().length, 1)
    pair.server.receive(hello, 10)
    assert.equal(pair.server.transmits().length, 0)
    pair.server.receive(hello, 60)
    assert.equal(pair.server.transmits().length, 1)
    assert.equal(pair.server.dtls.pollTimeout(), 160)
  })

  it('is answered by a server that has long finished, from its last flight', () => {
    const { client, server } = untilLastFlight()
    assert.equal(server.dtls.state, 'connected')
    assert.equal(server.transmits().length, 1)
    // That was lost. Half a minute is the client's patience.
    for (let now = 100; now < 25_000; now += 5_000) {
      client.dtls.handleTimeout(now)
      for (const datagram of client.transmits()) server.receive(datagram, now)
      assert.equal(server.transmits().length, 1)
    }
    client.dtls.handleTimeout(26_000)
    for (const datagram of client.transmits()) server.receive(datagram, 26_000)
    for (const datagram of server.transmits()) client.receive(datagram, 26_000)
    assert.equal(client.dtls.state, 'connected')
    assert.deepEqual(server.types, ['connected'])
  })

  it('does not make a server repeat itself once the client has spoken', () => {
    const { client, server } = untilLastFlight()
    const lastFlight = server.transmits()
    client.dtls.handleTimeout(100)
    const repeated = client.transmits()
    for (const datagram of lastFlight) client.receive(datagram, 120)
    server.receive(client.dtls.seal(Buffer.from('hello')), 130)
    for (const datagram of repeated) server.receive(datagram, 200)
    assert.deepEqual(server.transmits(), [])
    assert.deepEqual(server.data, ['hello'])
  })

  it('makes a server repeat nothing unless it is authentic', () => {
    const { server, fromClient } = untilLastFlight()
    server.transmits()
    for (let now = 100; now < 2_000; now += 100) for (const datagram of fromClient) server.receive(datagram, now)
    assert.deepEqual(server.transmits(), [])
    assert.ok(server.dtls.drops.replayed > 0)
  })
})

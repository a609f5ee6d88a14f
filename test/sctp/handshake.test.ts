import assert from 'node:assert/strict'

import { maxInitRetransmissions, maxPendingReplies } from '../../src/sctp/limits.ts'
import { ChunkType } from '../../src/sctp/protocol.ts'
import { Pair } from './support/pair.ts'
import { chunksOf, initValue, type PeerInit, peerTag, ScriptedPeer } from './support/scripted-peer.ts'
import { chunk, data, dissect, packet, parameter, read, u16, u32 } from './support/wire.ts'

const init = (fields: PeerInit = {}): Uint8Array => chunk(ChunkType.init, 0, initValue(fields))

describe('setting up an association', () => {
  it('is done by both ends at the same time, in one and a half round trips', () => {
    const pair = new Pair(1, { conditions: { delay: 50 } })
    const begun = pair.now
    pair.connect()
    assert.equal(pair.now - begun, 150)
    const connected = { type: 'connected', inboundStreams: 65_535, outboundStreams: 65_535 }
    assert.deepEqual(pair.a.events, [connected])
    assert.deepEqual(pair.b.events, [connected])
  })

  it('works if only one end begins', () => {
    const pair = new Pair(2)
    pair.a.association.connect(pair.now)
    pair.run(100)
    assert.equal(pair.a.association.state, 'established')
    assert.equal(pair.b.association.state, 'established')
  })

  it('works if one end begins a while after the other, at any moment of the handshake', () => {
    for (let offset = 0; offset <= 60; offset += 5) {
      const pair = new Pair(3, { conditions: { delay: 10 } })
      pair.a.association.connect(pair.now)
      pair.run(offset)
      pair.b.association.connect(pair.now)
      pair.run(1_000)
      for (const { association, events } of [pair.a, pair.b]) {
        assert.equal(association.state, 'established', `offset ${offset}`)
        assert.equal(events.filter(({ type }) => type === 'connected').length, 1)
      }
    }
  })

  it('carries the first messages along with the handshake', () => {
    const pair = new Pair(4, { conditions: { delay: 50 } })
    pair.a.association.send(0, 50, Uint8Array.of(1), {}, pair.now)
    pair.b.association.send(1, 50, Uint8Array.of(2), {}, pair.now)
    pair.connect()
    assert.deepEqual([...(pair.messages('b')[0]?.data ?? [])], [1])
    assert.deepEqual([...(pair.messages('a')[0]?.data ?? [])], [2])
  })

  it('takes the smaller number of streams of what each wishes and the other takes', () => {
    const pair = new Pair(5, {
      a: { outboundStreams: 10, inboundStreams: 300 },
      b: { outboundStreams: 500, inboundStreams: 7 },
    })
    pair.connect()
    assert.equal(pair.a.association.outboundStreams, 7)
    assert.equal(pair.a.association.inboundStreams, 300)
    assert.equal(pair.b.association.outboundStreams, 300)
    assert.equal(pair.b.association.inboundStreams, 7)
    assert.equal(pair.a.association.send(7, 53, Uint8Array.of(1), {}, pair.now), false)
    assert.equal(pair.a.association.send(6, 53, Uint8Array.of(1), {}, pair.now), true)
  })

  it('drops what was queued for streams that the peer does not take', () => {
    const pair = new Pair(6, { b: { inboundStreams: 2 } })
    for (const stream of [5, 1]) pair.a.association.send(stream, 53, new Uint8Array(10), {}, pair.now)
    pair.connect()
    pair.run(100)
    assert.equal(pair.a.association.bufferedAmount(5), 0)
    assert.deepEqual(
      pair.messages('b').map(({ streamId }) => streamId),
      [1],
    )
    const told = pair.a.events.filter(event => event.type === 'sent').map(({ streamId }) => streamId)
    assert.deepEqual(told.sort(), [1, 5])
  })

  it('survives any loss, duplication and reordering', () => {
    for (let seed = 0; seed < 200; seed++) {
      const conditions = { loss: 0.3, duplicate: 0.2, delay: 20, jitter: 30 }
      const pair = new Pair(seed, { conditions, a: { initialRtoMs: 300 }, b: { initialRtoMs: 300 } })
      pair.a.association.send(0, 53, Uint8Array.of(seed), {}, pair.now)
      pair.b.association.send(0, 53, Uint8Array.of(seed), {}, pair.now)
      pair.connect()
      pair.run(60_000, () => pair.messages('a').length > 0 && pair.messages('b').length > 0)
      for (const side of ['a', 'b'] as const) {
        assert.deepEqual(
          pair.messages(side).map(({ data: bytes }) => [...bytes]),
          [[seed]],
          `seed ${seed}`,
        )
        assert.equal(pair.end(side).events.filter(({ type }) => type === 'connected').length, 1)
      }
    }
  })

  it('gives up when nobody answers', () => {
    const pair = new Pair(7)
    pair.filter = () => false
    pair.a.association.connect(pair.now)
    pair.run(1e7)
    assert.equal(pair.packets, maxInitRetransmissions + 1)
    const [event] = pair.a.events
    assert.ok(event?.type === 'failed' && event.error.code === 'timeout')
    assert.equal(pair.a.association.pollTimeout(), undefined)
  })

  it('measures the round trip, so that the first loss costs no second', () => {
    const pair = new Pair(8, { conditions: { delay: 10 } }).connect()
    assert.equal(pair.a.association.statistics.roundTripMs, 20)
    assert.equal(pair.a.association.statistics.rtoMs, 200)
  })
})

describe('an INIT', () => {
  it('is answered with INIT ACK, and leaves nothing behind', () => {
    const peer = new ScriptedPeer()
    const [initAck, ...more] = peer.exchange(0, init())
    assert.equal(initAck?.tag, peerTag)
    assert.deepEqual(
      initAck?.chunks.map(({ type }) => type),
      [ChunkType.initAck],
    )
    assert.equal(more.length, 0)
    assert.equal(peer.association.state, 'closed')
    assert.equal(peer.association.pollTimeout(), undefined)
  })

  it('says that FORWARD TSN and RE-CONFIG are supported', () => {
    const peer = new ScriptedPeer()
    const [initAck] = peer.exchange(0, init())
    const parameters = initAck?.chunks[0]?.value.subarray(16, 28) ?? []
    assert.deepEqual([...parameters], [...parameter(0xc000), ...parameter(0x8008, [130, 192])])
  })

  const refused: readonly [string, PeerInit][] = [
    ['no outbound streams', { outboundStreams: 0 }],
    ['no inbound streams', { inboundStreams: 0 }],
    ['a window below 1500 bytes', { window: 1_499 }],
    ['a host name', { parameters: parameter(11, [0x61, 0]) }],
  ]
  for (const [name, fields] of refused) {
    it(`is refused with an ABORT if it has ${name}`, () => {
      const peer = new ScriptedPeer()
      const [answer] = peer.exchange(0, init(fields))
      assert.equal(answer?.tag, peerTag)
      assert.deepEqual(
        answer?.chunks.map(({ type, flags }) => [type, flags]),
        [[ChunkType.abort, 0]],
      )
    })
  }

  it('is silently dropped if its tag is 0, if it is cut off, or if it does not come alone with the tag 0', () => {
    const peer = new ScriptedPeer()
    assert.deepEqual(peer.exchange(0, init({ tag: 0 })), [])
    assert.deepEqual(peer.exchange(0, chunk(ChunkType.init, 0, initValue({}).slice(0, 12))), [])
    assert.deepEqual(peer.exchange(1, init()), [])
    assert.deepEqual(peer.exchange(0, init(), data({ tsn: 1_000 })), [])
    assert.deepEqual(peer.exchange(0, data({ tsn: 1_000 })), [])
  })

  it('has its unrecognized parameters reported or skipped as their high bits say', () => {
    const peer = new ScriptedPeer()
    const unknown = [
      ...parameter(0x8001, [0, 0, 0, 1]),
      ...parameter(0xc123, [1, 2]),
      ...parameter(0x7fff),
      ...parameter(0xc124),
    ]
    const [initAck] = peer.exchange(0, init({ parameters: unknown }))
    const value = initAck?.chunks[0]?.value ?? new Uint8Array(0)
    const reported: number[] = []
    for (let at = 16; at + 4 <= value.length; at += (read(value, at + 2, 2) + 3) & ~3) {
      if (read(value, at, 2) === 8) reported.push(read(value, at + 4, 2))
    }
    // RFC 9653's zero checksum (10...) is skipped; 01... is reported and ends the reading before 0xc124.
    assert.deepEqual(reported, [0xc123, 0x7fff])
  })

  it('in a flood is answered only in part, and bounded', () => {
    const peer = new ScriptedPeer()
    for (let i = 0; i < 10_000; i++) peer.deliver(packet(0, [init({ tag: i + 1 })]))
    assert.equal(peer.poll().length, maxPendingReplies)
    assert.equal(peer.association.state, 'closed')
  })

  it('does not disturb an association that is up', () => {
    const peer = ScriptedPeer.establish()
    const [initAck] = peer.exchange(0, init({ tag: 99 }))
    assert.equal(initAck?.chunks[0]?.type, ChunkType.initAck)
    assert.notEqual(read(initAck?.chunks[0]?.value ?? new Uint8Array(4), 0, 4), peer.localTag)
    assert.equal(peer.association.state, 'established')
    assert.equal(chunksOf(peer.send(data({ tsn: 1_000 })), ChunkType.sack).length, 1)
  })
})

describe('an INIT ACK', () => {
  const connecting = (): ScriptedPeer => {
    const peer = new ScriptedPeer()
    peer.association.connect(peer.now)
    const [sent] = peer.poll()
    peer.localTag = read(sent?.chunks[0]?.value ?? new Uint8Array(16), 0, 4)
    return peer
  }
  const initAck = (fields: PeerInit): Uint8Array => chunk(ChunkType.initAck, 0, initValue(fields))
  const cookie = parameter(7, [1, 2, 3, 4, 5])

  it('has its cookie echoed as it is, in the first chunk', () => {
    const peer = connecting()
    peer.association.send(0, 53, Uint8Array.of(1), {}, peer.now)
    const [echo, ...more] = peer.send(initAck({ parameters: cookie }))
    assert.equal(echo?.tag, peerTag)
    assert.deepEqual(
      echo?.chunks.map(({ type }) => type),
      [ChunkType.cookieEcho, ChunkType.data],
    )
    assert.deepEqual([...(echo?.chunks[0]?.value ?? [])], [1, 2, 3, 4, 5])
    assert.equal(more.length, 0)
  })

  it('lets nothing else be sent until the COOKIE ACK has come', () => {
    const peer = connecting()
    peer.association.send(0, 53, new Uint8Array(10_000), {}, peer.now)
    assert.equal(peer.send(initAck({ parameters: cookie })).length, 1)
    peer.association.send(0, 53, new Uint8Array(10_000), {}, peer.now)
    assert.equal(peer.poll().length, 0)
    // T1-cookie sends it again, with the same DATA.
    const again = peer.wait()
    assert.equal(again.length, 1)
    assert.deepEqual(
      again[0]?.chunks.map(({ type }) => type),
      [ChunkType.cookieEcho, ChunkType.data],
    )
    assert.ok(peer.send(chunk(ChunkType.cookieAck, 0)).length > 5)
  })

  it('has its unrecognized parameters reported along with the COOKIE ECHO', () => {
    const peer = connecting()
    const [echo] = peer.send(initAck({ parameters: [...cookie, ...parameter(0xc123, [9])] }))
    assert.deepEqual(
      echo?.chunks.map(({ type }) => type),
      [ChunkType.cookieEcho, ChunkType.error],
    )
    assert.deepEqual([...(echo?.chunks[1]?.value.subarray(0, 8) ?? [])], [0, 8, 0, 9, 0xc1, 0x23, 0, 5])
  })

  it('without a cookie is refused for a missing parameter', () => {
    const peer = connecting()
    const [abort] = peer.send(initAck({ parameters: [] }))
    assert.deepEqual(
      abort?.chunks.map(({ type }) => type),
      [ChunkType.abort],
    )
    assert.deepEqual([...(abort?.chunks[0]?.value ?? [])], [...parameter(2, [...u32(1), ...u16(7)])])
    assert.ok(peer.events.some(event => event.type === 'failed' && event.error.code === 'protocol-violation'))
  })

  it('with the tag 0 is answered with a reflected tag, and ends the attempt', () => {
    const peer = connecting()
    const [abort] = peer.send(initAck({ tag: 0, parameters: cookie }))
    assert.equal(abort?.tag, peer.localTag)
    assert.deepEqual(
      abort?.chunks.map(({ type, flags }) => [type, flags]),
      [[ChunkType.abort, 1]],
    )
    assert.equal(peer.association.state, 'closed')
  })

  it('with too small a window is refused, but the attempt goes on', () => {
    const peer = connecting()
    const [abort] = peer.send(initAck({ window: 100, parameters: cookie }))
    assert.equal(abort?.chunks[0]?.type, ChunkType.abort)
    assert.equal(peer.association.state, 'cookie-wait')
    assert.equal(peer.wait()[0]?.chunks[0]?.type, ChunkType.init)
  })

  it('with a cookie beyond the bound is refused', () => {
    const peer = connecting()
    const [abort] = peer.send(initAck({ parameters: parameter(7, new Uint8Array(4_097)) }))
    assert.equal(abort?.chunks[0]?.type, ChunkType.abort)
  })

  it('is ignored where it was not asked for, and with a wrong tag', () => {
    const peer = ScriptedPeer.establish()
    assert.deepEqual(peer.deliver(packet(peer.localTag, [initAck({ parameters: cookie })])), {
      drop: 'unexpected-chunk',
    })
    const other = connecting()
    assert.deepEqual(other.deliver(packet(1, [initAck({ parameters: cookie })])), { drop: 'bad-tag' })
  })
})

describe('the packets of the handshake', () => {
  it('have the form that RFC 9260 gives them', () => {
    const peer = new ScriptedPeer({ outboundStreams: 3, inboundStreams: 4, localPort: 1, remotePort: 2 })
    peer.association.connect(peer.now)
    const bytes = peer.association.pollTransmit(peer.now) ?? new Uint8Array(16)
    assert.deepEqual([...bytes.subarray(0, 8)], [0, 1, 0, 2, 0, 0, 0, 0])
    const [sent] = dissect(bytes).chunks
    assert.deepEqual([...(sent?.value.subarray(4, 12) ?? [])], [...u32(2 * 1024 * 1024), ...u16(3), ...u16(4)])
    // The padding of the last parameter is not counted: RFC 9260 §3.2.
    assert.equal(sent?.value.length, 16 + 4 + 6)
    assert.equal(bytes.length, 12 + 4 + 28)
  })
})

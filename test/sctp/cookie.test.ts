import assert from 'node:assert/strict'

import { cookieLifetimeMs } from '../../src/sctp/limits.ts'
import { ChunkType } from '../../src/sctp/protocol.ts'
import { chunksOf, initValue, type PeerInit, peerTag, ScriptedPeer } from './support/scripted-peer.ts'
import { chunk, data, packet, parameter, read, u32 } from './support/wire.ts'

const init = (fields: PeerInit = {}): Uint8Array => chunk(ChunkType.init, 0, initValue(fields))

describe('a state cookie', () => {
  const withCookie = (): [ScriptedPeer, Uint8Array] => {
    const peer = new ScriptedPeer()
    const [initAck] = peer.exchange(0, init())
    peer.learn(initAck)
    return [peer, peer.cookieOf(initAck)]
  }
  const echo = (cookie: Uint8Array): Uint8Array => chunk(ChunkType.cookieEcho, 0, cookie)

  it('is small', () => {
    assert.ok(withCookie()[1].length <= 72)
  })

  it('is trusted only as it was made: any bit changed, and it is nothing', () => {
    const [peer, cookie] = withCookie()
    for (let bit = 0; bit < cookie.length * 8; bit++) {
      const forged = cookie.slice()
      forged[bit >>> 3] = (forged[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      assert.deepEqual(peer.deliver(packet(peer.localTag, [echo(forged)])), { drop: 'bad-cookie' })
    }
    assert.equal(peer.association.state, 'closed')
    assert.deepEqual(peer.poll(), [])
    assert.deepEqual(peer.deliver(packet(peer.localTag, [echo(cookie)])), { handled: true })
  })

  it('is refused if it is cut off, too long, empty, or from another association', () => {
    const [peer, cookie] = withCookie()
    const other = new ScriptedPeer({}, 2)
    const foreign = other.cookieOf(other.exchange(0, init())[0])
    for (const bytes of [
      cookie.subarray(1),
      Uint8Array.of(...cookie, 0),
      new Uint8Array(0),
      new Uint8Array(60_000),
      foreign,
    ]) {
      assert.deepEqual(peer.deliver(packet(peer.localTag, [echo(bytes)])), { drop: 'bad-cookie' })
    }
  })

  it('is refused in a packet with another tag than the one it was made for', () => {
    const [peer, cookie] = withCookie()
    assert.deepEqual(peer.deliver(packet(peer.localTag ^ 1, [echo(cookie)])), { drop: 'bad-cookie' })
  })

  it('is refused for a packet between other ports', () => {
    const [peer, cookie] = withCookie()
    assert.deepEqual(peer.deliver(packet(peer.localTag, [echo(cookie)], [5000, 5001])), { drop: 'wrong-port' })
  })

  it('takes the rest of its packet down with it when it is refused', () => {
    const [peer, cookie] = withCookie()
    peer.deliver(packet(peer.localTag, [echo(cookie.subarray(1)), data({ tsn: 1_000 })]))
    peer.poll()
    assert.deepEqual(peer.messages(), [])
  })

  it('is acknowledged first, and DATA that came with it at once', () => {
    const [peer, cookie] = withCookie()
    const [answer] = peer.send(echo(cookie), data({ tsn: 1_000 }))
    assert.deepEqual(
      answer?.chunks.map(({ type }) => type),
      [ChunkType.cookieAck, ChunkType.sack],
    )
    assert.equal(peer.messages().length, 1)
  })

  it('grows stale, and the peer is told by how much', () => {
    const [peer, cookie] = withCookie()
    peer.now += cookieLifetimeMs + 1_500
    const [answer] = peer.send(echo(cookie), data({ tsn: 1_000 }))
    assert.equal(answer?.tag, peerTag)
    assert.deepEqual(
      answer?.chunks.map(({ type }) => type),
      [ChunkType.error],
    )
    assert.deepEqual([...(answer?.chunks[0]?.value ?? [])], [...parameter(3, u32(1_500_000))])
    assert.equal(peer.association.state, 'closed')
  })

  it('of the present association never grows stale: the COOKIE ACK is only repeated', () => {
    const [peer, cookie] = withCookie()
    peer.send(echo(cookie))
    peer.now += 10 * cookieLifetimeMs
    const [answer] = peer.send(echo(cookie))
    assert.equal(answer?.chunks[0]?.type, ChunkType.cookieAck)
    assert.equal(peer.events.filter(({ type }) => type === 'connected').length, 1)
  })

  it('in a flood of forgeries changes nothing', () => {
    const peer = ScriptedPeer.establish()
    const forged = packet(peer.localTag, [echo(new Uint8Array(72))])
    for (let i = 0; i < 2_000; i++) assert.deepEqual(peer.deliver(forged), { drop: 'bad-cookie' })
    assert.deepEqual(peer.poll(), [])
    assert.equal(peer.association.statistics.drops.get('bad-cookie'), 2_000)
  })

  it('that the peer finds stale is asked for anew, but not for ever', () => {
    const peer = new ScriptedPeer()
    peer.association.connect(peer.now)
    const [sent] = peer.poll()
    peer.localTag = read(sent?.chunks[0]?.value ?? new Uint8Array(16), 0, 4)
    let attempts = 0
    while (peer.association.state !== 'closed') {
      assert.ok(attempts++ < 100)
      peer.send(chunk(ChunkType.initAck, 0, initValue({ parameters: parameter(7, [1]) })))
      assert.equal(peer.association.state, 'cookie-echoed')
      peer.send(chunk(ChunkType.error, 0, parameter(3, u32(0))))
    }
    assert.ok(peer.events.some(event => event.type === 'failed' && event.error.code === 'timeout'))
  })
})

describe('an INIT that meets an association', () => {
  it('of a peer that began anew restarts it, with everything forgotten', () => {
    const peer = ScriptedPeer.establish()
    peer.association.send(3, 53, new Uint8Array(5_000), {}, peer.now)
    peer.poll()
    peer.send(data({ tsn: 1_000, ssn: 0 }))
    const [initAck] = peer.exchange(0, init({ tag: 99, initialTsn: 5_000 }))
    const [oldTag, cookie] = [peer.localTag, peer.cookieOf(initAck)]
    peer.learn(initAck)
    assert.notEqual(peer.localTag, oldTag)
    peer.events.length = 0
    const [answer] = peer.send(chunk(ChunkType.cookieEcho, 0, cookie))
    assert.equal(answer?.tag, 99)
    assert.deepEqual(
      answer?.chunks.map(({ type }) => type),
      [ChunkType.cookieAck],
    )
    assert.deepEqual(
      peer.events.map(({ type }) => type),
      ['restarted'],
    )
    assert.equal(peer.association.bufferedAmount(3), 0)
    // Both directions begin anew: TSNs, stream sequence numbers, tags.
    peer.send(data({ tsn: 5_000, ssn: 0, data: [7] }))
    assert.deepEqual([...(peer.messages()[0] ?? [])], [7])
    peer.association.send(3, 53, Uint8Array.of(1), {}, peer.now)
    const [first] = chunksOf(peer.poll(), ChunkType.data)
    assert.equal(read(first?.value ?? new Uint8Array(12), 0, 4), peer.localTsn)
    assert.equal(read(first?.value ?? new Uint8Array(12), 6, 2), 0)
    assert.deepEqual(peer.deliver(packet(oldTag, [data({ tsn: 5_001 })])), { drop: 'bad-tag' })
  })

  it('while the association shuts down restarts nothing: the SHUTDOWN ACK is repeated, and the cause told', () => {
    const peer = ScriptedPeer.establish()
    const [initAck] = peer.exchange(0, init({ tag: 99 }))
    const newTag = read(initAck?.chunks[0]?.value ?? new Uint8Array(4), 0, 4)
    peer.send(chunk(ChunkType.shutdown, 0, u32((peer.localTsn - 1) >>> 0)))
    assert.equal(peer.association.state, 'shutdown-ack-sent')
    const [answer] = peer.exchange(newTag, chunk(ChunkType.cookieEcho, 0, peer.cookieOf(initAck)))
    assert.deepEqual(
      answer?.chunks.map(({ type }) => type),
      [ChunkType.error, ChunkType.shutdownAck],
    )
    assert.deepEqual([...(answer?.chunks[0]?.value ?? [])], parameter(10))
    assert.equal(answer?.tag, peerTag)
  })

  it('makes no restart out of a cookie from before the association', () => {
    const peer = new ScriptedPeer()
    const early = peer.cookieOf(peer.exchange(0, init({ tag: 99 }))[0])
    const [initAck] = peer.exchange(0, init())
    peer.learn(initAck)
    peer.send(chunk(ChunkType.cookieEcho, 0, peer.cookieOf(initAck)))
    peer.events.length = 0
    peer.send(chunk(ChunkType.cookieEcho, 0, early))
    assert.deepEqual(peer.events, [])
  })

  it('in COOKIE-WAIT and COOKIE-ECHOED is answered with the tag and TSN of our own INIT', () => {
    const peer = new ScriptedPeer()
    peer.association.connect(peer.now)
    const [sent] = peer.poll()
    const ours = sent?.chunks[0]?.value.subarray(0, 16) ?? new Uint8Array(0)
    peer.localTag = read(ours, 0, 4)
    assert.deepEqual(peer.exchange(0, init())[0]?.chunks[0]?.value.subarray(0, 16), ours)
    peer.send(chunk(ChunkType.initAck, 0, initValue({ parameters: parameter(7, [1]) })))
    assert.equal(peer.association.state, 'cookie-echoed')
    const [second] = peer.exchange(0, init())
    assert.deepEqual(second?.chunks[0]?.value.subarray(0, 16), ours)
    // Action D: our tag and the peer's are the ones of the association that forms.
    const [answer] = peer.send(chunk(ChunkType.cookieEcho, 0, peer.cookieOf(second)))
    assert.equal(answer?.chunks[0]?.type, ChunkType.cookieAck)
    assert.equal(peer.association.state, 'established')
  })

  it('after which the peer took another tag is followed (action B)', () => {
    const peer = new ScriptedPeer()
    peer.association.connect(peer.now)
    const [sent] = peer.poll()
    peer.localTag = read(sent?.chunks[0]?.value ?? new Uint8Array(16), 0, 4)
    peer.send(chunk(ChunkType.initAck, 0, initValue({ tag: 5, parameters: parameter(7, [1]) })))
    const [initAck] = peer.exchange(0, init({ tag: 6, initialTsn: 2_000 }))
    const [answer] = peer.send(chunk(ChunkType.cookieEcho, 0, peer.cookieOf(initAck)))
    assert.equal(answer?.tag, 6)
    peer.send(data({ tsn: 2_000, data: [1] }))
    assert.equal(peer.messages().length, 1)
  })
})

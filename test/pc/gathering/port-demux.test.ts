import assert from 'node:assert/strict'
import type { TransportAddress } from '../../../src/base/address.ts'
import { encodeMessage, stunMethod } from '../../../src/ice/index.ts'
import {
  maxOpenRequests,
  maxRoutes,
  maxUnknownPerSecond,
  PortDemux,
  routeIdleMs,
  type UnknownRequest,
} from '../../../src/pc/gathering/port-demux.ts'
import { VirtualTime } from '../../sim/virtual-time.ts'
import { prng } from '../../support/prng.ts'

const local: TransportAddress = { address: '192.0.2.1', port: 3478, family: 4 }
const peer: TransportAddress = { address: '198.51.100.7', port: 40_000, family: 4 }
const random = prng(7)

function request(username: string): Uint8Array {
  const attributes = { username, priority: 1 }
  return encodeMessage({ class: 'request', method: stunMethod.binding, transactionId: random.bytes(12), attributes })
}

function answerTo(data: Uint8Array): Uint8Array {
  const transactionId = data.slice(8, 20)
  return encodeMessage({ class: 'success', method: stunMethod.binding, transactionId, attributes: {} })
}

function world() {
  const time = new VirtualTime()
  const sent: Uint8Array[] = []
  const unknown: UnknownRequest[] = []
  const demux = new PortDemux({ local, send: data => sent.push(data) }, time, asked => unknown.push(asked))
  const open = (fragment: string) => {
    const received: Uint8Array[] = []
    const socket = demux.open()
    socket.attach({ receive: data => received.push(data), unreachable: () => undefined }, fragment)
    return { socket, received }
  }
  const arrive = (data: Uint8Array, from: TransportAddress = peer) =>
    demux.receive(data, from, { local, send: () => undefined })
  return { time, demux, sent, unknown, open, arrive }
}

const dtls = Uint8Array.of(22, 254, 253, 0)

describe('A port that connections share', () => {
  it('gives a request to the connection whose user name fragment it names', () => {
    const { open, arrive, unknown } = world()
    const [a, b] = [open('aaaa'), open('bbbb')]
    arrive(request('bbbb:peer'))
    assert.deepEqual([a.received.length, b.received.length, unknown.length], [0, 1, 0])
  })

  it('gives data to the connection that has answered a check from there, and to nobody before', () => {
    const { open, arrive } = world()
    const [a, b] = [open('aaaa'), open('bbbb')]
    arrive(dtls)
    const check = request('bbbb:peer')
    arrive(check)
    arrive(dtls)
    assert.equal(b.received.length, 1)
    b.socket.send(answerTo(check), peer)
    arrive(dtls)
    assert.deepEqual([a.received.length, b.received.length], [0, 2])
  })

  it('finds the way also where the address is another object each time', () => {
    const { open, arrive } = world()
    const b = open('bbbb')
    b.socket.send(dtls, peer)
    arrive(dtls, { ...peer })
    assert.equal(b.received.length, 1)
  })

  it('gives an answer to the connection that asked, although another one asked the same address', () => {
    const { open, arrive } = world()
    const [a, b] = [open('aaaa'), open('bbbb')]
    const [first, second] = [request('p:aaaa'), request('p:bbbb')]
    a.socket.send(first, peer)
    b.socket.send(second, peer)
    arrive(answerTo(first))
    arrive(answerTo(second))
    assert.deepEqual([a.received.length, b.received.length], [1, 1])
  })

  it('does not let a request, an error or a stranger to the address take over what another connection receives', () => {
    const { open, arrive, time } = world()
    const [a, b] = [open('aaaa'), open('bbbb')]
    a.socket.send(dtls, peer)
    b.socket.send(request('p:bbbb'), peer)
    const refusal = { code: 401, reason: '' }
    b.socket.send(
      encodeMessage({ class: 'error', method: 1, transactionId: random.bytes(12), attributes: { errorCode: refusal } }),
      peer,
    )
    // Someone who sends from a false address with credentials of its own gets an answer, but not the address.
    b.socket.send(answerTo(request('bbbb:p')), peer)
    arrive(dtls)
    assert.deepEqual([a.received.length, b.received.length], [1, 0])
    time.advanceTo(time.now() + routeIdleMs)
    b.socket.send(answerTo(request('bbbb:p')), peer)
    arrive(dtls)
    assert.deepEqual([a.received.length, b.received.length], [1, 1])
  })

  it('forgets a connection that was closed', () => {
    const { open, arrive, unknown } = world()
    const a = open('aaaa')
    a.socket.send(dtls, peer)
    a.socket.close()
    arrive(dtls)
    arrive(request('aaaa:peer'))
    assert.equal(a.received.length, 0)
    assert.deepEqual(
      unknown.map(({ usernameFragment }) => usernameFragment),
      ['aaaa'],
    )
  })

  it('tells of unknown fragments, so that a connection can take the very request, and of so many a second only', () => {
    const time = new VirtualTime()
    const told: string[] = []
    const received: Uint8Array[] = []
    const demux = new PortDemux(
      { local, send: () => undefined },
      time,
      ({ usernameFragment, remoteUsernameFragment }) => {
        told.push(`${usernameFragment}:${remoteUsernameFragment}`)
        if (usernameFragment !== 'take') return
        demux.open().attach({ receive: data => received.push(data), unreachable: () => undefined }, 'take')
      },
    )
    const nobody = { local, send: () => undefined }
    demux.receive(request('take:peer'), peer, nobody)
    assert.deepEqual([told, received.length], [['take:peer'], 1])
    for (let index = 0; index < 2 * maxUnknownPerSecond; index++) demux.receive(request(`u${index}:p`), peer, nobody)
    assert.equal(told.length, maxUnknownPerSecond)
    time.advanceTo(1_001)
    demux.receive(request('again:p'), peer, nobody)
    assert.equal(told.length, maxUnknownPerSecond + 1)
  })

  it('remembers so many requests, and forgets the oldest for the next', () => {
    const { open, arrive } = world()
    const [a, b] = [open('aaaa'), open('bbbb')]
    const first = request('p:aaaa')
    const expects = (remembered: boolean, others: number) => {
      a.socket.send(first, peer)
      for (let index = 0; index < others; index++) b.socket.send(request('p:bbbb'), peer)
      a.received.length = 0
      arrive(answerTo(first))
      assert.equal(a.received.length, remembered ? 1 : 0)
    }
    expects(true, maxOpenRequests - 1)
    expects(false, 1)
  })

  it('remembers so many addresses, and knows one that it has forgotten as soon as something is sent there', () => {
    const { open, arrive } = world()
    const [a, b] = [open('aaaa'), open('bbbb')]
    const receivesData = () => {
      a.received.length = 0
      arrive(dtls)
      return a.received.length === 1
    }
    a.socket.send(dtls, peer)
    for (let port = 1; port < maxRoutes; port++) b.socket.send(dtls, { ...peer, address: '203.0.113.1', port })
    assert.equal(receivesData(), true)
    b.socket.send(dtls, { ...peer, address: '203.0.113.1', port: maxRoutes })
    assert.equal(receivesData(), false)
    a.socket.send(dtls, peer)
    assert.equal(receivesData(), true)
  })

  it('drops rubbish of every kind', () => {
    const { open, arrive } = world()
    const a = open('aaaa')
    for (let length = 0; length < 64; length++) arrive(random.bytes(length))
    arrive(request('').subarray(0, 19))
    assert.equal(a.received.length, 0)
  })
})

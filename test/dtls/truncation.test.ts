import assert from 'node:assert/strict'
import { handshakeTimeoutMs } from '../../src/dtls/handshake.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { Link } from './link.ts'
import { createPair, exchange, start, withTampering } from './support.ts'

describe('A handshake message', () => {
  const messages: readonly [name: keyof typeof HandshakeType, sender: 'client' | 'server'][] = [
    ['clientHello', 'client'],
    ['serverHello', 'server'],
    ['certificate', 'server'],
    ['serverKeyExchange', 'server'],
    ['certificateRequest', 'server'],
    ['certificate', 'client'],
    ['clientKeyExchange', 'client'],
    ['certificateVerify', 'client'],
    ['finished', 'client'],
    ['finished', 'server'],
  ]
  for (const [name, sender] of messages) {
    for (const change of ['cut off at any byte', 'with a byte too many'] as const) {
      it(`fails the handshake when it is ${change}: ${name} of the ${sender}`, () => {
        let length = 0
        const run = (tamper: (body: Uint8Array) => Uint8Array) =>
          withTampering(
            (type, body, role) => {
              if (type !== HandshakeType[name] || role !== sender) return body
              length = body.length
              return tamper(body)
            },
            () => {
              const pair = createPair({ options: { srtpProfiles: [1] } })
              start(pair)
              exchange(pair)
              const receiver = sender === 'client' ? pair.server : pair.client
              receiver.dtls.handleTimeout(1_000)
              receiver.drainEvents()
              return receiver
            },
          )
        run(body => body)
        assert.ok(length > 10)
        const changes =
          change === 'with a byte too many'
            ? [(body: Uint8Array) => Buffer.concat([body, Buffer.of(0)])]
            : Array.from(
                { length },
                (_, missing) => (body: Uint8Array) => body.subarray(0, Math.max(0, body.length - 1 - missing)),
              )
        for (const [index, each] of changes.entries()) {
          const receiver = run(each)
          // Without any extensions the ClientHello is whole, but useless.
          const codes = ['decode-error', 'bad-finished', 'no-extended-master-secret', 'fingerprint-mismatch']
          assert.ok(codes.includes(receiver.failure ?? 'none'), `${index}: ${receiver.failure}`)
          assert.deepEqual(receiver.types, ['failed'])
        }
      })
    }
  }
})

describe('A datagram of the handshake', () => {
  it('may be cut off at any byte: what follows repairs it', () => {
    const lengths = datagramLengths()
    assert.equal(lengths.length, 4)
    for (const [index, length] of lengths.entries()) {
      for (let end = 0; end < length; end += 7) {
        const pair = createPair()
        const link = new Link(pair, 1)
        let count = 0
        const send = link.send.bind(link)
        link.send = (from, datagram) => send(from, count++ === index ? datagram.subarray(0, end) : datagram)
        start(pair)
        link.run(handshakeTimeoutMs, () => pair.client.dtls.state === 'connected')
        assert.equal(pair.client.dtls.state, 'connected', `datagram ${index} cut at ${end}`)
        assert.equal(pair.server.dtls.state, 'connected')
        assert.ok(link.now < 2_000)
      }
    }
  })
})

function datagramLengths(): number[] {
  const pair = createPair()
  const link = new Link(pair, 1)
  const lengths: number[] = []
  const send = link.send.bind(link)
  link.send = (from, datagram) => {
    lengths.push(datagram.length)
    send(from, datagram)
  }
  start(pair)
  link.run(handshakeTimeoutMs, () => pair.client.dtls.state === 'connected')
  return lengths
}

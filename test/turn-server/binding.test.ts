import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import type { StunAttributes } from '../../src/ice/stun/attributes.ts'
import { encodeMessage, stunMethod } from '../../src/ice/stun/message.ts'
import { at, Bench, Client, codeOf, serverAddress } from './bench.ts'

const otherIp = { ...serverAddress, address: '203.0.113.2' }
const otherPort = { ...serverAddress, port: 3479 }
const other = { ...otherIp, port: 3479 }

/** A server with two addresses and two ports; tells from which of them something was sent. */
function square(): { bench: Bench; origin: (socket: number) => TransportAddress | undefined } {
  const bench = new Bench()
  const sockets = new Map([[bench.listener, serverAddress]])
  for (const local of [otherPort, otherIp, other]) sockets.set(bench.core.addListener(local), local)
  return { bench, origin: socket => sockets.get(socket) }
}

describe('A Binding request', () => {
  it('is answered with the address it came from, IPv4 and IPv6', () => {
    const bench = new Bench()
    for (const remote of [at('198.51.100.1', 4000), at('2606:4700::9', 4000)]) {
      const response = new Client(bench, remote).bare(stunMethod.binding, {})
      assert.deepEqual(response?.attributes.xorMappedAddress, remote)
      assert.deepEqual(response?.attributes.mappedAddress, remote)
      assert.deepEqual(response?.attributes.responseOrigin, serverAddress)
      assert.equal(response?.attributes.otherAddress, undefined)
    }
  })

  it('is refused with 420 for what must be understood and is not', () => {
    const client = new Client(new Bench())
    const response = client.bare(stunMethod.binding, { changeRequest: { changeIp: true, changePort: false } })
    assert.equal(codeOf(response), 420)
    assert.deepEqual(response?.attributes.unknownAttributes, [0x0003])
  })

  const changes = [
    { changeIp: false, changePort: false, from: serverAddress },
    { changeIp: true, changePort: false, from: otherIp },
    { changeIp: false, changePort: true, from: otherPort },
    { changeIp: true, changePort: true, from: other },
  ]
  for (const { from, ...changeRequest } of changes) {
    it(`is answered from ${from.address}:${from.port} with ${JSON.stringify(changeRequest)}`, () => {
      const { bench, origin } = square()
      const transactionId = bench.random.bytes(12)
      const attributes = { changeRequest }
      const request = encodeMessage({ class: 'request', method: stunMethod.binding, transactionId, attributes })
      bench.receive(request, at('198.51.100.1', 9))
      assert.deepEqual(origin(bench.sent[0]?.socket ?? 0), from)
      const response = new Client(bench, at('198.51.100.1', 9)).response(transactionId)
      assert.deepEqual(response?.attributes.responseOrigin, from)
      assert.deepEqual(response?.attributes.otherAddress, other)
    })
  }

  it('is answered to another port, and with as much padding, if it asks for it; but not both', () => {
    const { bench } = square()
    const ask = (attributes: StunAttributes) => {
      const transactionId = bench.random.bytes(12)
      bench.receive(
        encodeMessage({ class: 'request', method: stunMethod.binding, transactionId, attributes }),
        at('198.51.100.1', 9),
      )
      return {
        remote: bench.sent[0]?.remote,
        response: new Client(bench, at('198.51.100.1', 9)).response(transactionId),
      }
    }
    const moved = ask({ responsePort: 4567 })
    assert.equal(moved.remote?.port, 4567)
    assert.equal(moved.response?.attributes.xorMappedAddress?.port, 9)
    assert.equal(ask({ padding: 1500 }).response?.attributes.padding, 1500)
    assert.equal(codeOf(ask({ padding: 4, responsePort: 4567 }).response), 400)
    assert.equal(codeOf(ask({ responsePort: 0 }).response), 400)
  })

  it('finds no other address where the square is not whole', () => {
    const bench = new Bench()
    for (const local of [otherPort, otherIp]) bench.core.addListener(local)
    const response = new Client(bench).bare(stunMethod.binding, {})
    assert.equal(response?.attributes.otherAddress, undefined)
  })

  it('is an indication at times, which nobody answers', () => {
    const bench = new Bench()
    const transactionId = bench.random.bytes(12)
    for (const type of ['indication', 'success', 'error'] as const) {
      const message = encodeMessage({ class: type, method: stunMethod.binding, transactionId, attributes: {} })
      bench.receive(message, at('198.51.100.1', 9))
    }
    assert.equal(bench.sent.length, 0)
  })
})

import assert from 'node:assert/strict'
import type { Network } from '../../../src/base/environment.ts'
import { encodeMessage, stunMethod } from '../../../src/ice/index.ts'
import { maxLinkBacklog, type ServerLink, streamLink } from '../../../src/pc/gathering/server-link.ts'
import { type FakeConnection, FakeNetwork, peerAddress } from '../tcp-fakes.ts'

const server = peerAddress(3478)

function world(): { link: ServerLink; connection: FakeConnection; told: unknown[] } {
  const network = new FakeNetwork()
  const told: unknown[] = []
  const link = streamLink(
    network as Partial<Network> as Network,
    server,
    {},
  )({
    ready: () => told.push('ready'),
    receive: message => told.push(message) > 0,
    closed: reason => told.push(reason),
  })
  return { link, connection: network.opened[0] ?? assert.fail('nothing was opened'), told }
}

describe('A link to a server over a stream', () => {
  it('drops messages while more waits than a congested link would hold', () => {
    const { link, connection } = world()
    connection.connect()
    connection.bufferedBytes = maxLinkBacklog
    link.send(Uint8Array.of(1))
    connection.bufferedBytes = maxLinkBacklog + 1
    link.send(Uint8Array.of(2))
    connection.bufferedBytes = 0
    link.send(Uint8Array.of(3))
    assert.deepEqual(connection.written, [Uint8Array.of(1), Uint8Array.of(3)])
  })

  it('takes whole messages out of the stream, and ends at the first thing that is none', () => {
    const { connection, told } = world()
    connection.connect()
    const transactionId = new Uint8Array(12)
    const message = encodeMessage({ class: 'success', method: stunMethod.binding, transactionId, attributes: {} })
    connection.handler?.receive(message.subarray(0, 9))
    assert.deepEqual(told, ['ready'])
    connection.handler?.receive(message.subarray(9))
    assert.deepEqual(told.splice(0), ['ready', message])
    connection.handler?.receive(Uint8Array.of(0x80))
    assert.equal(told.length, 1)
    assert.equal(connection.isClosed, true)
  })
})

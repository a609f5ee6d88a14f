import assert from 'node:assert/strict'
import { decodeMessage, stunMethod } from '../../src/ice/stun/message.ts'
import { encodeChannelData } from '../../src/ice/turn/channel-data.ts'
import type { ServerTransmit } from '../../src/ice/turn/server/sockets.ts'
import { allocated, assertSuccess, at, Bench, bytes, type Client, codeOf, peerAddress, serverAddress } from './bench.ts'

const data = bytes(1, 2, 3, 4, 5)
const otherPort = { ...peerAddress, port: 5001 }
const stranger = at('9.9.9.9', 5000)

function assertRelayed(transmit: ServerTransmit, client: Client, to = peerAddress): void {
  assert.equal(transmit.socket, client.bench.socketOf(client.relay))
  assert.deepEqual({ ...transmit.remote }, to)
  assert.deepEqual(Uint8Array.from(transmit.data), data)
}

/** Data for the client, in whatever it comes. */
function assertDelivered(
  { data: message, remote }: ServerTransmit,
  client: Client,
  channel?: number,
  from = peerAddress,
) {
  assert.deepEqual(remote, client.remote)
  if (channel !== undefined) {
    assert.deepEqual(Buffer.from(message), Buffer.from(encodeChannelData(channel, data, false)))
    return
  }
  const indication = decodeMessage(message)
  assert.equal(indication?.class, 'indication')
  assert.equal(indication?.method, stunMethod.data)
  assert.deepEqual(Uint8Array.from(indication?.attributes.data ?? []), data)
  assert.deepEqual(indication?.attributes.xorPeerAddress, [from])
}

describe('A TURN server between a client and its peers', () => {
  it('relays both ways once there is a permission, and nothing before', () => {
    const bench = new Bench()
    const client = allocated(bench)
    client.sendTo(peerAddress, data)
    client.fromPeer(data)
    assert.equal(bench.sent.length, 0)
    assert.deepEqual(bench.drops(), { 'no-permission': 2 })
    assertSuccess(client.permit({ ...peerAddress, port: 0 }))
    client.sendTo(peerAddress, data)
    assertRelayed(bench.takeOne(), client)
    client.fromPeer(data)
    assertDelivered(bench.takeOne(), client)
    client.fromPeer(data, otherPort)
    assertDelivered(bench.takeOne(), client, undefined, otherPort)
    client.fromPeer(data, stranger)
    client.sendTo(stranger, data)
    assert.equal(bench.sent.length, 0)
    const { toPeers, toClients } = bench.core.stats()
    assert.deepEqual(toPeers, { packets: 1, bytes: 5 })
    assert.deepEqual(toClients, { packets: 2, bytes: 10 })
  })

  it('relays empty datagrams', () => {
    const bench = new Bench()
    const client = allocated(bench)
    client.bind(0x4000, peerAddress)
    client.sendTo(peerAddress, bytes())
    client.channelData(0x4000, bytes())
    client.fromPeer(bytes())
    assert.deepEqual(
      bench.take().map(transmit => transmit.data.length),
      [0, 0, 4],
    )
  })

  it('ends a permission after five minutes unless it is renewed, which data does not do', () => {
    const bench = new Bench()
    const client = allocated(bench)
    client.permit(peerAddress)
    bench.advance(299_000)
    client.sendTo(peerAddress, data)
    client.fromPeer(data)
    assert.equal(bench.take().length, 2)
    bench.advance(1_000)
    client.sendTo(peerAddress, data)
    client.fromPeer(data)
    assert.equal(bench.sent.length, 0)
    client.permit(peerAddress)
    client.refresh()
    bench.advance(200_000)
    client.permit(peerAddress)
    bench.advance(200_000)
    client.fromPeer(data)
    assert.equal(bench.take().length, 1)
  })

  it('uses the channel of a peer for its port alone', () => {
    const bench = new Bench()
    const client = allocated(bench)
    assertSuccess(client.bind(0x4001, peerAddress))
    client.channelData(0x4001, data)
    assertRelayed(bench.takeOne(), client)
    client.fromPeer(data)
    assertDelivered(bench.takeOne(), client, 0x4001)
    client.fromPeer(data, otherPort)
    assertDelivered(bench.takeOne(), client, undefined, otherPort)
    client.sendTo(otherPort, data)
    assertRelayed(bench.takeOne(), client, otherPort)
    client.channelData(0x4002, data)
    assert.equal(bench.sent.length, 0)
    assert.deepEqual(bench.drops(), { 'no-channel': 1 })
  })

  it('keeps a channel for ten minutes, and its permission for five', () => {
    const bench = new Bench()
    const client = allocated(bench)
    client.bind(0x4000, peerAddress)
    bench.advance(301_000)
    client.fromPeer(data)
    assert.equal(bench.sent.length, 0, 'RFC 8656 §9: no permission')
    client.permit(peerAddress)
    client.fromPeer(data)
    assertDelivered(bench.takeOne(), client, 0x4000)
    client.refresh()
    bench.advance(299_500)
    client.channelData(0x4000, data)
    client.permit(peerAddress)
    client.fromPeer(data)
    assert.equal(bench.sent.length, 1, 'the channel is over')
    assertDelivered(bench.takeOne(), client)
    assertSuccess(client.bind(0x4001, peerAddress))
    assertSuccess(client.bind(0x4000, stranger))
  })

  it('refuses channels that contradict each other or the range of numbers', () => {
    const client = allocated(new Bench())
    assertSuccess(client.bind(0x4000, peerAddress))
    assertSuccess(client.bind(0x4000, peerAddress))
    assert.equal(codeOf(client.bind(0x4000, otherPort)), 400)
    assert.equal(codeOf(client.bind(0x4001, peerAddress)), 400)
    for (const number of [0x3fff, 0x5000, 0x7fff, 0, 0xffff]) assert.equal(codeOf(client.bind(number, otherPort)), 400)
    assertSuccess(client.bind(0x4fff, otherPort))
    assert.equal(codeOf(client.ask(stunMethod.channelBind, { channelNumber: 0x4002 })), 400)
    assert.equal(codeOf(client.ask(stunMethod.channelBind, { xorPeerAddress: [stranger] })), 400)
    assert.equal(codeOf(client.bind(0x4003, { ...stranger, port: 0 })), 400)
    assert.equal(codeOf(client.permit()), 400)
  })

  it('takes peers of the family of the relayed address, and of both where there are both', () => {
    const bench = new Bench()
    const six = at('2606:4700::1', 9)
    const single = allocated(bench)
    assert.equal(codeOf(single.permit(six)), 443)
    assert.equal(codeOf(single.permit(peerAddress, six)), 443)
    assert.equal(codeOf(single.bind(0x4000, six)), 443)
    single.sendTo(peerAddress, data)
    assert.equal(bench.sent.length, 0, 'all or none')
    const mapped = at('::ffff:8.8.4.4', 5000)
    assert.equal(mapped.address, '8.8.4.4')
    const both = allocated(bench, at('198.51.100.2', 2))
    assertSuccess(both.refresh({ lifetime: 0 }))
    assertSuccess(both.allocate({ additionalAddressFamily: 6 }))
    assertSuccess(both.permit(peerAddress, six))
    both.sendTo(six, data)
    both.sendTo(peerAddress, data)
    assert.deepEqual(
      bench.take().map(({ socket }) => bench.open.get(socket)?.family),
      [6, 4],
    )
  })

  it('ends one of two addresses on request, with its channels, and leaves the other', () => {
    const bench = new Bench()
    const six = at('2606:4700::1', 9)
    const client = allocated(bench, at('198.51.100.2', 2))
    assert.equal(codeOf(client.refresh({ requestedAddressFamily: 6 })), 443)
    client.refresh({ lifetime: 0 })
    client.allocate({ additionalAddressFamily: 6 })
    client.bind(0x4000, peerAddress)
    client.bind(0x4001, six)
    assertSuccess(client.refresh({ requestedAddressFamily: 4, lifetime: 0 }))
    client.channelData(0x4000, data)
    assert.equal(bench.sent.length, 0)
    client.channelData(0x4001, data)
    assert.equal(bench.take().length, 1)
    assert.equal(codeOf(client.refresh({ requestedAddressFamily: 4 })), 443)
    assertSuccess(client.refresh({ requestedAddressFamily: 6 }))
    assertSuccess(client.refresh({ lifetime: 0 }))
    assert.equal(codeOf(client.refresh()), 437)
    assert.equal(bench.open.size, 0)
  })

  it('discards what asks for DONT-FRAGMENT, has no data, no peer, or port 0', () => {
    const bench = new Bench()
    const client = allocated(bench)
    client.permit(peerAddress)
    client.sendTo(peerAddress, data, { dontFragment: true })
    client.sendTo({ ...peerAddress, port: 0 }, data)
    assert.equal(bench.sent.length, 0)
    assert.deepEqual(bench.drops(), { unsupported: 1, forbidden: 1 })
  })

  it('drops ChannelData that is shorter than it says, and anything of a client without an allocation', () => {
    const bench = new Bench()
    const client = allocated(bench)
    client.bind(0x4000, peerAddress)
    client.send(bytes(0x40, 0x00, 0x00, 0x05, 1, 2, 3, 4))
    client.send(bytes(0x40))
    client.send(bytes(0x50, 0x00, 0x00, 0x01, 1))
    client.send(bytes())
    bench.receive(encodeChannelData(0x4000, data, false), at('198.51.100.99', 1))
    assert.equal(bench.sent.length, 0)
    assert.deepEqual(bench.drops(), { malformed: 4, 'no-allocation': 1 })
    client.send(bytes(0x40, 0x00, 0x00, 0x05, 1, 2, 3, 4, 5, 0, 0, 0))
    assertRelayed(bench.takeOne(), client)
  })

  it('relays nothing through an allocation that has just expired', () => {
    const bench = new Bench()
    const client = allocated(bench)
    const socket = bench.socketOf(client.relay)
    client.bind(0x4000, peerAddress)
    bench.now += 599_999
    client.permit(peerAddress)
    bench.now += 1
    client.channelData(0x4000, data)
    client.sendTo(peerAddress, data)
    bench.receive(data, peerAddress, socket)
    assert.equal(bench.sent.length, 0)
  })

  it('knows so many peers and channels, and makes room where some have expired', () => {
    const bench = new Bench({ maxPermissions: 3, maxChannels: 2 })
    const client = allocated(bench)
    const peers = Array.from({ length: 5 }, (_, i) => at(`8.8.8.${i + 1}`, 1))
    const [a = stranger, b = stranger, c = stranger, d = stranger] = peers
    assertSuccess(client.bind(0x4000, a))
    assertSuccess(client.bind(0x4001, { ...a, port: 2 }))
    assert.equal(codeOf(client.bind(0x4002, { ...a, port: 3 })), 508)
    assert.equal(codeOf(client.permit(b, c, d)), 508)
    client.sendTo(b, data)
    assert.equal(bench.sent.length, 0)
    assertSuccess(client.permit(b, c, { ...c, port: 9 }))
    assert.equal(codeOf(client.permit(d)), 508)
    assertSuccess(client.permit(a, b, c))
    bench.advance(300_000)
    assert.equal(codeOf(client.permit(b, c, d)), 508, 'a channel keeps its peer')
    assertSuccess(client.permit(b, c))
  })

  it('makes room at once, and not only when it next cleans up', () => {
    const bench = new Bench({ maxPermissions: 1 })
    const client = allocated(bench)
    assertSuccess(client.permit(peerAddress))
    bench.now += 299_999
    assert.equal(codeOf(client.permit(stranger)), 508)
    bench.now += 1
    assertSuccess(client.permit(stranger))
  })

  it('drops what is more than a user may relay, both ways together, and soon relays again', () => {
    const bench = new Bench({ maxBytesPerSecondPerUser: 1000 })
    const client = allocated(bench)
    const second = allocated(bench, at('198.51.100.1', 9))
    const other = allocated(bench, at('198.51.100.1', 10), { username: 'bob' })
    for (const each of [client, second, other]) each.bind(0x4000, peerAddress)
    const big = new Uint8Array(400)
    client.channelData(0x4000, big)
    client.fromPeer(big)
    second.channelData(0x4000, big)
    assert.equal(bench.take().length, 2)
    assert.deepEqual(bench.drops(), { 'over-bandwidth': 1 })
    other.channelData(0x4000, big)
    assert.equal(bench.take().length, 1)
    bench.now += 400
    second.channelData(0x4000, big)
    assert.equal(bench.take().length, 1)
  })
})

describe('A TURN server that is asked for peers it must not reach', () => {
  const forbidden = [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '203.0.113.2',
  ]
  const forbidden6 = [
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '64:ff9b::7f00:1',
    '64:ff9b::a00:1',
    '2002:a00:1::1',
    '2001:0:1::1',
    '::127.0.0.1',
  ]
  for (const address of [...forbidden, ...forbidden6]) {
    it(`answers 403 for ${address}, to permissions and channels alike, and relays nothing`, () => {
      const bench = new Bench()
      const client = allocated(bench)
      const peer = at(address, 80)
      if (peer.family === 6) {
        client.refresh({ lifetime: 0 })
        client.allocate({ requestedAddressFamily: 6 })
      }
      assert.equal(codeOf(client.permit(peer)), 403)
      assert.equal(codeOf(client.bind(0x4000, peer)), 403)
      client.sendTo(peer, data)
      client.channelData(0x4000, data)
      client.fromPeer(data, peer)
      assert.equal(bench.sent.length, 0)
    })
  }

  it('grants no permission of a request that names a forbidden peer besides', () => {
    const bench = new Bench()
    const client = allocated(bench)
    assert.equal(codeOf(client.permit(peerAddress, at('10.0.0.9', 1))), 403)
    client.sendTo(peerAddress, data)
    assert.equal(bench.sent.length, 0)
  })

  it('carries data between two of its own clients without a socket', () => {
    const bench = new Bench()
    const alice = allocated(bench)
    const bob = allocated(bench, at('198.51.100.2', 2), { username: 'bob' })
    assertSuccess(alice.bind(0x4000, bob.relay))
    alice.channelData(0x4000, data)
    assert.deepEqual(bench.drops(), { 'no-permission': 1 }, 'Bob has not allowed it')
    assertSuccess(bob.permit(alice.relay))
    alice.channelData(0x4000, data)
    assertDelivered(bench.takeOne(), bob, undefined, alice.relay)
    assertSuccess(bob.bind(0x4abc, alice.relay))
    alice.sendTo(bob.relay, data)
    assertDelivered(bench.takeOne(), bob, 0x4abc)
    bob.channelData(0x4abc, data)
    assertDelivered(bench.takeOne(), alice, 0x4000)
  })

  it('reaches no other port of its own address, not even one that was a client before', () => {
    const bench = new Bench()
    const alice = allocated(bench)
    const bob = allocated(bench, at('198.51.100.2', 2))
    const ssh = { ...alice.relay, port: 22 }
    assertSuccess(alice.permit(bob.relay))
    assert.equal(codeOf(alice.bind(0x4000, ssh)), 403)
    assert.equal(codeOf(alice.bind(0x4000, serverAddress)), 403)
    alice.sendTo(ssh, data)
    alice.sendTo(serverAddress, data)
    assertSuccess(alice.bind(0x4000, bob.relay))
    bob.refresh({ lifetime: 0 })
    alice.channelData(0x4000, data)
    assert.equal(bench.sent.length, 0)
    assert.deepEqual(bench.drops(), { forbidden: 3 })
  })

  it('takes nothing from other programs on its own address for its clients', () => {
    const bench = new Bench()
    const alice = allocated(bench)
    alice.permit(alice.relay)
    alice.fromPeer(data, { ...alice.relay, port: 22 })
    assert.equal(bench.sent.length, 0)
    assert.deepEqual(bench.drops(), { forbidden: 1 })
  })

  it('never relays to where it listens, whatever else is allowed', () => {
    const bench = new Bench({ allowOwnPeers: true, allowPeer: () => true })
    const alice = allocated(bench)
    assertSuccess(alice.permit(serverAddress))
    assert.equal(codeOf(alice.bind(0x4000, serverAddress)), 403)
    alice.sendTo(serverAddress, data)
    assert.equal(bench.sent.length, 0)
    assertSuccess(alice.bind(0x4000, { ...serverAddress, port: 3479 }))
    alice.channelData(0x4000, data)
    assert.equal(bench.take().length, 1)
    bench.core.announce({ ...serverAddress, port: 3479 })
    alice.channelData(0x4000, data)
    assert.equal(bench.sent.length, 0)
  })
})

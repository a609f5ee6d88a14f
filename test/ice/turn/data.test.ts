import assert from 'node:assert/strict'
import type { TransportAddress } from '../../../src/base/address.ts'
import { stunMethod } from '../../../src/ice/stun/message.ts'
import { maxPeers, maxStrangers, maxWaitingPackets } from '../../../src/ice/turn/peers.ts'
import { channelData, dataIndication } from './scripted-server.ts'
import { bulk, only, peer, stunLike, TurnLink } from './turn-link.ts'

describe('Data through a TURN allocation', () => {
  it('waits for the permission, and arrives in order', () => {
    const link = TurnLink.allocated()
    for (let i = 0; i < 5; i++) link.send(stunLike(i), peer(1))
    assert.equal(link.server.delivered.length, 0)
    link.run(100)
    assert.deepEqual(
      link.server.delivered.map(({ data, by }) => [data[4], by]),
      [0, 1, 2, 3, 4].map(i => [i, 'send']),
    )
    assert.deepEqual(link.server.violations, [])
    assert.equal(link.server.of(stunMethod.createPermission).length, 1)
  })

  it('waits in a queue that has a bound', () => {
    const link = TurnLink.allocated()
    for (let i = 0; i < maxWaitingPackets + 7; i++) link.send(stunLike(i), peer(1))
    link.run(100)
    assert.deepEqual(
      link.server.delivered.map(({ data }) => data[4]),
      Array.from({ length: maxWaitingPackets }, (_, i) => i),
    )
    assert.equal(link.client.dropped, 7)
  })

  it('needs one permission for all ports of an IP address', () => {
    const link = TurnLink.allocated()
    link.send(stunLike(), peer(1, 1))
    link.run(100)
    link.send(stunLike(), peer(1, 2))
    link.run(100)
    assert.equal(link.server.of(stunMethod.createPermission).length, 1)
    assert.deepEqual(
      link.server.delivered.map(({ peer: to }) => to),
      ['192.0.2.1:1', '192.0.2.1:2'],
    )
  })

  it('is not worth a channel while there are only connectivity checks, but is from then on', () => {
    const link = TurnLink.allocated()
    for (let i = 0; i < 3; i++) {
      link.send(stunLike(i), peer(1))
      link.run(100)
    }
    assert.equal(link.server.of(stunMethod.channelBind).length, 0)
    link.send(bulk(), peer(1))
    link.send(bulk(), peer(1))
    link.run(100)
    link.send(bulk(), peer(1))
    link.send(stunLike(), peer(1))
    link.run(100)
    assert.deepEqual(
      link.server.delivered.map(({ by }) => by),
      ['send', 'send', 'send', 'send', 'send', 'channel', 'channel'],
    )
    const [request, ...more] = link.server.of(stunMethod.channelBind)
    assert.equal(more.length, 0)
    assert.equal(request?.attributes.channelNumber, 0x4000)
  })

  it('is padded in a stream', () => {
    const link = TurnLink.allocated({ reliable: true })
    link.send(bulk(), peer(1))
    link.run(100)
    link.client.send(bulk(5), peer(1), link.now)
    assert.equal(link.client.pollTransmit(link.now)?.length, 12)
    link.client.send(new Uint8Array(0), peer(1), link.now)
    assert.equal(link.client.pollTransmit(link.now)?.length, 4)
  })

  it('comes with the same object for the same peer, by whatever way', () => {
    const link = TurnLink.allocated()
    const known = peer(1)
    link.send(stunLike(), known)
    link.run(100)
    link.peerSends(peer(1), bulk(3))
    link.run(100)
    link.send(bulk(), peer(1))
    link.run(100)
    link.peerSends(peer(1), bulk(4))
    link.run(100)
    assert.deepEqual(
      link.received.map(({ data }) => data.length),
      [3, 4],
    )
    for (const received of link.received) assert.equal(received.peer, known)
  })

  it('comes from a port that nothing was sent to, if the address is permitted, and keeps its object when it is answered', () => {
    const link = TurnLink.allocated()
    link.send(stunLike(), peer(1))
    link.run(100)
    for (let i = 0; i < 2; i++) link.peerSends(peer(1, 9), bulk())
    link.run(100)
    const [first, second] = link.received
    assert.equal(first?.peer, second?.peer)
    link.send(bulk(), first?.peer ?? assert.fail())
    link.run(100)
    link.peerSends(peer(1, 9), bulk())
    link.run(100)
    assert.equal(link.received[2]?.peer, first?.peer)
  })

  it('remembers so many strangers and no more', () => {
    const link = TurnLink.allocated()
    link.send(stunLike(), peer(1))
    link.run(100)
    const from = (port: number): TransportAddress => {
      link.inject(dataIndication({ xorPeerAddress: [peer(1, port)], data: bulk() }))
      return link.received.at(-1)?.peer ?? assert.fail()
    }
    const first = from(1)
    for (let port = 2; port <= maxStrangers; port++) from(port)
    assert.equal(from(1), first)
    from(maxStrangers + 1)
    assert.notEqual(from(1), first)
  })

  it('is a view of the message that it came in', () => {
    const link = TurnLink.allocated()
    link.send(bulk(), peer(1))
    link.run(100)
    const channel = channelData(0x4000, bulk(10))
    link.inject(channel)
    const indicated = dataIndication({ xorPeerAddress: [peer(1)], data: bulk(10) })
    link.inject(indicated)
    assert.equal(link.received[0]?.data.buffer, channel.buffer)
    assert.equal(link.received[1]?.data.buffer, indicated.buffer)
  })

  it('may be empty', () => {
    const link = TurnLink.allocated()
    link.send(bulk(), peer(1))
    link.run(100)
    link.inject(dataIndication({ xorPeerAddress: [peer(1)], data: new Uint8Array(0) }))
    link.inject(channelData(0x4000, new Uint8Array(0)))
    assert.deepEqual(
      link.received.map(({ data }) => data.length),
      [0, 0],
    )
  })

  it('is dropped if nobody was asked for it', () => {
    const link = TurnLink.allocated()
    link.inject(dataIndication({ xorPeerAddress: [peer(1)], data: bulk() }))
    link.inject(channelData(0x4000, bulk()))
    link.inject(channelData(0x4fff, bulk()))
    link.send(bulk(), peer(2))
    link.run(100)
    link.inject(channelData(0x4001, bulk()))
    link.inject(channelData(0x4000, bulk()).subarray(0, 50))
    link.inject(dataIndication({ data: bulk() }))
    link.inject(dataIndication({ xorPeerAddress: [peer(2)] }))
    link.inject(new Uint8Array(0))
    link.inject(bulk())
    assert.deepEqual(link.received, [])
    assert.deepEqual(link.drops, { 'no-permission': 1, 'unknown-channel': 3, malformed: 5 })
  })

  it('may come on a channel before the server has confirmed it', () => {
    const link = TurnLink.allocated()
    link.send(bulk(), peer(1))
    link.run(25)
    assert.equal(link.server.of(stunMethod.channelBind).length, 0)
    link.inject(channelData(0x4000, bulk()))
    assert.equal(link.received.length, 1)
  })

  it('goes to an IPv4-mapped address as to the IPv4 one', () => {
    const link = TurnLink.allocated({ additionalFamily: true })
    link.send(bulk(), { address: '::ffff:192.0.2.1', port: 4_000, family: 6 })
    link.run(100)
    link.send(bulk(), peer(1))
    link.send(bulk(), { address: '::FFFF:c000:201', port: 4_000, family: 6 })
    link.run(100)
    assert.deepEqual(link.server.of(stunMethod.channelBind)[0]?.attributes.xorPeerAddress, [peer(1)])
    assert.deepEqual(
      link.server.delivered.map(({ peer: to, by }) => [to, by]),
      [
        ['192.0.2.1:4000', 'send'],
        ['192.0.2.1:4000', 'channel'],
        ['192.0.2.1:4000', 'channel'],
      ],
    )
  })

  it('goes nowhere if the address is none', () => {
    const link = TurnLink.allocated()
    for (const address of ['peer.local', '', '1.2.3', '::1%eth0']) {
      link.send(bulk(), { address, port: 1, family: 4 })
    }
    assert.equal(link.client.dropped, 4)
    assert.equal(link.server.received, 2)
  })

  it('is refused for a family that has no relayed address, without asking', () => {
    const link = TurnLink.allocated()
    const six = { address: '2001:db8::1', port: 1, family: 6 } as const
    for (let i = 0; i < 3; i++) link.send(bulk(), six)
    link.run(1_000)
    const { peer: refused, error } = only(link.events, 'peer-refused')
    assert.deepEqual([refused, error.errorCode], [six, 443])
    assert.equal(link.server.received, 2)
  })

  it('goes to both families of a dual allocation', () => {
    const link = TurnLink.allocated({ additionalFamily: true })
    const six = { address: '2001:db8::1', port: 1, family: 6 } as const
    for (let i = 0; i < 2; i++) {
      link.send(bulk(), six)
      link.send(bulk(), peer(1))
      link.run(100)
    }
    assert.equal(link.server.delivered.length, 4)
    assert.deepEqual(link.events, [])
  })

  for (const code of [400, 401, 403, 443, 500, 508]) {
    it(`is refused, once, if the server says ${code} to the permission`, () => {
      const link = TurnLink.allocated()
      link.server.script = ({ method }) => (method === stunMethod.createPermission ? { error: code } : undefined)
      link.send(bulk(), peer(1))
      link.run(100)
      const { peer: refused, error } = only(link.events, 'peer-refused')
      assert.deepEqual([refused, error.errorCode], [peer(1), code])
      for (let i = 0; i < 5; i++) link.send(bulk(), peer(1))
      link.run(50_000)
      assert.equal(link.server.of(stunMethod.createPermission).length, 1)
      assert.equal(link.client.dropped, 6)
      assert.equal(link.events.length, 1)
      // Only what may pass is asked for again.
      link.server.script = () => undefined
      link.run(20_000)
      link.send(bulk(), peer(1))
      link.run(100)
      assert.equal(link.server.delivered.length, code === 508 ? 1 : 0)
    })
  }

  it('that is refused is told of for each peer, and again to who goes on, but not for each packet', () => {
    const link = TurnLink.allocated()
    link.server.script = ({ method }) => (method === stunMethod.createPermission ? { error: 403 } : undefined)
    link.send(stunLike(), peer(1, 1))
    link.run(100)
    link.send(stunLike(), peer(1, 2))
    const ports = () => link.events.map(event => (event.type === 'peer-refused' ? event.peer.port : event.type))
    assert.deepEqual(ports(), [1, 2])
    for (let i = 0; i < 100; i++) {
      link.send(stunLike(), peer(1, 1))
      link.run(20)
    }
    assert.deepEqual(ports(), [1, 2, 1, 1])
    assert.equal(link.server.of(stunMethod.createPermission).length, 1)
  })

  it('ends if the permission is not renewed', () => {
    const link = TurnLink.allocated()
    link.send(bulk(), peer(1))
    link.run(1_000)
    link.server.script = ({ method }) => (method === stunMethod.createPermission ? { error: 403 } : undefined)
    link.run(300_000)
    assert.equal(only(link.events, 'peer-refused').error.errorCode, 403)
    link.inject(channelData(0x4000, bulk()))
    link.inject(dataIndication({ xorPeerAddress: [peer(1)], data: bulk() }))
    assert.deepEqual(link.drops, { 'no-permission': 2 })
    const { dropped } = link.client
    link.send(bulk(), peer(1))
    assert.equal(link.client.dropped, dropped + 1)
  })

  it('goes on until the permission expires if its renewal fails, and after it if a later one succeeds', () => {
    const link = TurnLink.allocated()
    link.send(bulk(), peer(1))
    link.run(1_000)
    let refusals = 0
    link.server.script = ({ method }) =>
      method === stunMethod.createPermission && refusals++ === 0 ? { error: 500 } : undefined
    link.run(290_000)
    assert.equal(refusals, 1)
    link.send(bulk(), peer(1))
    link.run(50_000)
    link.send(bulk(), peer(1))
    link.run(100)
    assert.equal(refusals, 2)
    assert.equal(link.server.delivered.length, 3)
    assert.deepEqual(link.events, [])
  })

  it('is permitted before anything was sent', () => {
    const link = TurnLink.allocated()
    link.client.permit(peer(1), link.now)
    link.client.permit(peer(1), link.now)
    link.drain()
    link.run(100)
    link.peerSends(peer(1, 77), bulk())
    link.run(100)
    assert.equal(link.received.length, 1)
    assert.equal(link.server.of(stunMethod.createPermission).length, 1)
  })

  it('tells what ICMP says', () => {
    const link = TurnLink.allocated()
    const icmp = { type: 3, code: 3, data: 0 }
    link.send(bulk(), peer(1))
    link.run(100)
    link.inject(dataIndication({ xorPeerAddress: [peer(1)], icmp }))
    link.inject(dataIndication({ xorPeerAddress: [peer(2)], icmp }))
    assert.deepEqual(link.events, [{ type: 'icmp', peer: peer(1), icmp }])
  })

  it('that is too long for a Send indication waits for nothing', () => {
    const link = TurnLink.allocated()
    link.send(new Uint8Array(70_000), peer(1))
    link.run(100)
    link.send(new Uint8Array(65_457), peer(1))
    assert.equal(link.client.dropped, 2)
    link.send(new Uint8Array(65_456), peer(1))
    link.run(100)
    assert.equal(link.server.delivered.length, 1)
    assert.deepEqual(link.server.violations, [])
  })

  it('to many peers displaces the one that was longest unused, and the others not', () => {
    const link = TurnLink.allocated()
    const all = Array.from({ length: maxPeers + 1 }, (_, i) => peer(1 + (i % 200), 1_000 + i))
    for (const each of all) {
      link.send(bulk(), each)
      link.run(30)
    }
    link.run(100)
    for (const each of all.slice(1)) link.send(bulk(), each)
    link.run(100)
    assert.ok(link.server.delivered.slice(-maxPeers).every(({ by }) => by === 'channel'))
    // The first has no channel any more, though the server knows of it still; it gets the same one back.
    link.send(bulk(), all[0] ?? assert.fail())
    link.run(100)
    assert.equal(link.server.delivered.at(-1)?.by, 'send')
    link.send(bulk(), all[0] ?? assert.fail())
    link.run(100)
    assert.equal(link.server.delivered.at(-1)?.by, 'channel')
    assert.deepEqual(link.server.violations, [])
    assert.deepEqual(link.events, [])
  })

  it('to a displaced peer has no permission that is renewed', () => {
    const link = TurnLink.allocated()
    for (let i = 0; i <= maxPeers; i++) {
      link.send(stunLike(), { address: `10.0.0.${i}`, port: 1, family: 4 })
      link.run(30)
    }
    assert.equal(link.server.allocation?.permissions.size, maxPeers + 1)
    link.run(310_000)
    assert.equal(link.server.allocation?.permissions.size, maxPeers)
    assert.equal(link.server.allocation?.permissions.has('10.0.0.0'), false)
  })

  describe('on a channel that the server does not bind', () => {
    for (const code of [400, 508, 500]) {
      it(`goes by indications after ${code}`, () => {
        const link = TurnLink.allocated()
        link.server.script = ({ method }) => (method === stunMethod.channelBind ? { error: code } : undefined)
        for (let i = 0; i < 5; i++) {
          link.send(bulk(), peer(1))
          link.run(100)
        }
        assert.ok(link.server.delivered.every(({ by }) => by === 'send'))
        assert.equal(link.server.delivered.length, 5)
        assert.equal(link.server.of(stunMethod.channelBind).length, 1)
        link.server.script = () => undefined
        link.run(60_000)
        for (let i = 0; i < 2; i++) {
          link.send(bulk(), peer(1))
          link.run(100)
        }
        assert.equal(link.server.delivered.at(-1)?.by, code === 508 ? 'channel' : 'send')
        assert.deepEqual(link.events, [])
      })
    }

    it('is refused after 403', () => {
      const link = TurnLink.allocated()
      link.server.script = ({ method }) => (method === stunMethod.channelBind ? { error: 403 } : undefined)
      link.send(bulk(), peer(1))
      link.run(100)
      assert.equal(only(link.events, 'peer-refused').error.errorCode, 403)
    })

    it('is lost with the allocation if the server has bound it differently', () => {
      const link = TurnLink.allocated()
      link.send(bulk(), peer(1))
      link.run(100)
      link.server.script = ({ method }) => (method === stunMethod.channelBind ? { error: 400 } : undefined)
      link.run(560_000)
      assert.equal(only(link.events, 'lost').error.errorCode, 400)
      assert.equal(link.client.state, 'lost')
      assert.equal(link.server.allocation, undefined)
      assert.deepEqual(
        link.events.map(({ type }) => type),
        ['lost', 'closed'],
      )
    })

    it('goes by indications once the binding has expired', () => {
      const link = TurnLink.allocated()
      link.send(bulk(), peer(1))
      link.run(100)
      link.server.script = ({ method }) => (method === stunMethod.channelBind ? { error: 500 } : undefined)
      link.run(595_000)
      link.send(bulk(), peer(1))
      link.run(10_000)
      link.send(bulk(), peer(1))
      link.run(100)
      assert.deepEqual(
        link.server.delivered.map(({ by }) => by),
        ['send', 'channel', 'send'],
      )
      assert.deepEqual(link.server.violations, [])
      assert.equal(link.client.state, 'allocated')
    })
  })
})

import assert from 'node:assert/strict'
import { stunMethod } from '../../../src/ice/stun/message.ts'
import { maxRetries } from '../../../src/ice/turn/requests.ts'
import type { ScriptedServer } from './scripted-server.ts'
import { bulk, only, peer, stunLike, TurnLink } from './turn-link.ts'

const day = 24 * 3_600_000

describe('A TURN allocation', () => {
  it('outlives 24 idle hours, with its permissions and channels, and a nonce that changes every hour', () => {
    const link = TurnLink.allocated()
    link.send(bulk(), peer(1))
    link.send(stunLike(), peer(2))
    link.run(1_000)
    for (let hour = 0; hour < 24; hour++) {
      link.server.nonce = `nonce-${hour}`
      link.run(day / 24)
    }
    assert.equal(link.client.state, 'allocated')
    assert.deepEqual(link.events, [])
    assert.deepEqual([...(link.server.allocation?.permissions.keys() ?? [])], ['192.0.2.1', '192.0.2.2'])
    link.send(bulk(), peer(1))
    link.peerSends(peer(1), bulk())
    link.peerSends(peer(2), bulk())
    link.run(1_000)
    assert.equal(link.server.delivered.at(-1)?.by, 'channel')
    assert.equal(link.received.length, 2)
    assert.deepEqual(link.server.violations, [])
    // 600 s, 300 s and 600 s of life; and no more requests than that takes
    const count = (method: number) => link.server.of(method).length
    assert.ok(count(stunMethod.refresh) <= day / 450_000 + 24 + 1, `${count(stunMethod.refresh)} refreshes`)
    assert.ok(count(stunMethod.createPermission) <= 2 * (day / 240_000) + 24 + 2)
    assert.ok(count(stunMethod.channelBind) <= day / 540_000 + 24 + 1)
    assert.ok(Math.abs(link.server.keepAlives - day / 15_000) < 1_000, `${link.server.keepAlives} keepalives`)
  })

  it('needs no keepalives over TCP, nor while data flows', () => {
    const tcp = TurnLink.allocated({ reliable: true })
    tcp.run(3_600_000)
    assert.equal(tcp.server.keepAlives, 0)
    const busy = TurnLink.allocated()
    for (let i = 0; i < 100; i++) {
      busy.send(bulk(), peer(1))
      busy.run(10_000)
    }
    assert.equal(busy.server.keepAlives, 0)
  })

  for (const [seconds, least, most] of [
    [1_800, 900, 1_350],
    [120, 59, 61],
    [4, 1, 3],
    [0xffff_ffff, 3_599, 3_600],
  ] as const) {
    it(`is refreshed in time if its lifetime is ${seconds} s`, () => {
      const link = TurnLink.allocated({}, server => (server.lifetimeSeconds = seconds))
      const allocated = link.server.requests.at(-1)?.at ?? assert.fail()
      const refreshed = () => link.server.requests.find(({ message }) => message.method === stunMethod.refresh)
      assert.ok(link.run(most * 1_000 + 1_000, () => refreshed() !== undefined))
      const after = ((refreshed()?.at ?? 0) - allocated) / 1_000
      assert.ok(after >= least && after <= most, `after ${after} s`)
      link.run(60_000)
      assert.equal(link.client.state, 'allocated')
    })
  }

  it('asks for the same lifetime when it is refreshed, and follows what it gets', () => {
    const link = TurnLink.allocated({ lifetimeSeconds: 777 })
    link.server.lifetimeSeconds = 100
    link.run(600_000)
    const [first, second] = link.server.requests.filter(({ message }) => message.method === stunMethod.refresh)
    assert.equal(first?.message.attributes.lifetime, 777)
    assert.ok((second?.at ?? Number.POSITIVE_INFINITY) - (first?.at ?? 0) <= 75_000)
  })

  it('is lost when the server dies, after two refreshes that nobody answers', () => {
    const link = TurnLink.allocated()
    link.server.dead = true
    const before = link.now
    assert.ok(link.run(600_000, () => link.client.state === 'lost'))
    assert.equal(only(link.events, 'lost').error.code, 'timeout')
    assert.ok(link.now - before <= 450_000 + 2 * 39_500 + 1_000)
    assert.equal(link.client.pollTimeout(), undefined)
    assert.deepEqual(link.client.relayed, [])
  })

  it('is found lost sooner if something is asked of the dead server', () => {
    const link = TurnLink.allocated()
    link.server.dead = true
    link.send(bulk(), peer(1))
    assert.ok(link.run(3 * 39_500 + 100, () => link.client.state === 'lost'))
    assert.deepEqual(
      link.events.map(({ type }) => type),
      ['peer-refused', 'lost'],
    )
  })

  it('survives a server that is away for a minute', () => {
    const link = TurnLink.allocated()
    link.run(440_000)
    link.server.dead = true
    link.run(60_000)
    link.server.dead = false
    link.run(600_000)
    assert.equal(link.client.state, 'allocated')
  })

  for (const [what, method, act] of [
    ['Refresh', stunMethod.refresh, () => {}],
    ['CreatePermission', stunMethod.createPermission, (link: TurnLink) => link.send(stunLike(), peer(1))],
    ['ChannelBind', stunMethod.channelBind, (link: TurnLink) => link.send(bulk(), peer(1))],
  ] as const) {
    it(`is lost when the server says 437 to ${what}`, () => {
      const link = TurnLink.allocated()
      link.server.script = request => (request.method === method ? { error: 437 } : undefined)
      act(link)
      assert.ok(link.run(600_000, () => link.client.state === 'lost'))
      assert.equal(only(link.events, 'lost').error.errorCode, 437)
      link.run(600_000)
      assert.equal(link.events.length, 1)
    })
  }

  it('is found lost when a server that was started anew says 400 to CreatePermission', () => {
    const link = TurnLink.allocated()
    link.server.allocation = undefined
    link.server.script = ({ method }) => (method === stunMethod.createPermission ? { error: 400 } : undefined)
    link.send(stunLike(), peer(1))
    link.run(1_000)
    assert.equal(only(link.events, 'lost').error.errorCode, 437)
  })

  for (const code of [300, 400, 403, 441, 443, 486, 500, 508]) {
    it(`is used until it expires, if the server refuses a refresh with ${code}`, () => {
      const link = TurnLink.allocated()
      link.server.script = ({ method }) => (method === stunMethod.refresh ? { error: code } : undefined)
      link.send(bulk(), peer(1))
      link.run(595_000)
      assert.equal(link.client.state, 'allocated')
      const delivered = link.server.delivered.length
      link.send(bulk(), peer(1))
      link.run(100)
      assert.equal(link.server.delivered.length, delivered + 1)
      link.run(10_000)
      assert.equal(only(link.events, 'lost').error.errorCode, code)
      assert.ok(link.server.of(stunMethod.refresh).length <= 4)
    })
  }

  it('is refreshed after all if the server comes to another mind', () => {
    const link = TurnLink.allocated()
    let refusals = 0
    link.server.script = ({ method }) =>
      method === stunMethod.refresh && refusals++ === 0 ? { error: 508 } : undefined
    link.run(3_600_000)
    assert.equal(link.client.state, 'allocated')
    assert.deepEqual(link.events, [])
  })

  it('asks no more with credentials that are not accepted any more', () => {
    const link = TurnLink.allocated()
    link.server.script = request =>
      request.method === stunMethod.refresh
        ? {
            bytes: link.server.respond(
              request,
              'error',
              { errorCode: { code: 401, reason: '' }, realm: 'relay.example', nonce: 'nonce-0' },
              { signed: false },
            ),
          }
        : undefined
    link.run(700_000)
    const { error } = only(link.events, 'lost')
    assert.deepEqual([error.code, error.errorCode], ['unauthorized', 401])
    assert.equal(link.server.of(stunMethod.refresh).length, 1)
  })

  it('bounds the rounds of 438 of one request, even if others succeed in between', () => {
    const link = TurnLink.allocated()
    let rounds = 0
    link.server.script = request => {
      if (request.method === stunMethod.createPermission) return { bytes: link.server.respond(request, 'success', {}) }
      if (request.method !== stunMethod.refresh) return undefined
      link.server.nonce = `other-${rounds++}`
      link.client.send(stunLike(), peer(rounds), link.now)
      return {
        bytes: link.server.respond(
          request,
          'error',
          { errorCode: { code: 438, reason: '' }, realm: 'relay.example', nonce: link.server.nonce },
          { signed: false },
        ),
      }
    }
    link.run(460_000)
    assert.equal(rounds, 1 + maxRetries)
    assert.deepEqual(link.events, [])
    link.run(600_000)
    assert.equal(only(link.events, 'lost').error.errorCode, 438)
  })

  it('is lost if a refresh grants no time at all', () => {
    const link = TurnLink.allocated()
    link.server.script = ({ method }) => (method === stunMethod.refresh ? { success: { lifetime: 0 } } : undefined)
    link.run(600_000)
    assert.equal(only(link.events, 'lost').error.code, 'malformed')
  })

  it('is lost when nothing was done for longer than it lives', () => {
    const link = TurnLink.allocated()
    link.client.handleTimeout(link.now + 3_600_000)
    link.drain()
    assert.equal(only(link.events, 'lost').error.code, 'timeout')
  })

  it('is lost with its connection', () => {
    const link = TurnLink.allocated({ reliable: true })
    link.client.connectionLost()
    link.drain()
    assert.equal(only(link.events, 'lost').error.code, 'connection-lost')
    link.client.connectionLost()
    link.drain()
    assert.equal(link.events.length, 1)
  })

  describe('that is closed', () => {
    it('is deleted, after what was sent before has left', () => {
      const link = TurnLink.allocated()
      link.send(bulk(), peer(1))
      link.run(100)
      link.client.send(bulk(), peer(1), link.now)
      link.close()
      assert.equal(link.client.state, 'closing')
      link.run(1_000)
      assert.equal(link.client.state, 'closed')
      assert.deepEqual(link.events, [{ type: 'closed' }])
      assert.equal(link.server.allocation, undefined)
      assert.equal(link.server.delivered.length, 2)
      assert.equal(link.client.pollTimeout(), undefined)
    })

    it('is closed before it was asked for', () => {
      const link = new TurnLink()
      link.close()
      assert.deepEqual(link.events, [{ type: 'closed' }])
      link.start()
      assert.equal(link.client.state, 'closed')
    })

    it('is deleted if the server grants it afterwards', () => {
      for (const wait of [5, 25]) {
        const link = new TurnLink()
        link.start()
        link.run(wait)
        link.close()
        link.run(5_000)
        assert.deepEqual(link.events, [{ type: 'closed' }])
        assert.equal(link.server.allocation, undefined)
      }
    })

    it('asks again with a new nonce to be deleted', () => {
      const link = TurnLink.allocated()
      link.server.nonce = 'another'
      link.close()
      link.run(1_000)
      assert.equal(link.server.allocation, undefined)
      assert.deepEqual(link.events, [{ type: 'closed' }])
    })

    it('is taken for deleted after 437', () => {
      const link = TurnLink.allocated()
      link.server.script = () => ({ error: 437 })
      link.close()
      link.run(100)
      assert.deepEqual(link.events, [{ type: 'closed' }])
    })

    it('waits two seconds for a dead server, and no longer', () => {
      const link = TurnLink.allocated()
      link.server.dead = true
      link.close()
      link.run(1_900)
      assert.equal(link.client.state, 'closing')
      link.run(200)
      assert.deepEqual(link.events, [{ type: 'closed' }])
      const during = new TurnLink()
      during.server.dead = true
      during.start()
      during.close()
      during.run(2_100)
      assert.deepEqual(during.events, [{ type: 'closed' }])
    })

    it('takes and sends nothing any more', () => {
      const link = TurnLink.allocated()
      link.send(bulk(), peer(1))
      link.run(100)
      const message: (server: ScriptedServer) => Uint8Array = server =>
        server.fromPeer(peer(1), bulk(), link.now) ?? assert.fail()
      const late = message(link.server)
      link.close()
      link.inject(late)
      link.run(100)
      link.inject(late)
      assert.deepEqual(link.received, [])
      assert.equal(link.drops['no-allocation'], 2)
      const { received } = link.server
      link.send(bulk(), peer(1))
      link.client.permit(peer(2), link.now)
      link.close()
      link.run(60_000)
      assert.equal(link.server.received, received)
      assert.equal(link.client.dropped, 1)
    })

    it('is closed at once if the connection is lost meanwhile', () => {
      const link = TurnLink.allocated({ reliable: true })
      link.close()
      link.client.connectionLost()
      link.drain()
      assert.deepEqual(link.events, [{ type: 'closed' }])
    })
  })
})

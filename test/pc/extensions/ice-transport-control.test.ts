import assert from 'node:assert/strict'
import { decodeMessage } from '../../../src/ice/index.ts'
import type { RTCIceCandidatePair, RTCIceCandidatePairEvent } from '../../../src/pc/rtc-ice-candidate-pair.ts'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import type { RTCIceTransport } from '../../../src/pc/rtc-transports.ts'
import { exchange, isOpen } from '../../sim/calls.ts'
import { createPair, negotiate, type SimulatedPair } from '../../sim/peers.ts'

const addresses = [
  ['192.0.2.1', '192.0.2.11'],
  ['192.0.2.2', '192.0.2.12'],
] as const

type Log = { readonly type: string; readonly pair: RTCIceCandidatePair; readonly cancelable: boolean }[]

function transportOf(peer: RTCPeerConnection): RTCIceTransport {
  const ice = peer.sctp?.transport.iceTransport
  assert.ok(ice)
  return ice
}

/** What a pair is between. */
function ends({ local, remote }: RTCIceCandidatePair): string {
  return `${local.address}>${remote.address}`
}

/** Two peers with two addresses each; `listen` is called as soon as alice has a transport. */
function start(seed: number, listen: (ice: RTCIceTransport) => void): SimulatedPair & { readonly log: Log } {
  const pair = createPair({ seed, addresses })
  const log: Log = []
  const { alice } = pair
  alice.addEventListener(
    'signalingstatechange',
    () => {
      const ice = transportOf(alice)
      for (const type of ['icecandidatepairadd', 'icecandidatepairremove', 'icecandidatepairnominate'] as const) {
        ice.addEventListener(type, ({ candidatePair, cancelable }) =>
          log.push({ type: type.slice('icecandidatepair'.length), pair: candidatePair, cancelable }),
        )
      }
      listen(ice)
    },
    { once: true },
  )
  return { ...pair, log }
}

function of(log: Log, type: string): RTCIceCandidatePair[] {
  return log.filter(each => each.type === type).map(({ pair }) => pair)
}

/** Refuses the first `count` nominations. */
function refuse(ice: RTCIceTransport, count = Number.POSITIVE_INFINITY): void {
  let left = count
  ice.addEventListener('icecandidatepairnominate', (event: RTCIceCandidatePairEvent) => {
    if (left-- > 0) event.preventDefault()
  })
}

/** Counts STUN messages between two ends, and those that nominate. */
function countChecks({ sim }: SimulatedPair): {
  readonly nominating: Map<string, number>
  readonly all: Map<string, number>
} {
  const [nominating, all] = [new Map<string, number>(), new Map<string, number>()]
  sim.network.tap(({ data, from, to }) => {
    const message = (data[0] ?? 255) <= 3 ? decodeMessage(data) : undefined
    if (message === undefined) return undefined
    const key = `${from.address}>${to.address}`
    all.set(key, (all.get(key) ?? 0) + 1)
    if (message.attributes.useCandidate) nominating.set(key, (nominating.get(key) ?? 0) + 1)
    return undefined
  })
  return { nominating, all }
}

function close({ alice, bob }: SimulatedPair): void {
  alice.close()
  bob.close()
}

describe('ICE transport control (webrtc-extensions §9)', () => {
  it('tells each pair once, before it is nominated and selected', async () => {
    const order: string[] = []
    const pair = start(1, ice => {
      for (const type of ['icecandidatepairadd', 'icecandidatepairnominate', 'selectedcandidatepairchange'] as const) {
        ice.addEventListener(type, () => order.push(type))
      }
    })
    const { sim, alice, log } = pair
    await sim.run(() => isOpen(pair))
    await sim.runFor(2_000)
    const added = of(log, 'add')
    assert.equal(new Set(added.map(ends)).size, added.length)
    assert.equal(added.length, 4)
    const selected = transportOf(alice).getSelectedCandidatePair()
    assert.ok(selected)
    assert.ok(added.includes(selected), 'the same object')
    assert.deepEqual(of(log, 'nominate'), [selected])
    assert.equal(order[0], 'icecandidatepairadd')
    assert.ok(order.indexOf('selectedcandidatepairchange') > 0)
    assert.deepEqual(of(log, 'remove'), [])
    const cancelable = new Set(log.filter(each => each.cancelable).map(({ type }) => type))
    assert.deepEqual([...cancelable], ['nominate'])
    close(pair)
  })

  it('nominates nothing that the application refuses, and carries data all the same', async () => {
    const pair = start(2, ice => refuse(ice))
    const { nominating } = countChecks(pair)
    const { sim, alice, log } = pair
    await sim.run(() => isOpen(pair))
    await sim.runFor(40_000)
    await exchange(pair, 2)
    assert.equal(nominating.size, 0)
    assert.equal(transportOf(alice).state, 'connected')
    // A pair that was refused is not proposed for ever.
    const refused = of(log, 'nominate')
    assert.equal(new Set(refused).size, refused.length)
    close(pair)
  })

  it('sends over the pair that is selected, and then nominates that one', async () => {
    const pair = start(3, ice => refuse(ice, 1))
    const { nominating } = countChecks(pair)
    const { sim, alice, bob, log } = pair
    await sim.run(() => isOpen(pair))
    await sim.runFor(1_000)
    const ice = transportOf(alice)
    const other = of(log, 'add').find(each => each !== ice.getSelectedCandidatePair())
    assert.ok(other)
    const order: string[] = []
    ice.addEventListener('selectedcandidatepairchange', () => order.push('change'))
    ice.addEventListener('icecandidatepairnominate', () => order.push('nominate'))
    const done = ice.selectCandidatePair(other).then(() => order.push('resolved'))
    await sim.run(() => order.length === 3)
    await done
    assert.equal(order.indexOf('change') < order.indexOf('resolved'), true)
    assert.equal(ice.getSelectedCandidatePair(), other)
    await sim.runFor(5_000)
    assert.deepEqual([...nominating.keys()], [ends(other)])
    assert.equal(ice.state, 'completed')
    const theirs = transportOf(bob).getSelectedCandidatePair()
    assert.ok(theirs)
    assert.equal(ends(theirs), ends(other).split('>').reverse().join('>'))
    await exchange(pair, 3)
    close(pair)
  })

  it('checks a selected pair that was not heard of for long before it is used', async () => {
    const pair = start(4, ice => refuse(ice))
    const { sim, alice, log } = pair
    await sim.run(() => isOpen(pair))
    await sim.runFor(60_000)
    const ice = transportOf(alice)
    const other = of(log, 'add').find(each => each !== ice.getSelectedCandidatePair())
    assert.ok(other)
    let isDone = false
    void ice.selectCandidatePair(other).then(() => {
      isDone = true
    })
    assert.notEqual(ice.getSelectedCandidatePair(), other)
    await sim.run(() => isDone, 5_000)
    assert.equal(ice.getSelectedCandidatePair(), other)
    close(pair)
  })

  it('rejects a selection that turns out not to work, and goes on with the pair in use', async () => {
    const pair = start(5, ice => refuse(ice))
    const { sim, alice, log } = pair
    await sim.run(() => isOpen(pair))
    await sim.runFor(60_000)
    const ice = transportOf(alice)
    const inUse = ice.getSelectedCandidatePair()
    const other = of(log, 'add').find(each => each.local.address !== inUse?.local.address)
    assert.ok(other)
    const dead = other.local.address
    sim.network.tap(({ from }) => (from.address === dead ? 'drop' : undefined))
    let outcome: unknown
    ice.selectCandidatePair(other).catch(error => {
      outcome = error
    })
    await sim.run(() => outcome !== undefined, 60_000)
    assert.equal((outcome as DOMException).name, 'OperationError')
    assert.equal(ice.getSelectedCandidatePair(), inUse)
    await exchange(pair, 5)
    close(pair)
  })

  it('gives up a removed pair: no check goes there or is answered, and it does not come back', async () => {
    const pair = start(6, ice => refuse(ice))
    const { sim, alice, log } = pair
    await sim.run(() => isOpen(pair))
    await sim.runFor(1_000)
    const ice = transportOf(alice)
    const selected = ice.getSelectedCandidatePair()
    const other = of(log, 'add').find(each => each !== selected)
    assert.ok(other)
    const order: string[] = []
    ice.addEventListener('icecandidatepairremove', ({ candidatePair, cancelable }) => {
      assert.deepEqual([candidatePair, cancelable], [other, false])
      order.push('event')
    })
    const removed = ice.removeCandidatePair(other).then(() => order.push('resolved'))
    assert.deepEqual(order, [])
    await assert.rejects(ice.removeCandidatePair(other), { name: 'NotFoundError' })
    await sim.run(() => order.length === 2)
    await removed
    assert.deepEqual(order, ['event', 'resolved'])
    const { all } = countChecks(pair)
    await sim.runFor(60_000)
    assert.equal(all.get(ends(other)), undefined)
    assert.equal(ice.getSelectedCandidatePair(), selected)
    await exchange(pair, 6)
    close(pair)
  })

  it('takes another pair where the one in use is removed, nominated or not', async () => {
    for (const refused of [Number.POSITIVE_INFINITY, 0]) {
      const pair = start(7, ice => refuse(ice, refused))
      const { sim, alice, bob } = pair
      await sim.run(() => isOpen(pair))
      await sim.runFor(1_000)
      const ice = transportOf(alice)
      const selected = ice.getSelectedCandidatePair()
      assert.ok(selected)
      let isDone = false
      void ice.removeCandidatePair(selected).then(() => {
        isDone = true
      })
      await sim.run(() => isDone)
      await sim.run(() => {
        const [ours, theirs] = [alice, bob].map(peer => transportOf(peer).getSelectedCandidatePair())
        if (!ours || !theirs) return false
        return ours !== selected && ends(theirs) === ends(ours).split('>').reverse().join('>')
      }, 30_000)
      assert.notEqual(ice.getSelectedCandidatePair(), selected)
      await exchange(pair, 7)
      close(pair)
    }
  })

  it('has no pair where the only one was removed', async () => {
    const pair = createPair({ seed: 8 })
    const { sim, alice } = pair
    await sim.run(() => isOpen(pair))
    const ice = transportOf(alice)
    const selected = ice.getSelectedCandidatePair()
    assert.ok(selected)
    void ice.removeCandidatePair(selected)
    await sim.run(() => ice.getSelectedCandidatePair() === null, 1_000)
    assert.equal(ice.getSelectedCandidatePair(), null)
    await sim.run(() => ice.state === 'disconnected', 1_000)
    close(pair)
  })

  it('removes all pairs at a restart, and tells those of the new generation', async () => {
    const pair = start(9, () => undefined)
    const { sim, alice, bob, log } = pair
    await sim.run(() => isOpen(pair))
    await sim.runFor(1_000)
    const before = of(log, 'add')
    log.length = 0
    alice.restartIce()
    const negotiated = negotiate(alice, bob)
    await sim.runFor(3_000)
    await negotiated
    assert.deepEqual(new Set(of(log, 'remove')), new Set(before))
    const after = of(log, 'add')
    assert.ok(after.length >= 4)
    assert.ok(after.every(each => !before.includes(each)))
    const selected = transportOf(alice).getSelectedCandidatePair()
    assert.ok(selected)
    assert.ok(after.includes(selected))
    close(pair)
  })

  it('tells of pairs that are gone with their address', async () => {
    const pair = start(10, () => undefined)
    const { sim, log } = pair
    await sim.run(() => isOpen(pair))
    await sim.runFor(1_000)
    sim.network.removeInterface('alice', '192.0.2.11')
    await sim.run(() => of(log, 'remove').length === 2, 10_000)
    assert.deepEqual(
      of(log, 'remove').map(({ local }) => local.address),
      ['192.0.2.11', '192.0.2.11'],
    )
    close(pair)
  })

  it('rejects what cannot be done', async () => {
    const during: Promise<void>[] = []
    const pair = start(11, ice => {
      ice.addEventListener(
        'icecandidatepairnominate',
        ({ candidatePair }) => {
          during.push(ice.selectCandidatePair(candidatePair), ice.removeCandidatePair(candidatePair))
          for (const each of during) each.catch(() => undefined)
        },
        { once: true },
      )
    })
    const { sim, alice, bob, log } = pair
    await sim.run(() => isOpen(pair))
    await sim.runFor(2_000)
    assert.equal(during.length, 2)
    for (const each of during) await assert.rejects(each, { name: 'InvalidStateError' })
    const ice = transportOf(alice)
    const [foreign] = [transportOf(bob).getSelectedCandidatePair()]
    const other = of(log, 'add').find(each => each !== ice.getSelectedCandidatePair())
    assert.ok(foreign && other)
    for (const method of ['selectCandidatePair', 'removeCandidatePair'] as const) {
      await assert.rejects(ice[method](foreign), { name: 'NotFoundError' })
      await assert.rejects(ice[method]({} as RTCIceCandidatePair), TypeError)
      await assert.rejects((ice[method] as () => Promise<void>)(), TypeError)
    }
    // RFC 8445 §8.1.1: a nomination is for good
    await assert.rejects(ice.selectCandidatePair(other), { name: 'OperationError' })
    close(pair)
    await assert.rejects(ice.selectCandidatePair(other), { name: 'InvalidStateError' })
    await assert.rejects(ice.removeCandidatePair(other), { name: 'InvalidStateError' })
  })

  it('is silent once a listener has closed the connection', async () => {
    const pair = start(12, ice => {
      ice.addEventListener('icecandidatepairnominate', () => close(pair))
    })
    const { sim, alice, log } = pair
    await sim.run(() => alice.signalingState === 'closed', 10_000)
    assert.equal(alice.signalingState, 'closed')
    const told = log.length
    await sim.runFor(5_000)
    assert.equal(log.length, told)
  })

  it('does as ever where nobody listens', async () => {
    const bytes = async (listen: boolean): Promise<string[]> => {
      const pair = listen ? start(13, () => undefined) : createPair({ seed: 13, addresses })
      const sent: string[] = []
      pair.sim.network.tap(({ at, data }) => {
        sent.push(`${at} ${Buffer.from(data).toString('hex')}`)
        return undefined
      })
      await pair.sim.run(() => isOpen(pair))
      await pair.sim.runFor(3_000)
      close(pair)
      return sent
    }
    assert.deepEqual(await bytes(true), await bytes(false))
  })
})

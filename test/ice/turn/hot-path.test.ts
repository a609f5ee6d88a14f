import assert from 'node:assert/strict'
import { channelData } from './scripted-server.ts'
import { bulk, peer, TurnLink } from './turn-link.ts'

const packets = 1_000

/** How often maps were asked or changed, and deadlines moved, while something ran. */
function lookUps(act: () => void): number {
  const names = ['get', 'set', 'has', 'delete'] as const
  const originals = names.map(name => Map.prototype[name])
  let count = 0
  for (const [i, name] of names.entries()) {
    const original = originals[i] as (...args: unknown[]) => unknown
    Object.defineProperty(Map.prototype, name, {
      configurable: true,
      writable: true,
      value: function (this: unknown, ...args: unknown[]) {
        count++
        return original.apply(this, args)
      },
    })
  }
  try {
    act()
  } finally {
    for (const [i, name] of names.entries()) {
      Object.defineProperty(Map.prototype, name, { configurable: true, writable: true, value: originals[i] })
    }
  }
  return count
}

describe('Bulk data through a TURN client', () => {
  it('looks nothing up and moves no timer, in either direction', () => {
    const link = TurnLink.allocated()
    const to = peer(1)
    const data = bulk(1_200)
    link.send(data, to)
    link.run(100)
    link.send(data, to)
    const message = channelData(0x4000, data)
    const deadline = link.client.pollTimeout()
    let sent = 0
    let received = 0
    const count = lookUps(() => {
      for (let i = 0; i < packets; i++) {
        link.client.send(data, to, link.now)
        if (link.client.pollTransmit(link.now)?.length === 1_204) sent++
        if ('data' in link.client.receive(message, link.now)) received++
        link.client.pollEvent()
        link.client.pollTimeout()
      }
    })
    assert.deepEqual([sent, received, count], [packets, packets, 0])
    assert.equal(link.client.pollTimeout(), deadline)
    // The instrument works: a peer that is named by another object is looked up.
    assert.ok(lookUps(() => link.client.send(data, peer(1), link.now)) > 0)
  })
})

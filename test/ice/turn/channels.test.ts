import assert from 'node:assert/strict'
import { ChannelTable } from '../../../src/ice/turn/channels.ts'
import type { Channel, Peer } from '../../../src/ice/turn/peer.ts'
import { channelLifetimeMs, channelQuarantineMs } from '../../../src/ice/turn/timing.ts'
import { peer } from './turn-link.ts'

const numbers = 4_096

function someone(i: number): Peer {
  const address = peer(1 + (i % 200), 1_000 + i)
  return {
    address,
    permission: { address, state: { kind: 'asked' } },
    channel: undefined,
    waiting: [],
    usedAt: 0,
    toldAt: 0,
  }
}

describe('The channels of a TURN allocation', () => {
  function full(): { readonly table: ChannelTable; readonly channels: readonly Channel[] } {
    const table = new ChannelTable()
    const channels = Array.from({ length: numbers }, (_, i) => table.claim(someone(i), 0) ?? assert.fail())
    return { table, channels }
  }

  it('have the numbers 0x4000 to 0x4fff, each once', () => {
    const { table, channels } = full()
    assert.deepEqual(
      channels.map(({ number }) => number),
      Array.from({ length: numbers }, (_, i) => 0x4000 + i),
    )
    assert.equal(table.claim(someone(numbers), 0), undefined)
    for (const channel of channels) assert.equal(table.find(channel.number), channel)
  })

  it('are taken by others when their last binding is over for five minutes, and not before', () => {
    const { table, channels } = full()
    table.retire(channels[7] ?? assert.fail(), 1_000)
    const freeAt = 1_000 + channelLifetimeMs + channelQuarantineMs
    assert.equal(table.claim(someone(numbers), freeAt - 1), undefined)
    const taken = table.claim(someone(numbers), freeAt) ?? assert.fail()
    assert.equal(taken.number, 0x4007)
    assert.equal(table.find(0x4007), taken)
    assert.equal(table.claim(someone(7), freeAt), undefined)
    assert.equal([...table.channels].length, numbers)
  })

  it('go back to a peer that comes back', () => {
    const { table, channels } = full()
    table.retire(channels[7] ?? assert.fail(), 1_000)
    const again = someone(7)
    const channel = table.claim(again, 2_000)
    assert.equal(channel, channels[7])
    assert.equal(channel?.peer, again)
    assert.equal(table.claim(someone(numbers), 10_000_000), undefined)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { maxRemoteNameBytes } from '../../src/pc/channel-streams.ts'
import { heldEventOverhead, maxHeldBytes } from '../../src/pc/held-events.ts'
import { type Prng, prng } from '../support/prng.ts'
import { ChannelPair, create, dcep, type End, errorOf, open, receive, record, reset, text } from './channel-pair.ts'
import { settled } from './fake-association.ts'

describe('a peer that breaks the rules of data channels', () => {
  const refusals: readonly (readonly [string, number, Uint8Array])[] = [
    ['of our parity', 1, open()],
    ['that is malformed', 0, open().subarray(0, 11)],
    ['with more behind it', 0, Uint8Array.from([...open(), 0])],
    ['of an unknown type of channel', 0, open({ type: 0x7f })],
    ['of an unknown type of message', 0, Uint8Array.of(0xff)],
    ['that is empty', 0, new Uint8Array(0)],
  ]
  for (const [name, streamId, data] of refusals) {
    it(`refuses a DATA_CHANNEL_OPEN ${name} with a reset, and frees the stream when it is answered`, async () => {
      const { server } = await ChannelPair.connected()
      receive(server, streamId, dcep, data)
      await settled()
      assert.deepEqual([server.announced.length, server.association.sent.length], [0, 0])
      assert.deepEqual(server.association.resets, [streamId])
      server.channels.handle({ type: 'outgoing-reset', streamId, ok: true })
      reset(server, streamId)
      await settled()
      assert.deepEqual(server.association.resets, [streamId])
      create(server, '', { negotiated: true, id: streamId })
    })
  }

  it('closes a channel that is opened again', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const negotiated = create(pair.server, '', { negotiated: true, id: 8 })
    await settled()
    const logs = [record(theirs), record(negotiated)]
    const errors = Promise.all([errorOf(theirs), errorOf(negotiated)])
    for (const channel of [theirs, negotiated]) receive(pair.server, channel.id ?? -1, dcep, open())
    await pair.exchange()
    assert.deepEqual(logs, [
      ['closing', 'error', 'close'],
      ['closing', 'error', 'close'],
    ])
    for (const error of await errors) assert.equal(error.errorDetail, 'data-channel-failure')
    assert.equal(ours.readyState, 'closed')
  })

  it('closes a channel on which a message of an unknown kind arrives', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(theirs)
    receive(pair.server, 0, 52, 'partial')
    await pair.exchange()
    assert.deepEqual(log, ['closing', 'error', 'close'])
    assert.equal(ours.readyState, 'closed')
  })

  it('tells the application that the peer refused a channel', async () => {
    const pair = await ChannelPair.connected()
    const ours = create(pair.client, '')
    const log = record(ours)
    const error = errorOf(ours)
    await settled()
    reset(pair.client, 0)
    await settled()
    pair.client.channels.handle({ type: 'outgoing-reset', streamId: 0, ok: true })
    await settled()
    assert.deepEqual(log, ['open', 'closing', 'error', 'close'])
    assert.match((await error).message, /refused/)
  })

  it('ignores acknowledgements nobody waits for, resets nobody asked for, and streams that do not exist', async () => {
    const pair = new ChannelPair()
    pair.attach()
    await pair.connect(4)
    const { server } = pair
    receive(server, 0, dcep, Uint8Array.of(2))
    server.channels.handle({ type: 'outgoing-reset', streamId: 2, ok: true })
    server.channels.handle({ type: 'sent', streamId: 2, bytes: 10 })
    const [ours, theirs] = await pair.open()
    server.channels.handle({ type: 'outgoing-reset', streamId: 0, ok: false })
    receive(server, 4, dcep, open())
    reset(server, 4)
    await settled()
    assert.deepEqual([server.association.sent.length, server.association.resets.length], [1, 0])
    assert.deepEqual([server.announced.length, theirs.readyState], [1, 'open'])
    ours.close()
    await pair.exchange()
    assert.deepEqual([ours.readyState, theirs.readyState], ['closed', 'closed'])
  })

  it('takes labels and protocols of the greatest length, but not without end', async () => {
    const { server } = await ChannelPair.connected()
    const label = 'x'.repeat(65_535)
    const message = open({ label, protocol: label })
    const room = Math.floor(maxRemoteNameBytes / message.length)
    for (let i = 0; i < room + 1; i++) receive(server, 2 * i, dcep, message)
    await settled()
    assert.equal(server.announced.length, room)
    assert.deepEqual(server.association.resets, [2 * room])
    // One goes, another may come.
    reset(server, 0)
    await settled()
    server.channels.handle({ type: 'outgoing-reset', streamId: 0, ok: true })
    receive(server, 0, dcep, message)
    await settled()
    assert.equal(server.announced.length, room + 1)
    // Even if its stream cannot be reset, and just one.
    server.announced[1]?.close()
    await settled()
    server.channels.handle({ type: 'outgoing-reset', streamId: 2, ok: false })
    reset(server, 2)
    for (const streamId of [2 * room + 2, 2 * room + 4]) receive(server, streamId, dcep, message)
    await settled()
    assert.equal(server.announced.length, room + 2)
    // And all go with the association.
    server.channels.handle({ type: 'closed' })
    await settled()
    server.channels.attach(server.association, 'server')
    server.association.connect()
    for (let i = 0; i < room; i++) receive(server, 2 * i, dcep, message)
    await settled()
    assert.equal(server.announced.length, 2 * room + 2)
  })
})

describe('messages that come before their channel', () => {
  it('wait for a negotiated channel, in order, behind its open event', async () => {
    const pair = await ChannelPair.connected()
    const init = { negotiated: true, id: 3 }
    const ours = create(pair.client, '', init)
    await settled()
    ours.send('1')
    ours.send('2')
    await pair.exchange()
    ours.send('3')
    const theirs = create(pair.server, '', init)
    const log = record(theirs)
    await pair.exchange()
    assert.deepEqual(log, ['open', '1', '2', '3'])
  })

  it('wait for a DATA_CHANNEL_OPEN that they have overtaken', async () => {
    const { server } = await ChannelPair.connected()
    const log: unknown[] = []
    server.onannounce = channel => record(channel, log)
    receive(server, 0, text, 'first')
    await settled()
    receive(server, 0, dcep, open())
    receive(server, 0, text, 'second')
    await settled()
    assert.deepEqual(log, ['open', 'first', 'second'])
  })

  it('are held up to a bound; beyond it their stream is closed', async () => {
    const { server } = await ChannelPair.connected()
    const room = maxHeldBytes / (heldEventOverhead * 2)
    for (let i = 0; i < room; i++) receive(server, 0, text, new Uint8Array(heldEventOverhead))
    await settled()
    assert.deepEqual(server.association.resets, [])
    receive(server, 6, text, 'x')
    await settled()
    assert.deepEqual(server.association.resets, [6])
    receive(server, 0, text, 'x')
    await settled()
    assert.deepEqual(server.association.resets, [6, 0])
    // What was held is gone, and there is room again.
    for (let i = 0; i < room; i++) receive(server, 8, text, new Uint8Array(heldEventOverhead))
    await settled()
    assert.deepEqual(server.association.resets, [6, 0])
  })

  it('are forgotten when their stream is reset', async () => {
    const pair = await ChannelPair.connected()
    const { server } = pair
    receive(server, 3, text, 'forgotten')
    reset(server, 3)
    await settled()
    server.channels.handle({ type: 'outgoing-reset', streamId: 3, ok: true })
    await settled()
    const log = record(create(server, '', { negotiated: true, id: 3 }))
    await settled()
    assert.deepEqual(log, ['open'])
  })
})

describe('whatever an association tells, in whatever order', () => {
  const seed = 0x1cef10e
  const rounds = 100_000

  it(`does no harm (seed ${seed})`, async () => {
    const random = prng(seed)
    const pick = (limit: number): number => random.next() % limit
    const pair = new ChannelPair()
    pair.attach()
    await pair.connect(12)
    const { server } = pair
    for (let round = 0; round < rounds; round++) {
      disturb(server, pick, random)
      if (pick(20) === 0) await settled()
      if (pick(500) === 0) server.association.connect(12)
      if (pick(2000) === 0) renew(server)
    }
    await settled()
    // It was no quiet day.
    assert.ok(server.announced.length > 1000 && server.channels.counters.closed > 1000)
    assert.ok(server.channels.size <= 12)
    server.channels.handle({ type: 'closed' })
    await settled()
    assert.equal(server.channels.size, 0)
    const again = new ChannelPair()
    server.channels.attach(again.server.association, 'server')
    again.server.association.owner = server.channels
    again.client.channels.attach(again.client.association, 'client')
    await again.connect()
    const ours = create(again.client, 'after the storm')
    await again.exchange()
    const theirs = server.announced.at(-1)
    assert.equal(theirs?.label, 'after the storm')
    const log = record(theirs)
    ours.send('calm')
    await again.exchange()
    assert.deepEqual(log, ['calm'])
  })

  function disturb(end: End, pick: (limit: number) => number, random: Prng): void {
    const streamId = pick(14)
    const channels = [...end.channels.channels]
    const channel = channels[pick(Math.max(1, channels.length))]?.object
    switch (pick(11)) {
      case 0:
      case 1:
        receive(end, streamId, dcep, open({ label: 'x'.repeat(pick(50)) }))
        return
      case 2: {
        const message = open({ label: 'label', protocol: 'protocol' })
        message[pick(message.length)] = random.next()
        receive(end, streamId, dcep, message.subarray(0, pick(message.length + 1)))
        return
      }
      case 3:
        receive(end, streamId, dcep, Uint8Array.of(2))
        return
      case 4:
      case 5:
        receive(end, streamId, 50 + pick(9), random.bytes(pick(100)))
        return
      case 6:
        reset(end, streamId)
        return
      case 7:
        end.channels.handle({ type: 'outgoing-reset', streamId, ok: pick(200) > 0 })
        return
      case 8:
        end.channels.handle({ type: 'sent', streamId, bytes: pick(1000) })
        return
      case 9:
        if (channel?.readyState === 'open') channel.send(pick(10) === 0 ? new Blob(['blob']) : 'text')
        return
      default:
        if (pick(2) === 0) channel?.close()
        else if (end.channels.size < 12) attempt(() => create(end, ''))
    }
  }

  /** Streams that could not be reset are lost, but only as long as the association lives. */
  function renew({ channels, association }: End): void {
    channels.handle({ type: 'closed' })
    void settled().then(() => {
      channels.attach(association, 'server')
      association.connect(12)
    })
  }

  /** There may be no stream left. */
  function attempt(action: () => void): void {
    try {
      action()
    } catch (error) {
      assert.equal((error as Error).name, 'OperationError')
    }
  }
})

import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { ChannelStreams } from '../../src/pc/channel-streams.ts'
import type { RTCDataChannelInit } from '../../src/pc/data-channel-init.ts'
import type { RTCDataChannel } from '../../src/pc/rtc-data-channel.ts'
import { ChannelPair, convert, create, dcep, errorOf, open, receive, record, text } from './channel-pair.ts'
import { settled } from './fake-association.ts'

describe('creating data channels', () => {
  const refused = (init: unknown) => () => create(new ChannelPair().client, '', init as RTCDataChannelInit)

  it('converts the options as WebIDL says', () => {
    assert.deepEqual(convert(), { negotiated: false, ordered: true, priority: 'low', protocol: '' })
    assert.equal(convert({ ordered: null }).ordered, false)
    assert.equal(convert({ protocol: null }).protocol, 'null')
    assert.equal(convert({ protocol: '\ud800' }).protocol, '\ufffd')
    for (const name of ['id', 'maxRetransmits', 'maxPacketLifeTime']) {
      for (const value of [-1, 65_536, 'x', null].slice(0, 3))
        assert.throws(() => convert({ [name]: value }), TypeError)
    }
    assert.throws(() => convert({ priority: 'urgent' }), TypeError)
    assert.throws(() => convert('options'), TypeError)
  })

  it('refuses labels and protocols of more than 65535 bytes', () => {
    const { client } = new ChannelPair()
    for (const name of ['x'.repeat(65_536), 'é'.repeat(32_768)]) {
      assert.throws(() => create(client, name), TypeError)
      assert.throws(() => create(client, '', { protocol: name }), TypeError)
    }
    const longest = 'x'.repeat(65_535)
    const channel = create(client, longest, { protocol: longest })
    assert.deepEqual([channel.label, channel.protocol], [longest, longest])
  })

  it('refuses two limits of reliability, and a negotiated channel without a usable id', () => {
    assert.throws(refused({ maxRetransmits: 0, maxPacketLifeTime: 0 }), TypeError)
    assert.throws(refused({ negotiated: true }), TypeError)
    assert.throws(refused({ negotiated: true, id: 65_535 }), TypeError)
    refused({ negotiated: true, id: 65_534 })()
    refused({ maxRetransmits: undefined, maxPacketLifeTime: undefined })()
  })

  it('ignores the id of a channel that is not negotiated', () => {
    const { client } = new ChannelPair()
    for (const id of [0, 65_535]) assert.equal(create(client, '', { id }).id, null)
  })

  it('refuses an id that is in use, at any time', async () => {
    const pair = new ChannelPair()
    const inBand = create(pair.client, '')
    create(pair.client, '', { negotiated: true, id: 42 })
    const again = (id: number) => () => create(pair.client, '', { negotiated: true, id })
    assert.throws(again(42), { name: 'OperationError' })
    pair.attach()
    assert.throws(again(42), { name: 'OperationError' })
    assert.throws(again(inBand.id ?? -1), { name: 'OperationError' })
    await pair.connect()
    assert.throws(again(42), { name: 'OperationError' })
    again(43)()
  })
})

describe('opening data channels', () => {
  it('numbers them by DTLS role once that is known', async () => {
    const pair = new ChannelPair()
    const early = [create(pair.client, ''), create(pair.server, '')]
    assert.deepEqual(
      early.map(({ id }) => id),
      [null, null],
    )
    create(pair.client, '', { negotiated: true, id: 2 })
    pair.attach()
    assert.deepEqual(
      early.map(({ id }) => id),
      [0, 1],
    )
    const later = [create(pair.client, ''), create(pair.server, '')]
    assert.deepEqual(
      later.map(({ id }) => id),
      [4, 3],
    )
  })

  it('has them scheduled by priority on both sides, negotiated ones by that of each side', async () => {
    const pair = new ChannelPair()
    for (const priority of ['very-low', 'low', 'medium', 'high'] as const) create(pair.client, priority, { priority })
    create(pair.client, 'negotiated', { negotiated: true, id: 100, priority: 'high' })
    create(pair.server, 'negotiated', { negotiated: true, id: 100 })
    pair.attach()
    await pair.connect()
    const opened = [128, 256, 512, 1_024].map((weight, index) => [2 * index, weight])
    const weights = ({ association }: { association: { priorities: Map<number, number> } }) =>
      [...association.priorities].sort(([a], [b]) => a - b)
    assert.deepEqual(weights(pair.client), [...opened, [100, 1_024]])
    assert.deepEqual(weights(pair.server), [...opened, [100, 256]])
  })

  it('opens them on both sides, with all that was agreed', async () => {
    const inits: RTCDataChannelInit[] = [
      {},
      { ordered: false },
      { maxRetransmits: 0 },
      { maxRetransmits: 3, ordered: false },
      { maxPacketLifeTime: 65_535 },
      { maxPacketLifeTime: 10, ordered: false },
      { protocol: 'prötocol', priority: 'very-low' },
      { priority: 'medium' },
      { priority: 'high' },
    ]
    const pair = new ChannelPair()
    const ours = inits.map((init, index) => create(pair.client, `läbel ${index}`, init))
    const log = record(ours[0] as RTCDataChannel)
    pair.attach()
    await pair.connect()
    const theirs = pair.server.announced
    const shown = ({ label, protocol, ordered, maxRetransmits, maxPacketLifeTime, priority, id }: RTCDataChannel) => ({
      label,
      protocol,
      ordered,
      maxRetransmits,
      maxPacketLifeTime,
      priority,
      id,
    })
    assert.deepEqual(theirs.map(shown), ours.map(shown))
    for (const channel of [...ours, ...theirs]) {
      assert.equal(channel.readyState, 'open')
      assert.equal(channel.negotiated, false)
    }
    assert.deepEqual(log, ['open'])
    assert.deepEqual(pair.client.channels.counters, { opened: inits.length, closed: 0 })
    assert.deepEqual(pair.server.channels.counters, { opened: inits.length, closed: 0 })
  })

  it('sends DATA_CHANNEL_OPEN before the association is up, reliable and ordered', () => {
    const pair = new ChannelPair()
    create(pair.client, 'ab', { ordered: false, maxRetransmits: 5, protocol: 'p', priority: 'high' })
    create(pair.client, '', { negotiated: true, id: 7 })
    assert.equal(pair.client.scheduled, 0)
    pair.attach()
    assert.ok(pair.client.scheduled > 0)
    assert.deepEqual(pair.client.association.sent, [
      {
        streamId: 0,
        ppid: dcep,
        data: open({ type: 0x81, priority: 1024, parameter: 5, label: 'ab', protocol: 'p' }),
        delivery: { ordered: true },
      },
    ])
  })

  it('is connecting until the association is up, also for a channel that is created later', async () => {
    const pair = new ChannelPair()
    const early = create(pair.client, '')
    pair.attach()
    await pair.exchange()
    assert.equal(early.readyState, 'connecting')
    await pair.connect()
    assert.equal(early.readyState, 'open')
    const late = create(pair.client, '')
    assert.equal(late.readyState, 'connecting')
    const log = record(late)
    await pair.exchange()
    assert.deepEqual(log, ['open'])
  })

  it('announces a channel of the peer: open at once, its event after the announcement, messages after that', async () => {
    const pair = await ChannelPair.connected()
    const log: unknown[] = []
    pair.server.onannounce = channel => {
      log.push(channel.readyState)
      channel.send('from the announcement')
      // Whoever awaits the announcement misses nothing.
      void Promise.resolve()
        .then(() => undefined)
        .then(() => record(channel, log))
    }
    const ours = create(pair.client, '')
    ours.onopen = () => {
      ours.send('1')
      ours.send('2')
    }
    const received = record(ours)
    await pair.exchange()
    assert.deepEqual(log, ['open', 'open', '1', '2', 'bufferedamountlow'])
    assert.deepEqual(received, ['open', 'bufferedamountlow', 'from the announcement'])
  })

  it('fires no open event if the channel was closed in the announcement', async () => {
    const pair = await ChannelPair.connected()
    const log: unknown[] = []
    pair.server.onannounce = channel => {
      record(channel, log)
      channel.send('goodbye')
      channel.close()
    }
    const ours = create(pair.client, '')
    const received = record(ours)
    await pair.exchange()
    assert.deepEqual(log, ['bufferedamountlow', 'close'])
    assert.deepEqual(received, ['open', 'goodbye', 'closing', 'close'])
  })

  it('has the association send at once what it was given', async () => {
    const { client } = await ChannelPair.connected()
    const scheduled = (): boolean => {
      const before = client.scheduled
      client.scheduled = 0
      return before > 0
    }
    scheduled()
    const channel = create(client, '')
    assert.ok(scheduled(), 'DATA_CHANNEL_OPEN')
    await settled()
    channel.send('')
    assert.ok(scheduled(), 'an empty message')
    channel.send('text')
    assert.ok(scheduled(), 'a message')
    channel.close()
    await settled()
    assert.ok(scheduled(), 'a reset')
    receive(client, 1, dcep, open())
    await settled()
    assert.ok(scheduled(), 'DATA_CHANNEL_ACK')
  })

  it('joins negotiated channels without a word', async () => {
    const pair = new ChannelPair()
    const init = { negotiated: true, id: 5 }
    const [ours, theirs] = [create(pair.client, 'a', init), create(pair.server, 'b', init)]
    pair.attach()
    await pair.connect()
    assert.equal(pair.client.association.sent.length + pair.server.association.sent.length, 0)
    assert.deepEqual([pair.client.announced.length, pair.server.announced.length], [0, 0])
    const log = record(theirs)
    ours.send('x')
    await pair.exchange()
    assert.deepEqual(log, ['x'])
  })

  it('sends unordered only what comes after something of the peer', async () => {
    const pair = await ChannelPair.connected()
    const ours = create(pair.client, '', { ordered: false, maxPacketLifeTime: 100 })
    await settled()
    ours.send('before')
    assert.deepEqual(pair.client.association.sent.at(-1)?.delivery, { ordered: true, maxPacketLifeTimeMs: 100 })
    await pair.exchange()
    ours.send('after')
    assert.deepEqual(pair.client.association.sent.at(-1)?.delivery, { ordered: false, maxPacketLifeTimeMs: 100 })
    const [theirs] = pair.server.announced
    theirs?.send('back')
    assert.deepEqual(pair.server.association.sent.at(-1)?.delivery, { ordered: false, maxPacketLifeTimeMs: 100 })
  })

  it('takes any message, not just an acknowledgement, for a sign that the peer has the channel', async () => {
    const pair = await ChannelPair.connected()
    const ours = create(pair.client, '', { ordered: false, maxRetransmits: 1 })
    await settled()
    receive(pair.client, ours.id ?? -1, text, 'hello')
    await settled()
    ours.send('x')
    assert.deepEqual(pair.client.association.sent.at(-1)?.delivery, { ordered: false, maxRetransmits: 1 })
  })

  it('reads priorities and limits that this API cannot express', async () => {
    const { server } = await ChannelPair.connected()
    receive(server, 0, dcep, open({ priority: 0, type: 2, parameter: 0xffff_ffff }))
    receive(server, 2, dcep, open({ priority: 129 }))
    receive(server, 4, dcep, open({ priority: 257 }))
    receive(server, 6, dcep, open({ priority: 65_535 }))
    await settled()
    assert.deepEqual(
      server.announced.map(({ priority }) => priority),
      ['very-low', 'low', 'medium', 'high'],
    )
    assert.equal(server.announced[0]?.maxPacketLifeTime, 65_535)
  })
})

describe('streams that are running out', () => {
  it('fails what the association has no stream for, once that is known', async () => {
    const pair = new ChannelPair()
    const channels = [0, 1, 2].map(() => create(pair.client, ''))
    const negotiated = create(pair.client, '', { negotiated: true, id: 4 })
    const failing = [channels[2], negotiated] as RTCDataChannel[]
    const logs = failing.map(channel => record(channel))
    const errors = Promise.all(failing.map(errorOf))
    pair.attach()
    await pair.connect(4)
    for (const error of await errors) assert.equal(error.errorDetail, 'data-channel-failure')
    assert.deepEqual(logs, [
      ['error', 'close'],
      ['error', 'close'],
    ])
    assert.deepEqual(
      channels.map(({ readyState }) => readyState),
      ['open', 'open', 'closed'],
    )
    assert.throws(() => create(pair.client, ''), { name: 'OperationError' })
    assert.throws(() => create(pair.client, '', { negotiated: true, id: 5 }), { name: 'OperationError' })
    create(pair.client, '', { negotiated: true, id: 3 })
    assert.equal(pair.client.channels.size, 3)
  })

  it('can have all streams in use, and not one more', () => {
    for (const [role, count, last] of [
      ['client', 32_768, 65_534],
      ['server', 32_767, 65_533],
    ] as const) {
      const streams = new ChannelStreams()
      streams.role = role
      const ids = new Set<number>()
      for (let id = streams.choose(); id !== undefined; id = streams.choose()) {
        ids.add(id)
        streams.add(id, undefined)
      }
      assert.equal(ids.size, count)
      assert.ok(ids.has(last))
    }
  })

  it('fails what no id was left for when the role became known', async () => {
    const pair = new ChannelPair()
    const channels = Array.from({ length: 32_769 }, () => create(pair.client, ''))
    const last = channels.at(-1) as RTCDataChannel
    const log = record(last)
    pair.attach()
    assert.equal(last.id, null)
    await pair.connect()
    assert.deepEqual(log, ['error', 'close'])
    assert.equal(last.readyState, 'closed')
  })

  it('may have none for the server', async () => {
    const pair = new ChannelPair()
    pair.attach()
    await pair.connect(1)
    assert.throws(() => create(pair.server, ''), { name: 'OperationError' })
    assert.equal(create(pair.client, '').id, 0)
  })

  it('uses ids again, but lets them rest', async () => {
    const pair = new ChannelPair()
    pair.attach()
    await pair.connect(8)
    const seen: (number | null)[] = []
    for (let i = 0; i < 6; i++) {
      const channel = create(pair.client, '')
      seen.push(channel.id)
      await pair.exchange()
      channel.close()
      await pair.exchange()
    }
    assert.deepEqual(seen, [0, 2, 4, 6, 0, 2])
    assert.equal(pair.server.announced.length, 6)
    assert.deepEqual(pair.client.channels.counters, { opened: 6, closed: 6 })
  })
})

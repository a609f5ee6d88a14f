import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { ChannelPair, create, dcep, errorOf, open, receive, record, reset, text } from './channel-pair.ts'
import { settled } from './fake-association.ts'

describe('closing data channels', () => {
  it('resets both streams, and fires closing on the other side alone', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const logs = [record(ours), record(theirs)]
    ours.send('last words')
    ours.close()
    ours.close()
    assert.equal(ours.readyState, 'closing')
    assert.deepEqual(logs[0], [])
    await pair.exchange()
    assert.deepEqual(logs, [
      ['bufferedamountlow', 'close'],
      ['last words', 'closing', 'close'],
    ])
    assert.deepEqual([ours.readyState, theirs.readyState], ['closed', 'closed'])
    assert.deepEqual([pair.client.association.resets, pair.server.association.resets], [[0], [0]])
    assert.deepEqual([pair.client.channels.size, pair.server.channels.size], [0, 0])
  })

  it('is not closed before the peer has reset its side, too', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    ours.close()
    await settled()
    pair.client.association.flush()
    await settled()
    assert.deepEqual([ours.readyState, theirs.readyState], ['closing', 'closing'])
    assert.throws(() => create(pair.client, '', { negotiated: true, id: ours.id ?? -1 }), { name: 'OperationError' })
    await pair.exchange()
    assert.deepEqual([ours.readyState, theirs.readyState], ['closed', 'closed'])
    create(pair.client, '', { negotiated: true, id: ours.id ?? -1 })
  })

  it('can be begun by both sides at once', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const logs = [record(ours), record(theirs)]
    ours.close()
    theirs.close()
    await pair.exchange()
    assert.deepEqual(logs, [['close'], ['close']])
  })

  it('sends everything first, Blobs included', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(theirs)
    const [blob, read] = slowBlob('slow')
    ours.send(blob)
    ours.send('behind')
    ours.close()
    await pair.exchange()
    assert.deepEqual([log, pair.client.association.resets], [[], []])
    read()
    await pair.exchange()
    assert.equal((log[0] as ArrayBuffer).byteLength, 4)
    assert.deepEqual(log.slice(1), ['behind', 'closing', 'close'])
  })

  it('is done once', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    const log = record(ours)
    ours.close()
    await pair.exchange()
    ours.close()
    assert.equal(ours.readyState, 'closed')
    await pair.exchange()
    assert.deepEqual(log, ['close'])
  })

  it('fires an error, but no closing event, if a Blob fails after close()', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    const log = record(ours)
    const unreadable = new Blob(['x'])
    unreadable.arrayBuffer = () => Promise.reject(new Error('gone'))
    ours.send(unreadable)
    ours.close()
    await pair.exchange()
    assert.deepEqual(log, ['error', 'close'])
  })

  it('is no error, whatever the peer sends meanwhile', async () => {
    const pair = await ChannelPair.connected()
    const [, theirs] = await pair.open()
    const log = record(theirs)
    theirs.close()
    receive(pair.server, 0, dcep, open())
    receive(pair.server, 0, 52, 'unknown')
    await pair.exchange()
    assert.deepEqual(log, ['close'])
  })

  it('discards what arrives while it lasts', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(ours)
    theirs.send('too late')
    ours.close()
    await pair.exchange()
    assert.deepEqual(log, ['close'])
  })

  it('needs no association, and leaves no trace', async () => {
    const pair = new ChannelPair()
    const unnumbered = create(pair.client, '')
    const negotiated = create(pair.client, '', { negotiated: true, id: 0 })
    const logs = [record(unnumbered), record(negotiated)]
    unnumbered.close()
    negotiated.close()
    assert.deepEqual([unnumbered.readyState, logs[0]], ['closing', []])
    await settled()
    assert.deepEqual(logs, [['close'], ['close']])
    assert.equal(pair.client.channels.size, 0)
    assert.deepEqual(pair.client.channels.counters, { opened: 0, closed: 0 })
    pair.attach()
    await pair.connect()
    assert.deepEqual(pair.client.association.sent, [])
  })

  it('opens nothing that was closed before there was an association', async () => {
    const pair = new ChannelPair()
    const channel = create(pair.client, '')
    channel.close()
    pair.attach()
    await pair.connect()
    assert.deepEqual(pair.client.association.sent, [])
    assert.equal(channel.readyState, 'closed')
  })

  it('takes an early DATA_CHANNEL_OPEN back as soon as there is an association', async () => {
    const pair = new ChannelPair()
    const channel = create(pair.client, '')
    const log = record(channel)
    pair.attach()
    channel.close()
    await settled()
    assert.deepEqual(log, ['close'])
    await pair.connect()
    assert.deepEqual(pair.client.association.resets, [0])
    const [theirs] = pair.server.announced
    assert.equal(theirs?.readyState, 'closed')
    create(pair.client, '', { negotiated: true, id: 0 })
  })

  it('closes a channel that cannot be reset, and never uses its stream again', async () => {
    const pair = new ChannelPair()
    pair.attach()
    await pair.connect(2)
    pair.server.association.permitsResets = false
    const [ours] = await pair.open()
    const log = record(ours)
    ours.close()
    await pair.exchange()
    assert.deepEqual(log, ['close'])
    assert.throws(() => create(pair.client, ''), { name: 'OperationError' })
    assert.equal(pair.client.channels.size, 0)
  })

  it('answers a reset of a stream that has no channel', async () => {
    const pair = await ChannelPair.connected()
    const lonely = create(pair.client, '', { negotiated: true, id: 9 })
    await pair.exchange()
    lonely.close()
    await pair.exchange()
    assert.equal(lonely.readyState, 'closed')
    assert.deepEqual(pair.server.association.resets, [9])
    create(pair.server, '', { negotiated: true, id: 9 })
  })

  it('waits with what the peer does next on a stream until our own reset is answered', async () => {
    const { server } = await ChannelPair.connected()
    receive(server, 0, dcep, open({ label: 'first' }))
    reset(server, 0)
    await settled()
    assert.deepEqual(server.association.resets, [0])
    // The answer is lost; the peer goes on.
    receive(server, 0, dcep, open({ label: 'second' }))
    receive(server, 0, text, 'hello')
    reset(server, 0)
    await settled()
    assert.equal(server.announced.length, 1)
    const logs: unknown[] = []
    server.onannounce = channel => record(channel, logs)
    server.channels.handle({ type: 'outgoing-reset', streamId: 0, ok: true })
    await settled()
    assert.deepEqual(
      server.announced.map(({ label }) => label),
      ['first', 'second'],
    )
    assert.deepEqual(logs, ['open', 'hello', 'closing'])
    server.channels.handle({ type: 'outgoing-reset', streamId: 0, ok: true })
    await settled()
    assert.deepEqual(logs, ['open', 'hello', 'closing', 'close'])
  })
})

describe('the end of an association', () => {
  const failure = { name: 'SctpError', code: 'aborted', message: 'Close called', causeCode: 12 } as const

  it('closes all channels, with an error if it failed', async () => {
    const pair = await ChannelPair.connected()
    const [opened] = await pair.open()
    const [closing] = await pair.open()
    const connecting = create(pair.client, '')
    closing.close()
    const channels = [opened, closing, connecting]
    const logs = channels.map(channel => record(channel))
    const error = errorOf(opened)
    pair.client.channels.handle({ type: 'failed', error: failure })
    await settled()
    assert.deepEqual(logs, [
      ['error', 'close'],
      ['error', 'close'],
      ['open', 'error', 'close'],
    ])
    const { errorDetail, sctpCauseCode, message, name } = await error
    assert.deepEqual(
      [errorDetail, sctpCauseCode, message, name],
      ['sctp-failure', 12, 'Close called', 'OperationError'],
    )
    assert.deepEqual(pair.client.channels.counters, { opened: 3, closed: 3 })
  })

  it('closes them without an error if it was shut down', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    const log = record(ours)
    pair.client.channels.handle({ type: 'closed' })
    await settled()
    assert.deepEqual(log, ['close'])
    assert.equal(pair.client.channels.size, 0)
  })

  it('is no error for a channel that the peer closed in the same turn, and one for the others', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const [, other] = await pair.open()
    const logs = [theirs, other].map(channel => record(channel))
    ours.close()
    pair.client.channels.close()
    pair.client.association.flush()
    pair.server.channels.handle({ type: 'failed', error: failure })
    await settled()
    assert.deepEqual(logs, [
      ['closing', 'close'],
      ['error', 'close'],
    ])
  })

  it('closes a channel once, though it was just being closed', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    const log = record(ours)
    pair.client.channels.handle({ type: 'closed' })
    ours.close()
    await settled()
    assert.deepEqual(log, ['close'])
  })

  it('ends what waits for a Blob', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    const [blob, read] = slowBlob('too late')
    ours.send(blob)
    pair.client.channels.handle({ type: 'closed' })
    await settled()
    pair.client.channels.attach(pair.client.association, 'client')
    const { length } = pair.client.association.sent
    read()
    await pair.exchange()
    assert.equal(pair.client.association.sent.length, length)
  })

  it('may be followed by another one', async () => {
    const pair = await ChannelPair.connected()
    await pair.open()
    pair.client.channels.handle({ type: 'closed' })
    pair.server.channels.handle({ type: 'closed' })
    await settled()
    const ours = create(pair.client, 'second life')
    assert.equal(ours.id, null)
    await settled()
    assert.equal(ours.readyState, 'connecting')
    pair.client.channels.attach(pair.client.association, 'server')
    pair.server.channels.attach(pair.server.association, 'client')
    await pair.connect()
    assert.deepEqual([ours.readyState, ours.id], ['open', 1])
    assert.equal(pair.server.announced.at(-1)?.label, 'second life')
  })

  it('closes them with an error if the peer began anew, and goes on', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    const log = record(ours)
    const again = { type: 'restarted', inboundStreams: 65_535, outboundStreams: 65_535 } as const
    pair.client.channels.handle(again)
    pair.server.channels.handle(again)
    await pair.exchange()
    assert.deepEqual(log, ['error', 'close'])
    const [next] = await pair.open()
    assert.equal(next.readyState, 'open')
  })

  it('happens in silence when the connection is closed, whatever is under way', async () => {
    const pair = await ChannelPair.connected()
    const [opened] = await pair.open()
    const [closing] = await pair.open()
    const connecting = create(pair.client, '')
    const channels = [opened, closing, connecting]
    const logs = channels.map(channel => record(channel))
    opened.send(new Blob(['never sent']))
    closing.close()
    receive(pair.client, opened.id ?? -1, text, 'never seen')
    receive(pair.client, 1, dcep, open())
    pair.client.channels.close()
    assert.deepEqual(
      channels.map(({ readyState }) => readyState),
      ['closed', 'closed', 'closed'],
    )
    const { length } = pair.client.association.sent
    pair.client.channels.handle({ type: 'failed', error: failure })
    await pair.exchange()
    await settled()
    assert.deepEqual(logs, [[], [], []])
    assert.equal(pair.client.association.sent.length, length)
    assert.equal(pair.client.channels.size, 0)
    assert.deepEqual(pair.client.announced, [])
  })

  it('can come from the announcement of a channel', async () => {
    const pair = await ChannelPair.connected()
    const log: unknown[] = []
    pair.server.onannounce = channel => {
      record(channel, log)
      pair.server.channels.close()
    }
    const ours = create(pair.client, '')
    await settled()
    ours.send('x')
    await pair.exchange()
    assert.deepEqual(log, [])
    assert.equal(pair.server.announced[0]?.readyState, 'closed')
  })
})

/** A Blob that is read when the function is called. */
function slowBlob(content: string): [Blob, () => void] {
  const blob = new Blob([content])
  const data = Uint8Array.from(Buffer.from(content)).buffer
  let read = (): void => {}
  const result = new Promise<ArrayBuffer>(resolve => {
    read = () => resolve(data)
  })
  blob.arrayBuffer = () => result
  return [blob, read]
}

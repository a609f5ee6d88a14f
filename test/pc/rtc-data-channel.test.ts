import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { maxBufferSize, maxMessageSize, sendBufferSize } from '../../src/pc/message-limits.ts'
import { RTCDataChannel } from '../../src/pc/rtc-data-channel.ts'
import { ChannelPair, create, eventTypes, record } from './channel-pair.ts'
import { settled } from './fake-association.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

describe('RTCDataChannel', () => {
  it('cannot be constructed by applications', () => {
    assert.throws(() => Reflect.construct(RTCDataChannel, []), new TypeError('Illegal constructor'))
  })

  it('shows what it was created with', () => {
    const pair = new ChannelPair()
    const plain = create(pair.client, '')
    assert.deepEqual(
      [plain.label, plain.ordered, plain.maxPacketLifeTime, plain.maxRetransmits, plain.protocol, plain.negotiated],
      ['', true, null, null, '', false],
    )
    assert.deepEqual(
      [
        plain.id,
        plain.readyState,
        plain.bufferedAmount,
        plain.bufferedAmountLowThreshold,
        plain.binaryType,
        plain.priority,
      ],
      [null, 'connecting', 0, 0, 'arraybuffer', 'low'],
    )
    const init = {
      ordered: false,
      maxRetransmits: 0,
      protocol: 'p',
      negotiated: true,
      id: 65_534,
      priority: 'high',
    } as const
    const special = create(pair.client, 'label', init)
    for (const [name, value] of Object.entries(init)) assert.equal(special[name as keyof typeof init], value, name)
    assert.equal(String(special), '[object RTCDataChannel]')
  })

  it('has an event handler attribute for every event', () => {
    const channel = create(new ChannelPair().client, '')
    for (const type of eventTypes) {
      const name = `on${type}` as const
      const handler = (): void => {}
      assert.equal(channel[name], null)
      channel[name] = handler
      assert.equal(channel[name], handler)
      assert.ok(Object.keys(RTCDataChannel.prototype).includes(name), name)
    }
  })

  it('checks the range of the threshold and ignores binary types that do not exist', () => {
    const channel = create(new ChannelPair().client, '')
    channel.bufferedAmountLowThreshold = 2 ** 32 - 1
    assert.throws(() => {
      channel.bufferedAmountLowThreshold = 2 ** 32
    }, TypeError)
    assert.throws(() => {
      channel.bufferedAmountLowThreshold = -1
    }, TypeError)
    assert.equal(channel.bufferedAmountLowThreshold, 2 ** 32 - 1)
    channel.binaryType = 'blob'
    channel.binaryType = 'text' as 'blob'
    assert.equal(channel.binaryType, 'blob')
  })
})

describe('sending on a data channel', () => {
  it('throws InvalidStateError unless the channel is open', async () => {
    const pair = new ChannelPair()
    const channel = create(pair.client, '')
    const refused = { name: 'InvalidStateError' }
    assert.throws(() => channel.send('x'), refused)
    pair.attach()
    await pair.connect()
    channel.send('x')
    channel.close()
    assert.throws(() => channel.send('x'), refused)
    await pair.exchange()
    assert.equal(channel.readyState, 'closed')
    assert.throws(() => channel.send('x'), refused)
  })

  it('takes strings, buffers, all views of them, and Blobs, in order', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(theirs)
    const buffer = new ArrayBuffer(8)
    new Uint8Array(buffer).set([1, 2, 3, 4, 5, 6, 7, 8])
    ours.send('text')
    ours.send(buffer)
    ours.send(new Uint8Array(buffer, 1, 2))
    ours.send(new DataView(buffer, 2, 3))
    ours.send(new Float32Array(buffer, 4, 1))
    ours.send(Buffer.from('node'))
    ours.send(new Blob([bytes(9), 'x']))
    await pair.exchange()
    assert.deepEqual(log, [
      'text',
      bytes(1, 2, 3, 4, 5, 6, 7, 8).buffer,
      bytes(2, 3).buffer,
      bytes(3, 4, 5).buffer,
      bytes(5, 6, 7, 8).buffer,
      bytes(0x6e, 0x6f, 0x64, 0x65).buffer,
      bytes(9, 0x78).buffer,
    ])
  })

  it('throws TypeError for anything else, and for memory that others may change or take away', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    const detached = new ArrayBuffer(8)
    const ofDetached = new Uint8Array(detached)
    structuredClone(detached, { transfer: [detached] })
    const resizable = Reflect.construct(ArrayBuffer, [8, { maxByteLength: 16 }]) as ArrayBuffer
    const refused = [
      undefined,
      null,
      5,
      true,
      {},
      [1, 2],
      Symbol('s'),
      new SharedArrayBuffer(4),
      new Uint8Array(new SharedArrayBuffer(4)),
      detached,
      ofDetached,
      resizable,
      new Uint8Array(resizable),
    ]
    for (const data of refused) assert.throws(() => ours.send(data as string), TypeError)
    assert.throws(() => Reflect.apply(ours.send, ours, []), TypeError)
    assert.equal(ours.bufferedAmount, 0)
  })

  it('copies what it is given, before and behind a Blob', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(theirs)
    const data = bytes(1)
    ours.send(data)
    data[0] = 2
    ours.send(new Blob(['b']))
    ours.send(data)
    data[0] = 3
    await pair.exchange()
    assert.deepEqual(log, [bytes(1).buffer, bytes(0x62).buffer, bytes(2).buffer])
  })

  it('keeps Blobs in their places, though they are read later', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(theirs)
    ours.send('1')
    ours.send(new Blob(['x'.repeat(100_000)]))
    ours.send('2')
    ours.send(new Blob([]))
    ours.send(new Blob(['y']))
    ours.send('3')
    assert.equal(ours.bufferedAmount, 1 + 100_000 + 1 + 0 + 1 + 1)
    await pair.exchange()
    await pair.exchange()
    assert.deepEqual(
      log.map(data => (typeof data === 'string' ? data : (data as ArrayBuffer).byteLength)),
      ['1', 100_000, '2', 0, 1, '3'],
    )
    assert.equal(ours.bufferedAmount, 0)
  })

  it('sends empty messages as what they are, and one byte', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(theirs)
    pair.client.association.sent.length = 0
    ours.send('')
    ours.send(new ArrayBuffer(0))
    ours.send(new Uint8Array(0))
    assert.equal(ours.bufferedAmount, 0)
    await pair.exchange()
    assert.deepEqual(log, ['', new ArrayBuffer(0), new ArrayBuffer(0)])
    assert.deepEqual(
      pair.client.association.sent.map(({ ppid, data }) => [ppid, ...data]),
      [
        [56, 0],
        [57, 0],
        [57, 0],
      ],
    )
  })

  it('replaces lone surrogates', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(theirs)
    ours.send('a\ud800b\udc00')
    assert.equal(ours.bufferedAmount, 8)
    ours.send('\u{1f600}')
    await pair.exchange()
    assert.deepEqual(log, ['a\ufffdb\ufffd', '\u{1f600}'])
  })

  it('throws TypeError for more than the peer takes, and takes exactly that', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    pair.client.maxMessageSize = 4
    for (const data of ['12345', 'éé1', new ArrayBuffer(5), new Blob(['12345'])]) {
      assert.throws(() => ours.send(data), TypeError)
    }
    assert.equal(ours.bufferedAmount, 0)
    ours.send('éé')
    ours.send(new Blob(['1234']))
    assert.equal(ours.bufferedAmount, 8)
  })

  it('throws OperationError when the send buffer is full, and takes exactly what fits', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    const half = new ArrayBuffer(sendBufferSize / 2)
    ours.send(half)
    ours.send(half)
    assert.equal(ours.bufferedAmount, sendBufferSize)
    assert.throws(() => ours.send('x'), { name: 'OperationError' })
    assert.throws(() => ours.send(new Blob(['x'])), { name: 'OperationError' })
    ours.send('')
    await pair.exchange()
    ours.send('x')
  })

  it('has limits that follow from ours and from those of the peer', () => {
    assert.deepEqual([maxMessageSize(65_536), maxBufferSize(65_536)], [65_536, sendBufferSize])
    assert.deepEqual([maxMessageSize(2 ** 30), maxBufferSize(2 ** 30)], [sendBufferSize, 2 ** 30])
    const any = Number.POSITIVE_INFINITY
    assert.deepEqual([maxMessageSize(any), maxBufferSize(any)], [sendBufferSize, sendBufferSize])
  })

  it('fails the channel if a Blob cannot be read', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(ours)
    const unreadable = new Blob(['lost'])
    unreadable.arrayBuffer = () => Promise.reject(new Error('the file is gone'))
    ours.onerror = ({ error }) => log.push(error.errorDetail)
    ours.send('before')
    ours.send(unreadable)
    ours.send('after')
    const received = record(theirs)
    await pair.exchange()
    assert.deepEqual(log, ['closing', 'error', 'data-channel-failure', 'close'])
    assert.deepEqual(received, ['before', 'closing', 'close'])
  })
})

describe('the buffered amount', () => {
  it('rises in send and falls in a task, with an event at the threshold', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    const low: number[] = []
    ours.onbufferedamountlow = () => low.push(ours.bufferedAmount)
    ours.bufferedAmountLowThreshold = 4
    for (const text of ['1', '22', '333', '4444']) ours.send(text)
    assert.equal(ours.bufferedAmount, 10)
    pair.client.association.flush()
    assert.equal(ours.bufferedAmount, 10)
    await settled()
    assert.equal(ours.bufferedAmount, 0)
    assert.deepEqual(low, [4])
  })

  it('fires no event where it was low before', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    ours.onbufferedamountlow = () => assert.fail('was fired')
    ours.bufferedAmountLowThreshold = 3
    ours.send('123')
    await pair.exchange()
    assert.equal(ours.bufferedAmount, 0)
  })

  it('does not count what is no data of the application', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    assert.deepEqual([ours.bufferedAmount, theirs.bufferedAmount], [0, 0])
    const sent = async (channel: RTCDataChannel, bytes: number): Promise<number> => {
      pair.client.channels.handle({ type: 'sent', streamId: channel.id ?? -1, bytes })
      await settled()
      return channel.bufferedAmount
    }
    ours.send('')
    ours.send('12')
    ours.send('')
    assert.equal(ours.bufferedAmount, 2)
    // What is counted as sent first is what was never counted as buffered.
    assert.deepEqual([await sent(ours, 1), await sent(ours, 2), await sent(ours, 1)], [2, 1, 0])

    const another = create(pair.client, 'label')
    await settled()
    another.send('12')
    const openLength = 12 + 'label'.length
    assert.deepEqual([await sent(another, openLength), await sent(another, 2)], [2, 0])
  })

  it('stays when the channel closes, and when the connection does', async () => {
    const pair = await ChannelPair.connected()
    const [ours] = await pair.open()
    ours.send('12')
    ours.close()
    assert.equal(ours.bufferedAmount, 2)
    pair.client.channels.close()
    assert.equal(ours.bufferedAmount, 2)
    await pair.exchange()
    assert.equal(ours.bufferedAmount, 2)
    assert.equal(ours.readyState, 'closed')
  })
})

describe('receiving on a data channel', () => {
  it('gives binary messages in the form that was asked for', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(theirs)
    ours.send(bytes(1, 2))
    await pair.exchange()
    theirs.binaryType = 'blob'
    ours.send(bytes(3, 4))
    ours.send('text')
    await pair.exchange()
    const [first, second, third] = log
    assert.deepEqual(first, bytes(1, 2).buffer)
    assert.ok(second instanceof Blob)
    assert.deepEqual(await second.arrayBuffer(), bytes(3, 4).buffer)
    assert.equal(third, 'text')
  })

  it('fires a MessageEvent', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const event = new Promise<MessageEvent>(resolve => {
      theirs.onmessage = resolve
    })
    ours.send('x')
    await pair.exchange()
    const { data, origin, lastEventId, source, ports, bubbles } = await event
    assert.ok((await event) instanceof MessageEvent)
    assert.deepEqual(
      { data, origin, lastEventId, source, ports, bubbles },
      { data: 'x', origin: '', lastEventId: '', source: null, ports: [], bubbles: false },
    )
  })

  it('replaces what is not UTF-8, and keeps a byte order mark', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const log = record(theirs)
    const reference = new TextDecoder('utf-8', { ignoreBOM: true })
    const samples = [
      bytes(0xef, 0xbb, 0xbf, 0x61),
      bytes(0xff, 0x61, 0xc3),
      bytes(0xed, 0xa0, 0x80),
      bytes(0xf0, 0x9f, 0x98),
      bytes(0xc0, 0x80),
    ]
    for (const data of samples) {
      pair.server.channels.handle({ type: 'message', streamId: theirs.id ?? 0, ppid: 51, data })
    }
    await settled()
    assert.deepEqual(
      log,
      samples.map(data => reference.decode(data)),
    )
    assert.equal(log[0], '\ufeffa')
    assert.equal(log[1], '\ufffda\ufffd')
    assert.equal(ours.readyState, 'open')
  })

  it('does not hand out more memory than the message', async () => {
    const pair = await ChannelPair.connected()
    const [, theirs] = await pair.open()
    const log = record(theirs)
    const packet = bytes(9, 1, 2, 9)
    const data = packet.subarray(1, 3)
    pair.server.channels.handle({ type: 'message', streamId: theirs.id ?? 0, ppid: 53, data })
    await settled()
    assert.deepEqual(log, [bytes(1, 2).buffer])
  })

  it('lets an application that awaits one message listen for the next', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const received: unknown[] = []
    const next = async (): Promise<unknown> => {
      const event = await new Promise<MessageEvent>(resolve => {
        theirs.onmessage = resolve
      })
      theirs.onmessage = null
      return event.data
    }
    const reader = (async () => {
      for (let i = 0; i < 3; i++) received.push(await next())
    })()
    for (const text of ['1', '2', '3']) ours.send(text)
    await pair.exchange()
    await reader
    assert.deepEqual(received, ['1', '2', '3'])
  })

  it('goes on after a listener that throws', async () => {
    const pair = await ChannelPair.connected()
    const [ours, theirs] = await pair.open()
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const uncaught: string[] = []
    process.on('uncaughtException', error => uncaught.push(error.message))
    theirs.onmessage = ({ data }) => {
      throw new Error(data as string)
    }
    for (const text of ['1', '2', '3']) ours.send(text)
    await pair.exchange()
    await settled()
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
    assert.deepEqual(uncaught, ['1', '2', '3'])
    assert.equal(theirs.readyState, 'open')
  })
})

import assert from 'node:assert/strict'
import type { MessageSource, ReceiveMessage } from '../../src/net/mdns-channel.ts'
import { SharedMulticast } from '../../src/net/shared-multicast.ts'

const from: MessageSource = { address: '192.0.2.7', port: 5353, family: 4, isOwn: false }

class FakeChannel {
  readonly sent: number[] = []
  isClosed = false
  readonly receive: ReceiveMessage

  constructor(receive: ReceiveMessage) {
    this.receive = receive
  }

  send(message: Uint8Array): void {
    assert.equal(this.isClosed, false)
    this.sent.push(...message)
  }

  reply(message: Uint8Array, to: MessageSource): void {
    assert.equal(to, from)
    this.send(message)
  }

  close(): void {
    assert.equal(this.isClosed, false)
    this.isClosed = true
  }
}

describe('the multicast channel that several share', () => {
  let channels: FakeChannel[]
  let watchers: Set<() => void>
  let shared: SharedMulticast
  let hold: Promise<void>

  beforeEach(() => {
    channels = []
    watchers = new Set()
    hold = Promise.resolve()
    shared = new SharedMulticast(
      async receive => {
        await hold
        const channel = new FakeChannel(receive)
        channels.push(channel)
        return channel
      },
      changed => {
        watchers.add(changed)
        return () => watchers.delete(changed)
      },
    )
  })

  function settle(): Promise<void> {
    return new Promise(resolve => setImmediate(resolve))
  }

  it('is opened once, and everything that it hears is told to all', async () => {
    const heard: string[] = []
    const [a, b] = await Promise.all([shared.open(() => heard.push('a')), shared.open(() => heard.push('b'))])
    assert.equal(channels.length, 1)
    channels[0]?.receive(Uint8Array.of(1), from)
    assert.deepEqual(heard, ['a', 'b'])
    a?.send(Uint8Array.of(1))
    b?.reply(Uint8Array.of(2), from)
    assert.deepEqual(channels[0]?.sent, [1, 2])
  })

  it('is closed with the last who uses it, and opened again for the next', async () => {
    const [a, b] = [await shared.open(() => assert.fail()), await shared.open(() => {})]
    a.close()
    a.close()
    channels[0]?.receive(Uint8Array.of(1), from)
    assert.equal(channels[0]?.isClosed, false)
    b.close()
    assert.equal(channels[0]?.isClosed, true)
    assert.equal(watchers.size, 0)
    b.send(Uint8Array.of(1))
    const c = await shared.open(() => {})
    assert.equal(channels.length, 2)
    c.send(Uint8Array.of(3))
    assert.deepEqual(channels[1]?.sent, [3])
  })

  it('is opened anew when the interfaces have changed, and closed before only then', async () => {
    const heard: number[] = []
    const channel = await shared.open(message => heard.push(...message))
    let release = (): void => {}
    hold = new Promise(resolve => {
      release = resolve
    })
    for (const changed of watchers) changed()
    await settle()
    channel.send(Uint8Array.of(1))
    assert.deepEqual(channels[0]?.sent, [1])
    release()
    await settle()
    assert.deepEqual(
      channels.map(({ isClosed }) => isClosed),
      [true, false],
    )
    channel.send(Uint8Array.of(2))
    assert.deepEqual(channels[1]?.sent, [2])
    channels[1]?.receive(Uint8Array.of(9), from)
    assert.deepEqual(heard, [9])
    channel.close()
    assert.ok(channels.every(({ isClosed }) => isClosed))
  })

  it('is closed at once if all have left before it was open', async () => {
    let release = (): void => {}
    hold = new Promise(resolve => {
      release = resolve
    })
    const first = shared.open(() => {})
    for (const changed of watchers) changed()
    release()
    ;(await first).close()
    await settle()
    assert.ok(channels.length > 0)
    assert.ok(channels.every(({ isClosed }) => isClosed))
    assert.equal(watchers.size, 0)
  })
})

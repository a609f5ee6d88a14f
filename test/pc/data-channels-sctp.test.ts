import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { toDataChannelInit } from '../../src/pc/data-channel-init.ts'
import { DataChannels } from '../../src/pc/data-channels.ts'
import type { RTCDataChannel } from '../../src/pc/rtc-data-channel.ts'
import { SctpAssociation } from '../../src/sctp/index.ts'
import { type Prng, prng } from '../support/prng.ts'
import { errorOf, record } from './channel-pair.ts'
import { settled } from './fake-association.ts'

interface End {
  readonly channels: DataChannels
  readonly association: SctpAssociation
  readonly announced: RTCDataChannel[]
  onannounce: (channel: RTCDataChannel) => void
}

/** Two ends with real associations, joined by a link that loses packets with a given probability. */
class Link {
  readonly client: End
  readonly server: End
  now = 1000
  loss = 0
  /** Packets that were carried, in both directions. */
  packets = 0
  readonly #random: Prng

  constructor(seed: number) {
    this.#random = prng(seed)
    this.client = this.#createEnd()
    this.server = this.#createEnd()
    this.client.channels.attach(this.client.association, 'client')
    this.server.channels.attach(this.server.association, 'server')
  }

  connect(): void {
    for (const { association } of [this.client, this.server]) association.connect(this.now)
  }

  /** Goes on until a condition holds, for a minute of virtual time at most. */
  async run(until: () => boolean): Promise<void> {
    const end = this.now + 60_000
    while (!until()) {
      const busy = this.#carry(this.client, this.server) || this.#carry(this.server, this.client)
      await settled()
      if (!busy && !until()) this.#wait(end)
    }
  }

  #carry(from: End, to: End): boolean {
    let busy = false
    for (const end of [from, to]) {
      for (let event = end.association.pollEvent(); event !== undefined; event = end.association.pollEvent()) {
        busy = true
        end.channels.handle(event)
      }
    }
    for (
      let next = from.association.pollTransmit(this.now);
      next !== undefined;
      next = from.association.pollTransmit(this.now)
    ) {
      busy = true
      this.packets++
      if (this.#random.float() >= this.loss) to.association.receive(new Uint8Array(next), this.now)
    }
    return busy
  }

  #wait(end: number): void {
    const times = [this.client, this.server].map(
      ({ association }) => association.pollTimeout() ?? Number.POSITIVE_INFINITY,
    )
    this.now = Math.max(this.now + 1, Math.min(...times))
    assert.ok(this.now < end, 'nothing more happens')
    for (const { association } of [this.client, this.server]) association.handleTimeout(this.now)
  }

  #createEnd(): End {
    const association = new SctpAssociation({ random: length => this.#random.bytes(length) })
    const end: End = {
      association,
      announced: [],
      onannounce: () => {},
      channels: new DataChannels({
        announce: channel => {
          end.announced.push(channel)
          end.onannounce(channel)
        },
        maxMessageSize: () => 1024 * 1024,
        schedule: () => {},
        now: () => this.now,
      }),
    }
    return end
  }
}

function create(end: End, label: string, init?: unknown): RTCDataChannel {
  return end.channels.create(label, toDataChannelInit(init))
}

async function openPair(link: Link, init?: unknown): Promise<[RTCDataChannel, RTCDataChannel]> {
  const before = link.server.announced.length
  const ours = create(link.client, 'channel', init)
  await link.run(() => ours.readyState === 'open' && link.server.announced.length > before)
  const theirs = link.server.announced.at(-1)
  assert.ok(theirs)
  return [ours, theirs]
}

describe('data channels on a real association', () => {
  it('are announced to the peer with the packet that completes the association', async () => {
    const link = new Link(1)
    create(link.client, 'early')
    link.client.association.connect(link.now)
    await link.run(() => link.server.announced.length > 0)
    // INIT, INIT ACK, and COOKIE ECHO with DATA_CHANNEL_OPEN behind it
    assert.equal(link.packets, 3)
    assert.equal(link.server.announced[0]?.label, 'early')
  })

  it('carry messages of all kinds and sizes in both directions', async () => {
    const link = new Link(2)
    link.connect()
    const [ours, theirs] = await openPair(link)
    const log = record(theirs)
    const big = new Uint8Array(1024 * 1024).map((_, index) => index)
    for (const data of ['text', '', new Uint8Array([1, 2]), new ArrayBuffer(0), big]) ours.send(data)
    ours.send(new Blob(['blob']))
    ours.send('end')
    assert.equal(ours.bufferedAmount, 4 + 2 + big.length + 4 + 3)
    await link.run(() => log.at(-1) === 'end')
    assert.deepEqual(log, [
      'text',
      '',
      new Uint8Array([1, 2]).buffer,
      new ArrayBuffer(0),
      big.buffer,
      Uint8Array.from(Buffer.from('blob')).buffer,
      'end',
    ])
    const answers = record(ours)
    theirs.send('answer')
    await link.run(() => answers.includes('answer') && ours.bufferedAmount === 0)
  })

  it('survive loss, in order, and know when their buffer is empty', async () => {
    const link = new Link(3)
    link.loss = 0.1
    link.connect()
    const [ours, theirs] = await openPair(link)
    const log = record(theirs)
    let low = 0
    ours.onbufferedamountlow = () => low++
    const messages = Array.from({ length: 500 }, (_, index) => `${index} `.repeat(100))
    for (const message of messages) ours.send(message)
    await link.run(() => log.length === messages.length && ours.bufferedAmount === 0)
    assert.deepEqual(log, messages)
    assert.equal(low, 1)
  })

  it('lose what may be lost, and still know when their buffer is empty', async () => {
    const link = new Link(4)
    link.connect()
    const [ours, theirs] = await openPair(link, { ordered: false, maxRetransmits: 0 })
    const log = record(theirs)
    link.loss = 0.2
    for (let i = 0; i < 500; i++) ours.send(`${i}`.padEnd(500))
    await link.run(() => ours.bufferedAmount === 0)
    link.loss = 0
    ours.send('last')
    await link.run(() => log.includes('last'))
    assert.ok(log.length > 300 && log.length < 501, `${log.length} messages arrived`)
  })

  it('close after the last message, and leave their streams for others, also over a bad link', async () => {
    const link = new Link(5)
    link.loss = 0.1
    link.connect()
    for (let round = 0; round < 20; round++) {
      const [ours, theirs] = await openPair(link, { negotiated: false, protocol: `${round}` })
      const logs = [record(ours), record(theirs)]
      for (let i = 0; i < 20; i++) ours.send(new Uint8Array(1000))
      if (round % 2 === 0) ours.close()
      else theirs.close()
      await link.run(() => ours.readyState === 'closed' && theirs.readyState === 'closed')
      assert.equal(logs[0]?.at(-1), 'close')
      assert.equal(logs[1]?.at(-1), 'close')
      assert.ok(!logs[0]?.includes('error') && !logs[1]?.includes('error'))
      if (round % 2 === 0) assert.equal(logs[1]?.filter(data => data instanceof ArrayBuffer).length, 20)
    }
    assert.deepEqual([link.client.channels.size, link.server.channels.size], [0, 0])
    assert.deepEqual(link.server.channels.counters, { opened: 20, closed: 20 })
  })

  it('use a negotiated stream again and again', async () => {
    const link = new Link(6)
    link.connect()
    for (let round = 0; round < 10; round++) {
      const init = { negotiated: true, id: 7 }
      const [ours, theirs] = [create(link.client, '', init), create(link.server, '', init)]
      await link.run(() => ours.readyState === 'open' && theirs.readyState === 'open')
      const log = record(theirs)
      ours.send(`${round}`)
      ours.close()
      await link.run(() => ours.readyState === 'closed' && theirs.readyState === 'closed')
      assert.deepEqual(log, [`${round}`, 'closing', 'close'])
    }
  })

  it('take back what was closed before the association was up', async () => {
    const link = new Link(7)
    const early = create(link.client, 'early')
    early.close()
    link.connect()
    await link.run(() => link.server.announced[0]?.readyState === 'closed')
    assert.equal(early.readyState, 'closed')
    const again = create(link.client, '', { negotiated: true, id: early.id ?? -1 })
    await link.run(() => again.readyState === 'open')
  })

  it('refuse what breaks the rules of DCEP, and tell its opener', async () => {
    const link = new Link(8)
    link.connect()
    await openPair(link)
    // Both think that they are the client.
    const impostor = new DataChannels({
      announce: () => assert.fail('was announced'),
      maxMessageSize: () => 1,
      schedule: () => {},
      now: () => link.now,
    })
    impostor.attach(link.server.association, 'client')
    impostor.handle({ type: 'connected', inboundStreams: 100, outboundStreams: 100 })
    await settled()
    impostor.create('', toDataChannelInit({ negotiated: true, id: 0 }))
    const wrong = impostor.create('', toDataChannelInit({}))
    await settled()
    assert.equal(wrong.id, 2)
    const resets: number[] = []
    const { handle } = link.server.channels
    link.server.channels.handle = event => {
      if (event.type === 'incoming-reset') resets.push(event.streamId)
      impostor.handle(event)
      handle.call(link.server.channels, event)
    }
    const error = errorOf(wrong)
    await link.run(() => wrong.readyState === 'closed')
    assert.match((await error).message, /refused/)
    assert.deepEqual([resets, link.client.announced], [[2], []])
  })

  it('fail with the cause when the peer aborts', async () => {
    const link = new Link(9)
    link.connect()
    const [ours, theirs] = await openPair(link)
    const log = record(ours)
    const error = errorOf(ours)
    link.server.channels.close()
    link.server.association.abort(link.now)
    await link.run(() => ours.readyState === 'closed')
    assert.deepEqual(log, ['error', 'close'])
    const { errorDetail, sctpCauseCode } = await error
    assert.deepEqual([errorDetail, sctpCauseCode], ['sctp-failure', 12])
    assert.equal(theirs.readyState, 'closed')
  })
})

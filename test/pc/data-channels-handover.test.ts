import assert from 'node:assert/strict'
import { ChannelPair, create, open, record, text } from './channel-pair.ts'
import { FakeAssociation, settled } from './fake-association.ts'

const dcepProtocol = 50

function message(streamId: number, data: string) {
  return { type: 'message', streamId, ppid: text, data: Buffer.from(data) } as const
}

describe('Data channels whose association gives way to another', () => {
  it('are closed, without an error, if they were open or closing', async () => {
    const pair = await ChannelPair.connected()
    const { channels } = pair.client
    const [ours] = await pair.open()
    const [closing] = await pair.open()
    const [agreed] = await pair.open({ negotiated: true, id: 9 })
    const logs = [ours, closing, agreed].map(channel => record(channel))
    closing.close()
    channels.leave()
    await settled()
    assert.deepEqual(logs, [['close'], ['close'], ['close']])
    assert.deepEqual([channels.size, channels.counters.opened, channels.counters.closed], [0, 3, 3])
  })

  it('are asked for once more if they were not open yet, under numbers of the next one', async () => {
    const pair = new ChannelPair()
    pair.attach()
    const { channels, association } = pair.client
    const own = create(pair.client, 'own')
    const agreed = create(pair.client, 'agreed', { negotiated: true, id: 9 })
    const logs = [own, agreed].map(channel => record(channel))
    assert.equal(own.id, 0)
    channels.leave()
    assert.deepEqual([own.id, agreed.id], [null, 9])
    const next = new FakeAssociation()
    next.owner = channels
    // RFC 8832 §6: the other parity, in the other role
    channels.attach(next, 'server')
    assert.deepEqual([own.id, agreed.id], [1, 9])
    assert.deepEqual([association.sent.length, next.sent.length], [1, 1])
    assert.throws(() => create(pair.client, 'again', { negotiated: true, id: 9 }), { name: 'OperationError' })
    next.connect()
    await settled()
    assert.deepEqual(logs, [['open'], ['open']])
    own.send('to the next one')
    assert.equal(next.sent.at(-1)?.streamId, 1)
  })

  it('that are made before the next one is there wait for it', async () => {
    const pair = await ChannelPair.connected()
    const { channels } = pair.client
    channels.leave()
    const own = create(pair.client, 'own')
    const log = record(own)
    await settled()
    assert.deepEqual([own.id, own.readyState, log], [null, 'connecting', []])
    const next = new FakeAssociation()
    next.owner = channels
    channels.attach(next, 'client')
    next.connect()
    await settled()
    assert.deepEqual([own.id, log], [0, ['open']])
  })

  it('take nothing from the one before that has not been told yet, not even what was held', async () => {
    const pair = await ChannelPair.connected()
    const { channels, association, announced } = pair.client
    // Held, for there is no channel yet; then let go, just before the end.
    association.tell(message(9, 'held'))
    await settled()
    const early = create(pair.client, 'early', { negotiated: true, id: 9 })
    const old = record(early)
    association.tell({ type: 'message', streamId: 3, ppid: dcepProtocol, data: open({ label: 'old' }) })
    association.tell(message(11, 'old'))
    channels.leave()
    const next = new FakeAssociation()
    next.owner = channels
    channels.attach(next, 'client')
    const current = create(pair.client, 'current', { negotiated: true, id: 11 })
    const log = record(current)
    next.connect()
    await settled()
    assert.deepEqual(announced, [])
    assert.deepEqual(log, ['open'])
    assert.ok(!old.includes('held'))
    next.tell(message(11, 'new'))
    await settled()
    assert.deepEqual(log, ['open', 'new'])
  })
})

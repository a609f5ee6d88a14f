import assert from 'node:assert/strict'
import type { Answer } from 'dns-packet'
import { decode, encode } from 'dns-packet'
import {
  idleLimitMs,
  MdnsResolver,
  maxConcurrentNames,
  maxKnownMs,
  maxKnownNames,
  resolveLimitMs,
} from '../../src/net/mdns.ts'
import type { OpenMulticastChannel } from '../../src/net/mdns-channel.ts'
import type { MdnsCodec } from '../../src/net/mdns-message.ts'
import { loadMdnsCodec } from '../../src/net/mdns-message.ts'
import { Simulation } from '../sim/virtual-environment.ts'

const name = 'ab54cd12-0000-4000-8000-0123456789ab.local'

function nthName(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}.local`
}

function a(address: string, more: Partial<Answer> = {}): Answer {
  return { type: 'A', name, ttl: 120, class: 'IN', data: address, ...more } as Answer
}

interface Asked {
  readonly at: number
  readonly type: string
  readonly name: string
}

interface Outcome {
  found?: readonly string[]
  at?: number
}

describe('the multicast DNS resolver', () => {
  let codec: MdnsCodec
  let sim: Simulation
  let resolver: MdnsResolver
  let asked: Asked[]
  let opened: number
  let closed: number
  let receive: (message: Uint8Array) => void

  const openChannel: OpenMulticastChannel = async receiver => {
    opened++
    const from = { address: '192.0.2.7', port: 5353, family: 4, isOwn: false } as const
    receive = message => receiver(message, from)
    return { send: onMessage, close: () => closed++ }
  }

  function onMessage(message: Uint8Array): void {
    const { questions = [], type } = decode(Buffer.from(message))
    assert.equal(type, 'query')
    assert.equal(questions.length, 1, 'Chromium answers only queries with one question')
    for (const question of questions) asked.push({ at: sim.now, type: question.type, name: question.name })
  }

  function ask(wanted = name): Outcome {
    const outcome: Outcome = {}
    void resolver.resolveMdns(wanted).then(found => Object.assign(outcome, { found, at: sim.now }))
    return outcome
  }

  function respond(...answers: Answer[]): void {
    receive(encode({ type: 'response', flags: 1 << 10, answers }))
  }

  before(async () => {
    codec = await loadMdnsCodec()
  })

  beforeEach(() => {
    sim = new Simulation(1)
    asked = []
    opened = 0
    closed = 0
    resolver = new MdnsResolver({ clock: sim.time, timers: sim.time, openChannel, loadCodec: async () => codec })
  })

  it('asks for IPv4 at once, and is done with the first answer', async () => {
    const outcome = ask()
    await sim.run(1)
    assert.deepEqual(asked, [{ at: 0, type: 'A', name }])
    respond(a('192.0.2.7'))
    await sim.run(20_000)
    assert.deepEqual(outcome, { found: ['192.0.2.7'], at: 1 })
    assert.equal(asked.length, 1)
  })

  it('asks for IPv6 a moment later if there is no answer yet', async () => {
    const outcome = ask()
    await sim.run(100)
    assert.deepEqual(
      asked.map(({ type }) => type),
      ['A', 'AAAA'],
    )
    respond({ type: 'AAAA', name, ttl: 120, data: '2001:DB8:0::1' })
    await sim.runFor(1)
    assert.deepEqual(outcome.found, ['2001:db8::1'])
  })

  it('repeats a question after one second and after two more, as RFC 6762 demands, then gives up', async () => {
    const outcome = ask()
    await sim.run(20_000)
    for (const [type, first] of [
      ['A', 0],
      ['AAAA', 100],
    ] as const) {
      assert.deepEqual(
        asked.filter(question => question.type === type).map(({ at }) => at - first),
        [0, 1_000, 3_000],
      )
    }
    assert.deepEqual(outcome, { found: [], at: resolveLimitMs })
  })

  it('gives a name its whole time when it is asked for again', async () => {
    ask()
    await sim.run(1)
    respond(a('192.0.2.7', { ttl: 1 }))
    await sim.run(4_000)
    asked = []
    const again = ask()
    await sim.run(20_000)
    assert.deepEqual(again, { found: [], at: 4_000 + resolveLimitMs })
    assert.equal(asked.length, 6)
  })

  it('takes an answer until the limit', async () => {
    const outcome = ask()
    await sim.run(resolveLimitMs - 1)
    respond(a('192.0.2.7'))
    await sim.runFor(10)
    assert.deepEqual(outcome, { found: ['192.0.2.7'], at: resolveLimitMs - 1 })
  })

  it('compares names without regard to case', async () => {
    const outcome = ask(name.toUpperCase())
    await sim.run(1)
    respond(a('192.0.2.7', { name: name.replace('ab54', 'Ab54') }))
    await sim.runFor(1)
    assert.deepEqual(outcome.found, ['192.0.2.7'])
  })

  it('asks once for a name that several wait for', async () => {
    const outcomes = [ask(), ask(), ask()]
    await sim.run(1)
    assert.equal(asked.length, 1)
    respond(a('192.0.2.7'))
    await sim.runFor(1)
    for (const { found } of outcomes) assert.deepEqual(found, ['192.0.2.7'])
  })

  it('resolves several names in one response, each with its own addresses', async () => {
    const outcomes = [ask(nthName(1)), ask(nthName(2))]
    await sim.run(1)
    respond(
      a('192.0.2.1', { name: nthName(1) }),
      a('192.0.2.2', { name: nthName(2) }),
      a('192.0.2.3', { name: nthName(2) }),
    )
    await sim.runFor(1)
    assert.deepEqual(
      outcomes.map(({ found }) => found),
      [['192.0.2.1'], ['192.0.2.2', '192.0.2.3']],
    )
  })

  it('never asks for a name that is no UUID in .local', async () => {
    const uuid = name.replace('.local', '')
    const names = [
      'printer.local',
      'localhost',
      '192.0.2.1',
      '',
      `${uuid}.example`,
      `x.${name}`,
      `${name}.`,
      `${uuid}`,
      `${name}\n`,
    ]
    const outcomes = names.map(ask)
    await sim.run(10)
    for (const { found } of outcomes) assert.deepEqual(found, [])
    assert.equal(opened, 0)
  })

  it('asks for no more names at a time than it may', async () => {
    const outcomes = Array.from({ length: maxConcurrentNames + 1 }, (_, i) => ask(nthName(i)))
    await sim.run(10)
    assert.equal(asked.length, maxConcurrentNames)
    assert.deepEqual(outcomes.at(-1), { found: [], at: 0 })
    respond(a('192.0.2.7', { name: nthName(0) }))
    ask(nthName(maxConcurrentNames))
    await sim.runFor(10)
    assert.equal(asked.length, maxConcurrentNames + 1)
  })

  it('remembers an answer for its time to live, and not longer than two minutes', async () => {
    for (const [ttl, lifetime] of [
      [10, 10_000],
      [4500, maxKnownMs],
    ] as const) {
      const wanted = nthName(ttl)
      const first = ask(wanted)
      await sim.runFor(1)
      respond(a('192.0.2.7', { name: wanted, ttl }))
      await sim.runFor(lifetime - 1)
      assert.deepEqual(first.found, ['192.0.2.7'])
      asked = []
      const known = ask(wanted)
      await sim.runFor(1)
      assert.deepEqual(known.found, ['192.0.2.7'])
      assert.equal(asked.length, 0)
      const expired = ask(wanted)
      await sim.runFor(1)
      assert.equal(expired.found, undefined)
      assert.equal(asked.length, 1)
      await sim.runFor(resolveLimitMs)
    }
  })

  it('remembers a bounded number of names, the latest ones', async () => {
    for (let i = 0; i <= maxKnownNames; i++) {
      ask(nthName(i))
      await sim.runFor(1)
      respond(a('192.0.2.7', { name: nthName(i) }))
      await sim.runFor(1)
    }
    asked = []
    for (const i of [0, 1, maxKnownNames]) ask(nthName(i))
    await sim.runFor(1)
    assert.deepEqual(
      asked.map(question => question.name),
      [nthName(0)],
    )
  })

  it('does not take a goodbye for an answer, and forgets the name', async () => {
    const outcome = ask()
    await sim.run(1)
    respond(a('192.0.2.7', { ttl: 0 }))
    await sim.runFor(1)
    assert.equal(outcome.found, undefined)
    respond(a('192.0.2.7'))
    await sim.runFor(1)
    respond(a('192.0.2.7', { ttl: 0 }))
    asked = []
    ask()
    await sim.runFor(1)
    assert.equal(asked.length, 1)
  })

  it('ignores answers that were not asked for', async () => {
    const outcome = ask()
    await sim.run(1)
    respond(a('192.0.2.66', { name: nthName(1) }))
    const other = ask(nthName(1))
    await sim.runFor(1)
    assert.equal(outcome.found, undefined)
    assert.equal(other.found, undefined)
  })

  it('opens its channel for the first name and closes it when it was idle for a while', async () => {
    ask()
    await sim.run(resolveLimitMs + idleLimitMs - 1)
    assert.deepEqual([opened, closed], [1, 0])
    ask()
    await sim.runFor(resolveLimitMs + idleLimitMs - 1)
    assert.deepEqual([opened, closed], [1, 0])
    await sim.runFor(2)
    assert.deepEqual([opened, closed], [1, 1])
    ask()
    await sim.runFor(1)
    assert.deepEqual([opened, closed], [2, 1])
  })

  it('finds nothing, and rejects nothing, where the channel cannot be opened', async () => {
    resolver = new MdnsResolver({
      clock: sim.time,
      timers: sim.time,
      openChannel: () => Promise.reject(new Error('no network')),
      loadCodec: async () => codec,
    })
    const outcome = ask()
    await sim.run(20_000)
    assert.deepEqual(outcome.found, [])
  })
})

import assert from 'node:assert/strict'
import type { Answer, DecodedPacket, Packet, Question } from 'dns-packet'
import { decode, encode } from 'dns-packet'
import type { MdnsRegistration } from '../../src/base/environment.ts'
import type { MessageSource, MulticastScope, ReceiveMessage } from '../../src/net/mdns-channel.ts'
import type { MdnsCodec } from '../../src/net/mdns-message.ts'
import { isMdnsCandidateName, loadMdnsCodec } from '../../src/net/mdns-message.ts'
import {
  legacyTtl,
  MdnsResponder,
  maxAnswersPerSecond,
  maxRegisteredNames,
  multicastIntervalMs,
  recordTtl,
} from '../../src/net/mdns-responder.ts'
import { VirtualTime } from '../sim/virtual-time.ts'
import { prng } from '../support/prng.ts'

const asker: MessageSource = { address: '192.0.2.7', port: 5353, family: 4, isOwn: false }
const legacyAsker: MessageSource = { ...asker, port: 40_000 }
const mutations = 100_000
/** The codec knows it, its types do not. */
const any = 'ANY' as Question['type']
const seed = 0x6762

interface Sent {
  readonly at: number
  readonly packet: DecodedPacket
  readonly scope: MulticastScope | undefined
  /** Undefined for a multicast. */
  readonly to: MessageSource | undefined
}

describe('the multicast DNS responder', () => {
  let codec: MdnsCodec
  let time: VirtualTime
  let responder: MdnsResponder
  let sent: Sent[]
  let opened: number
  let closed: number
  let receive: ReceiveMessage
  let registration: MdnsRegistration

  before(async () => {
    codec = await loadMdnsCodec()
  })

  beforeEach(async () => {
    time = new VirtualTime()
    sent = []
    opened = 0
    closed = 0
    responder = create()
    registration = await register('192.0.2.1')
  })

  function create(openFails = false): MdnsResponder {
    const random = prng(seed)
    const note = (message: Uint8Array, scope?: MulticastScope, to?: MessageSource): void => {
      sent.push({ at: time.now(), packet: decode(Buffer.from(message)), scope, to })
    }
    return new MdnsResponder({
      clock: time,
      timers: time,
      random: length => random.bytes(length),
      loadCodec: async () => codec,
      openChannel: async receiver => {
        if (openFails) throw new Error('no network')
        opened++
        receive = receiver
        return { send: note, reply: (message, to) => note(message, undefined, to), close: () => closed++ }
      },
    })
  }

  async function register(address: string): Promise<MdnsRegistration> {
    const registered = await responder.registerMdns(address)
    await settle()
    return registered ?? assert.fail('not registered')
  }

  /** Lets the channel open. */
  function settle(): Promise<void> {
    return new Promise(resolve => setImmediate(resolve))
  }

  function advance(ms: number): void {
    const end = time.now() + ms
    for (let next = time.next(); next !== undefined && next <= end; next = time.next()) time.step()
    time.advanceTo(end)
  }

  function query(packet: Packet, from = asker): void {
    receive(encode({ type: 'query', ...packet }), from)
  }

  function ask(type: Question['type'] = 'A', from = asker, name = registration.name): void {
    query({ questions: [{ name, type }] }, from)
  }

  /** Asks with the bit set that the codec does not know. */
  function askForUnicast(from = asker): void {
    const message = encode({ type: 'query', questions: [{ name: registration.name, type: 'A' }] })
    message.writeUInt16BE(0x8001, message.length - 2)
    receive(message, from)
  }

  function shown(answers: readonly Answer[] | undefined): unknown[] {
    return (answers ?? []).map(answer => [
      answer.type,
      'data' in answer ? answer.data : undefined,
      'ttl' in answer ? answer.ttl : 0,
    ])
  }

  it('gives a version 4 UUID in .local, another one each time', async () => {
    const names = [registration.name, (await register('192.0.2.1')).name, (await register('2001:db8::1')).name]
    for (const name of names) {
      assert.match(name, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.local$/)
      assert.ok(isMdnsCandidateName(name))
    }
    assert.equal(new Set(names).size, 3)
  })

  it('answers a question for its name at once, to all on the link of the address', () => {
    ask()
    assert.equal(sent.length, 1)
    const [{ packet, scope, to } = assert.fail()] = sent
    assert.deepEqual([to, scope], [undefined, { family: 4, address: '192.0.2.1' }])
    assert.equal(packet.type, 'response')
    assert.deepEqual([packet.id, packet.flag_aa, packet.flag_tc, packet.questions], [0, true, false, []])
    assert.deepEqual(shown(packet.answers), [['A', '192.0.2.1', recordTtl]])
    // RFC 6762 §6.2: and there is no IPv6 address.
    const negative = { nextDomain: registration.name, rrtypes: ['A'] }
    assert.deepEqual(shown(packet.additionals), [['NSEC', negative, recordTtl]])
    assert.ok(
      [...(packet.answers ?? []), ...(packet.additionals ?? [])].every(answer => 'flush' in answer && answer.flush),
    )
  })

  it('answers in any case of letters, and questions of any class and type that match', () => {
    ask('A', asker, registration.name.toUpperCase())
    assert.equal(sent.length, 1)
    advance(5_000)
    sent = []
    query({ questions: [{ name: registration.name, type: any, class: 'ANY' }] })
    assert.deepEqual(shown(sent[0]?.packet.answers), [['A', '192.0.2.1', recordTtl]])
  })

  it('denies the records that its name does not have', () => {
    ask('AAAA')
    ask('TXT')
    const negative = ['NSEC', { nextDomain: registration.name, rrtypes: ['A'] }, recordTtl]
    assert.deepEqual(
      sent.map(({ packet }) => shown(packet.answers)),
      [[negative]],
    )
  })

  it('answers with an IPv6 address where its name stands for one', async () => {
    registration = await register('2001:DB8::1')
    ask('AAAA', { ...asker, family: 6, address: 'fe80::7%eth0' })
    assert.deepEqual(shown(sent[0]?.packet.answers), [['AAAA', '2001:db8::1', recordTtl]])
    assert.deepEqual(sent[0]?.scope, { family: 6, address: '2001:db8::1' })
  })

  it('never answers for names that are not registered, nor for those that were', () => {
    const others = [
      'printer.local',
      'local',
      '',
      `x.${registration.name}`,
      registration.name.replace('.local', '.example'),
    ]
    for (const name of [...others, '00000000-0000-4000-8000-000000000000.local']) ask(any, asker, name)
    registration.release()
    ask()
    ask(any, legacyAsker)
    advance(60_000)
    assert.deepEqual(sent, [])
    assert.deepEqual(responder.addressesOf(registration.name), [])
  })

  it('answers nothing but queries', () => {
    const questions = [{ name: registration.name, type: 'A' as const }]
    receive(encode({ type: 'response', questions }), asker)
    query({ questions, flags: 1 << 11 })
    query({ questions, flags: 3 })
    query({ questions: [{ ...questions[0], class: 'CH' } as Question] })
    receive(new Uint8Array(3), asker)
    assert.deepEqual(sent, [])
  })

  it('announces a name twice, one second apart, to both families', () => {
    advance(60_000)
    assert.deepEqual(
      sent.map(({ at, scope, packet }) => [at, scope?.family, packet.answers?.length]),
      [
        [1_000, 4, 1],
        [1_000, 6, 1],
        [2_000, 4, 1],
        [2_000, 6, 1],
      ],
    )
  })

  it('multicasts a record once a second at most, but keeps nobody waiting for longer', () => {
    advance(10_000)
    sent = []
    for (let i = 0; i < 30; i++) {
      ask()
      advance(50)
    }
    assert.deepEqual(
      sent.map(({ at }) => at - 10_000),
      [0, multicastIntervalMs],
    )
    advance(10_000)
    // Those who asked after the second one hear a third.
    assert.equal(sent.length, 3)
  })

  it('answers to one only if that is asked for and all have been told lately', () => {
    askForUnicast()
    assert.equal(sent[0]?.to, undefined)
    askForUnicast()
    assert.equal(sent[1]?.to, asker)
    assert.deepEqual(shown(sent[1]?.packet.answers), [['A', '192.0.2.1', recordTtl]])
    advance(60_000)
    sent = []
    askForUnicast()
    assert.equal(sent[0]?.to, undefined)
  })

  it('answers programs of its own host by multicast: the port is shared, and one of them would get the answer', () => {
    advance(5_000)
    sent = []
    askForUnicast({ ...asker, isOwn: true })
    assert.deepEqual(
      sent.map(({ to }) => to),
      [undefined],
    )
  })

  it('answers a plain DNS client as a DNS server does', () => {
    query({ id: 4711, questions: [{ name: registration.name, type: 'A' }] }, legacyAsker)
    query({ id: 4712, questions: [{ name: registration.name, type: 'AAAA' }] }, legacyAsker)
    const [first, second] = sent
    assert.equal(first?.to, legacyAsker)
    assert.equal(first.packet.id, 4711)
    assert.deepEqual(first.packet.questions, [{ name: registration.name, type: 'A', class: 'IN' }])
    assert.deepEqual(shown(first.packet.answers), [['A', '192.0.2.1', legacyTtl]])
    assert.ok(first.packet.answers?.every(answer => 'flush' in answer && !answer.flush))
    assert.equal(second?.packet.id, 4712)
    assert.equal(second.packet.answers?.[0]?.type, 'NSEC')
  })

  it('does not tell what the asker knows, unless it will soon have forgotten it', () => {
    const questions = [{ name: registration.name, type: 'A' as const }]
    const known = (ttl: number): Answer => ({ type: 'A', name: registration.name, ttl, class: 'IN', data: '192.0.2.1' })
    query({ questions, answers: [known(recordTtl / 2)] })
    assert.equal(sent.length, 0)
    query({ questions, answers: [{ ...known(recordTtl), data: '192.0.2.2' } as Answer] })
    advance(5_000)
    sent = []
    query({ questions, answers: [known(recordTtl / 2 - 1)] })
    assert.equal(sent.length, 1)
  })

  it('waits a moment where others may answer too, and longer where more known answers are to come', () => {
    query({
      questions: [
        { name: 'printer.local', type: 'A' },
        { name: registration.name, type: 'A' },
      ],
    })
    assert.equal(sent.length, 0)
    advance(120)
    assert.equal(sent.length, 1)
    assert.ok((sent[0]?.at ?? 0) >= 20)
    advance(5_000)
    sent = []
    const start = time.now()
    query({ flags: 1 << 9, questions: [{ name: registration.name, type: 'A' }] })
    advance(399)
    assert.equal(sent.length, 0)
    advance(101)
    assert.ok((sent[0]?.at ?? 0) - start >= 400)
  })

  it('says goodbye once to those whom it has told of a name, and no more of it then', async () => {
    const silent = await register('192.0.2.2')
    const other = await register('192.0.2.3')
    ask()
    sent = []
    registration.release()
    registration.release()
    silent.release()
    assert.deepEqual(
      sent.map(({ packet }) => shown(packet.answers)),
      [[['A', '192.0.2.1', 0]]],
    )
    assert.deepEqual(sent[0]?.scope, { address: '192.0.2.1' })
    sent = []
    advance(60_000)
    assert.deepEqual(new Set(sent.map(({ scope }) => scope?.address)), new Set(['192.0.2.3']))
    other.release()
    assert.equal(closed, 1)
  })

  it('opens its channel for the first name and closes it with the last', async () => {
    const second = await register('192.0.2.2')
    assert.equal(opened, 1)
    registration.release()
    assert.equal(closed, 0)
    second.release()
    assert.deepEqual([sent.length, closed], [0, 1])
    registration = await register('192.0.2.3')
    assert.equal(opened, 2)
    ask()
    assert.equal(sent.length, 1)
  })

  it('closes a channel that is there only after the last name was released', async () => {
    registration.release()
    const promise = responder.registerMdns('192.0.2.9')
    const late = await promise
    late?.release()
    await settle()
    await settle()
    assert.equal(opened, closed)
  })

  it('gives names, and knows them itself, where the link cannot be used', async () => {
    responder = create(true)
    const { name, release } = await register('192.0.2.1')
    assert.deepEqual(responder.addressesOf(name.toUpperCase()), ['192.0.2.1'])
    advance(10_000)
    release()
    assert.deepEqual(responder.addressesOf(name), [])
  })

  it('registers nothing for what is no address that a peer could reach', async () => {
    for (const address of ['', 'host', '0.0.0.0', '::', '224.0.0.251', 'fe80::1', 'fe80::1%eth0', '1.2.3']) {
      assert.equal(await responder.registerMdns(address), undefined, address)
    }
  })

  it('registers a bounded number of names', async () => {
    const all: MdnsRegistration[] = []
    for (let i = 1; i < maxRegisteredNames; i++) all.push(await register('192.0.2.1'))
    assert.equal(await responder.registerMdns('192.0.2.1'), undefined)
    all[0]?.release()
    assert.notEqual(await responder.registerMdns('192.0.2.1'), undefined)
  })

  it('answers a bounded number of messages in a second', () => {
    advance(5_000)
    sent = []
    for (let i = 0; i < 3 * maxAnswersPerSecond; i++) ask('A', legacyAsker)
    assert.equal(sent.length, maxAnswersPerSecond)
    advance(1_000)
    ask('A', legacyAsker)
    assert.equal(sent.length, maxAnswersPerSecond + 1)
  })

  it(`survives ${mutations} mutations of a query, and answers the next one`, function () {
    this.timeout(20_000)
    const random = prng(seed)
    const valid = encode({
      type: 'query',
      questions: [
        { name: registration.name, type: 'A' },
        { name: 'printer.local', type: 'PTR' },
      ],
      answers: [{ type: 'A', name: registration.name, ttl: 9, data: '192.0.2.1' }],
    })
    for (let run = 0; run < mutations; run++) {
      const copy = Buffer.from(valid.subarray(0, run % 3 === 0 ? random.next() % valid.length : undefined))
      for (let flips = random.next() % 4; flips >= 0 && copy.length > 0; flips--)
        copy[random.next() % copy.length] = random.next()
      try {
        receive(copy, run % 2 === 0 ? asker : legacyAsker)
        advance(10)
      } catch (error) {
        assert.fail(`seed ${seed}, mutation ${run}: ${error}`)
      }
    }
    advance(10_000)
    sent = []
    ask()
    assert.equal(sent.length, 1)
  })
})

import assert from 'node:assert/strict'
import type { Answer, Packet } from 'dns-packet'
import { encode } from 'dns-packet'
import type { MdnsCodec } from '../../src/net/mdns-message.ts'
import { loadMdnsCodec, maxRecords } from '../../src/net/mdns-message.ts'
import { prng } from '../support/prng.ts'

const name = 'ab54cd12-0000-4000-8000-0123456789ab.local'
const record: Answer = { type: 'A', name, ttl: 120, class: 'IN', flush: true, data: '192.0.2.7' }
const mutations = 100_000
const seed = 0x6d444e53

function response(packet: Packet): Buffer {
  return encode({ type: 'response', ...packet })
}

describe('multicast DNS messages', () => {
  let codec: MdnsCodec

  before(async () => {
    codec = await loadMdnsCodec()
  })

  it('asks one question, with the identifier zero', () => {
    const expected = `000000000001000000000000${'24'}${Buffer.from(name.slice(0, 36)).toString('hex')}056c6f63616c00001c0001`
    assert.equal(Buffer.from(codec.encodeQuestion(name, 'AAAA')).toString('hex'), expected)
  })

  it('finds addresses among answers and additional records, with the cache-flush bit and without', () => {
    const packet = response({
      answers: [record, { type: 'PTR', name, data: 'other.local' }],
      additionals: [{ type: 'AAAA', name: name.toUpperCase(), ttl: 4, class: 'IN', data: '2001:db8:0:0:0:0:0:1' }],
    })
    assert.deepEqual(codec.decodeAddresses(packet), [
      { name, address: '192.0.2.7', ttl: 120 },
      { name, address: '2001:db8::1', ttl: 4 },
    ])
  })

  it('leaves out addresses that no check could be sent to', () => {
    const data = ['0.0.0.0', '224.0.0.251', '255.255.255.255', '::', 'fe80::1', 'ff02::fb', '::ffff:0.0.0.0']
    for (const address of data) {
      const type = address.includes(':') ? 'AAAA' : 'A'
      assert.deepEqual(codec.decodeAddresses(response({ answers: [{ ...record, type, data: address }] })), [], address)
    }
  })

  it('takes nothing from queries, other operations, errors, other classes', () => {
    assert.deepEqual(codec.decodeAddresses(encode({ type: 'query', answers: [record] })), [])
    assert.deepEqual(codec.decodeAddresses(response({ flags: 1 << 11, answers: [record] })), [])
    assert.deepEqual(codec.decodeAddresses(response({ flags: 3, answers: [record] })), [])
    assert.deepEqual(codec.decodeAddresses(response({ answers: [{ ...record, class: 'CH' }] })), [])
  })

  it('decodes as many records as it says and not one more', () => {
    const answers = (count: number): Answer[] => Array.from({ length: count }, () => record)
    assert.equal(codec.decodeAddresses(response({ answers: answers(maxRecords) })).length, maxRecords)
    assert.equal(codec.decodeAddresses(response({ answers: answers(maxRecords + 1) })).length, 0)
  })

  it(`survives ${mutations} mutations of a response`, function () {
    this.timeout(20_000)
    const random = prng(seed)
    const valid = response({
      answers: [record, { type: 'NSEC', name, data: { nextDomain: name, rrtypes: ['A', 'AAAA'] } }],
      additionals: [
        { type: 'AAAA', name, data: '2001:db8::1' },
        { type: 'TXT', name, data: ['a', 'b'] },
      ],
    })
    for (let i = 0; i < mutations; i++) {
      const mutated = valid.subarray(0, i % 3 === 0 ? random.next() % valid.length : undefined)
      const copy = Buffer.from(mutated)
      for (let flips = random.next() % 4; flips >= 0 && copy.length > 0; flips--) {
        copy[random.next() % copy.length] = random.next()
      }
      try {
        codec.decodeAddresses(copy)
      } catch (error) {
        assert.fail(`seed ${seed}, mutation ${i}: ${error}`)
      }
    }
    assert.equal(codec.decodeAddresses(valid).length, 2)
  })

  it('decodes chains of compressed names without taking long', () => {
    const count = maxRecords
    const chain = Buffer.alloc(9000)
    response({ answers: [] }).copy(chain)
    chain.writeUInt16BE(count, 6)
    // A long run of pointers, each to the one before, and records that all start at its end.
    let at = 12
    chain.writeUInt16BE(0, at)
    for (at = 14; at < 7000; at += 2) chain.writeUInt16BE(0xc000 + at - 2, at)
    for (let i = 0; i < count && at + 16 <= chain.length; i++, at += 12) chain.writeUInt16BE(0xc000 + 6998, at)
    const start = performance.now()
    codec.decodeAddresses(chain)
    assert.ok(performance.now() - start < 200)
  })
})

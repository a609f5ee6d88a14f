import assert from 'node:assert/strict'
import type { DtlsChoices } from '../../src/pc/dtls-link.ts'
import { srtpProfilePreference } from '../../src/pc/srtp-port.ts'
import { serializeRtp } from '../../src/rtp/packet.ts'
import { srtpProfile } from '../../src/srtp/index.ts'
import { prng } from '../support/prng.ts'
import { receiverReport, rtpFields } from './fake-rtp-session.ts'
import { call, drops, end, isMedia, lastSent } from './srtp-call.ts'
import type { End } from './transport-pair.ts'

describe('SRTP on a transport', () => {
  for (const version of ['1.2', '1.3'] as const) {
    for (const profile of srtpProfilePreference) {
      it(`carries media both ways with ${srtpProfile(profile).name} over DTLS ${version}`, async () => {
        const choice: DtlsChoices = { minVersion: version, maxVersion: version, srtpProfiles: [profile] }
        const made = await call(1, { choices: [choice, choice] })
        const { ends, sessions } = made
        for (const index of [0, 1] as const) {
          const { transport } = ends[index]
          assert.equal(transport.srtpCipher, srtpProfile(profile).name)
          assert.deepEqual(sessions[index].overhead, sessions[1 - index]?.overhead)
          for (let number = 0; number < 5; number++)
            sessions[index].send(number, number % 2 === 0 ? 'in-place' : 'copy')
          sessions[index].sendRtcp()
          transport.schedule()
        }
        await made.settle()
        for (const [index, session] of sessions.entries()) {
          assert.deepEqual(session.numbers, [0, 1, 2, 3, 4])
          assert.deepEqual(session.packets[3], serializeRtp(rtpFields(3)))
          assert.deepEqual(session.rtcp, [receiverReport])
          const { counters } = (ends[index] as End).transport
          assert.deepEqual([counters.sent.rtp, counters.sent.rtcp], [5, 1])
          assert.deepEqual([counters.received.rtp, counters.received.rtcp], [5, 1])
          assert.equal(counters.drops.size, 0)
        }
        end(made)
      })
    }
  }

  it('takes the profile that the server prefers of those that the client has', async () => {
    const made = await call(2, { choices: [{ srtpProfiles: [2, 1] }, {}] })
    for (const { transport } of made.ends) assert.equal(transport.srtpCipher, 'SRTP_AES128_CM_HMAC_SHA1_80')
    end(made)
  })

  it('offers and accepts SRTP_AES128_CM_HMAC_SHA1_80, as RFC 8827 asks, and short tags last', () => {
    assert.ok(srtpProfilePreference.includes(1))
    assert.equal(srtpProfilePreference.at(-1), 2)
  })

  it('sends nothing in the clear', async () => {
    const made = await call(3)
    const [alice] = made.ends
    const [session] = made.sessions
    for (let number = 0; number < 20; number++) session.send(number, number % 2 === 0 ? 'in-place' : 'copy')
    alice.transport.schedule()
    await made.settle()
    const plain = serializeRtp(rtpFields(7)).subarray(12, 40)
    for (const data of alice.sent) assert.equal(Buffer.from(data).indexOf(plain), -1)
    end(made)
  })

  it('sends what is protected already as it is', async () => {
    const made = await call(4)
    const { ends, sessions } = made
    ends[1].hold = isMedia
    sessions[0].send(1)
    ends[0].transport.schedule()
    await made.settle()
    ends[1].hold = undefined
    const data = lastSent(ends[0])
    sessions[0].transmits.push({ kind: 'rtp', data, length: data.length - 16, protection: 'done' })
    ends[0].transport.schedule()
    await made.settle()
    assert.deepEqual(sessions[1].numbers, [1])
    end(made)
  })

  it('tells the session what could not be protected, and does not send it', async () => {
    const made = await call(5)
    const { ends, sessions } = made
    sessions[0].send(1)
    sessions[0].send(1)
    ends[0].transport.schedule()
    await made.settle()
    assert.equal(sessions[0].refused.length, 1)
    assert.equal(drops(ends[0])['srtp-index-reused'], 1)
    assert.deepEqual(sessions[1].numbers, [1])
    end(made)
  })
})

describe('SRTP packets that are not to be trusted', () => {
  it('are dropped and counted: forged, replayed, truncated, under other keys', async () => {
    const [made, other] = [await call(10), await call(11)]
    const { ends, sessions } = made
    sessions[0].send(1)
    ends[0].transport.schedule()
    other.sessions[0].send(2)
    other.ends[0].transport.schedule()
    await made.settle()
    await other.settle()
    const [, bob] = ends
    const genuine = lastSent(ends[0])
    const forged = Uint8Array.from(genuine)
    forged[2] = 0x7f
    bob.inject(forged)
    bob.inject(Uint8Array.from(genuine))
    bob.inject(genuine.subarray(0, 13))
    bob.inject(lastSent(other.ends[0]))
    bob.inject(serializeRtp(rtpFields(9)))
    await made.settle()
    assert.deepEqual(sessions[1].numbers, [1])
    assert.deepEqual(drops(bob), { 'srtp-bad-tag': 3, 'srtp-replayed': 1, 'srtp-malformed': 1 })
    end(made)
    end(other)
  })

  it('are dropped from everywhere but validated pairs, even if they are genuine', async () => {
    const made = await call(12)
    const { ends, sessions } = made
    ends[1].hold = isMedia
    sessions[0].send(1)
    ends[0].transport.schedule()
    await made.settle()
    const elsewhere = { address: '198.51.100.7', port: 1234, family: 4 } as const
    ends[1].inject(lastSent(ends[0]), elsewhere)
    assert.deepEqual(drops(ends[1]), { 'unvalidated-source': 1 })
    assert.deepEqual(sessions[1].numbers, [])
    // RFC 8445: the path does not follow it either.
    assert.notEqual(ends[1].transport.ice.selectedPair?.remote.address.address, elsewhere.address)
    end(made)
  })

  it('leave no trace: 10 000 forged SSRCs, mutated and cut, do no harm to what follows', async () => {
    const seed = 13
    const random = prng(seed)
    const made = await call(seed)
    const { ends, sessions } = made
    const [alice, bob] = ends
    sessions[0].send(1)
    sessions[0].sendRtcp()
    alice.transport.schedule()
    await made.settle()
    const genuine = alice.sent.filter(isMedia)
    for (let i = 0; i < 10_000; i++) {
      const from = genuine[i % genuine.length] ?? new Uint8Array(0)
      const forged = Uint8Array.from(
        from.subarray(0, random.next() % 3 === 0 ? random.next() % from.length : from.length),
      )
      for (let flips = 1 + (random.next() % 4); flips > 0 && forged.length > 2; flips--) {
        forged[2 + (random.next() % (forged.length - 2))] = random.next() & 0xff
      }
      bob.inject(forged)
    }
    sessions[0].send(2)
    sessions[0].sendRtcp()
    alice.transport.schedule()
    await made.settle()
    assert.deepEqual(sessions[1].numbers, [1, 2], `seed ${seed}`)
    assert.equal(sessions[1].rtcp.length, 2, `seed ${seed}`)
    const total = Object.values(drops(bob)).reduce((sum, count) => sum + count, 0)
    assert.equal(total, 10_000, `seed ${seed}`)
    end(made)
  })

  it('are dropped by what the session makes of them, and counted under its reasons', async () => {
    const made = await call(14)
    const { ends, sessions } = made
    const padded = serializeRtp(rtpFields(1), 16)
    padded[0] = 0xa0
    padded[padded.length - 17] = 255
    sessions[0].transmits.push({ kind: 'rtp', data: padded, length: padded.length - 16, protection: 'in-place' })
    sessions[0].sendRtcp(Uint8Array.of(0x80, 201, 0, 9, 1, 2, 3, 4))
    ends[0].transport.schedule()
    await made.settle()
    assert.deepEqual(drops(ends[1]), { 'rtp-bad-padding': 1, 'rtcp-bad-length': 1 })
    end(made)
  })
})

import assert from 'node:assert/strict'
import { maxEarlySrtpBytes, maxEarlySrtpPackets } from '../../src/pc/srtp-port.ts'
import { serializeRtp } from '../../src/rtp/packet.ts'
import { receiverReport, rtpFields } from './fake-rtp-session.ts'
import { type Call, call, drops, end, isMedia } from './srtp-call.ts'
import { areConnected } from './transport-pair.ts'

describe('SRTP packets that come before the keys', () => {
  /** Media of alice is there before the last flight of her handshake. */
  async function early(seed: number, count: number): Promise<Call> {
    const made = await call(seed, { waits: false })
    const [alice, bob] = made.ends
    const isDtls = (data: Uint8Array): boolean => (data[0] ?? 0) >= 20 && (data[0] ?? 0) < 64
    // DTLS 1.3: the client is done when it sends its last flight, which does not arrive.
    assert.ok(
      await made.run(() => {
        if (alice.transport.dtlsState === 'connected') bob.hold = isDtls
        return alice.transport.dtlsState === 'connected'
      }),
    )
    assert.equal(bob.transport.dtlsState, 'connecting')
    for (let number = 0; number < count; number++) made.sessions[0].send(number)
    alice.transport.schedule()
    await made.settle()
    return made
  }

  it('are kept and played in order, once there are keys', async () => {
    const made = await early(20, 10)
    const [alice, bob] = made.ends
    made.sessions[0].sendRtcp()
    alice.transport.schedule()
    await made.settle()
    assert.deepEqual(made.sessions[1].numbers, [])
    bob.hold = undefined
    assert.ok(await made.run(() => areConnected(made.ends)))
    await made.settle()
    assert.deepEqual(made.sessions[1].numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.deepEqual(made.sessions[1].rtcp, [receiverReport])
    assert.deepEqual(drops(bob), {})
    end(made)
  })

  it(`are kept up to ${maxEarlySrtpPackets} packets; more are counted`, async () => {
    const made = await early(21, maxEarlySrtpPackets + 6)
    const [, bob] = made.ends
    assert.deepEqual(drops(bob), { 'srtp-early-overflow': 6 })
    bob.hold = undefined
    assert.ok(await made.run(() => areConnected(made.ends)))
    await made.settle()
    assert.equal(made.sessions[1].packets.length, maxEarlySrtpPackets)
    end(made)
  })

  it(`are kept up to ${maxEarlySrtpBytes} bytes`, async () => {
    const made = await early(22, 0)
    const [, bob] = made.ends
    const large = new Uint8Array(maxEarlySrtpBytes / 2).fill(0x80)
    bob.inject(large)
    bob.inject(Uint8Array.from(large))
    bob.inject(Uint8Array.of(0x80))
    assert.deepEqual(drops(bob), { 'srtp-early-overflow': 1 })
    end(made)
  })

  it('are not kept from elsewhere than validated pairs', async () => {
    const made = await early(23, 0)
    const [, bob] = made.ends
    bob.inject(serializeRtp(rtpFields(1)), { address: '198.51.100.7', port: 1234, family: 4 })
    assert.deepEqual(drops(bob), { 'unvalidated-source': 1 })
    end(made)
  })

  it('are forgotten when the handshake fails', async () => {
    const made = await call(24, { waits: false, wrongFingerprint: true })
    const [alice, bob] = made.ends
    assert.ok(
      await made.run(
        () => alice.transport.ice.selectedPair !== undefined && bob.transport.ice.selectedPair !== undefined,
      ),
    )
    alice.inject(serializeRtp(rtpFields(1)), alice.transport.ice.selectedPair?.remote.address)
    assert.ok(await made.run(() => alice.transport.dtlsState === 'failed'))
    await made.settle()
    assert.deepEqual(
      alice.errors.map(error => (error as { code: string }).code),
      ['fingerprint-mismatch'],
    )
    assert.equal(made.sessions[0].readyCount, 0)
    assert.deepEqual(made.sessions[0].packets, [])
    assert.equal(alice.transport.srtpCipher, undefined)
    alice.inject(serializeRtp(rtpFields(2)), alice.transport.ice.selectedPair?.remote.address)
    assert.equal(drops(alice)['srtp-closed'], 1)
    end(made)
  })
})

describe('A peer without use_srtp', () => {
  it('gets no media; the transport says so, and stays connected', async () => {
    const made = await call(30, { choices: [{}, { srtpProfiles: [] }] })
    const { ends, sessions } = made
    await made.settle()
    assert.deepEqual(
      ends.map(({ transport }) => transport.lacksSrtp),
      [true, true],
    )
    assert.deepEqual(
      sessions.map(({ readyCount }) => readyCount),
      [0, 0],
    )
    sessions[0].send(1)
    sessions[0].sendRtcp()
    ends[0].transport.schedule()
    ends[1].inject(serializeRtp(rtpFields(2)))
    await made.settle()
    assert.equal(ends[0].sent.filter(isMedia).length, 0)
    assert.equal(drops(ends[0])['srtp-closed'], 2)
    assert.deepEqual(drops(ends[1]), { 'srtp-not-negotiated': 1 })
    assert.ok(areConnected(ends))
    end(made)
  })
})

import assert from 'node:assert/strict'
import type { Environment } from '../../src/base/environment.ts'
import { candidatePriority, decodeMessage } from '../../src/ice/index.ts'
import { maxRtpBurst } from '../../src/pc/rtp-link.ts'
import { SctpAssociation } from '../../src/sctp/index.ts'
import { bye, FakeRtpSession, receiverReport } from './fake-rtp-session.ts'
import { call, drops, end, isMedia, lastSent } from './srtp-call.ts'
import { areConnected, createTransports, type End, world } from './transport-pair.ts'

describe('RTCP on a transport of its own', () => {
  interface Separate {
    readonly rtp: readonly [End, End]
    readonly rtcp: readonly [End, End]
    readonly sessions: readonly [FakeRtpSession, FakeRtpSession]
    readonly settle: () => Promise<void>
  }

  async function separate(seed: number): Promise<Separate> {
    const { sim, environments } = world(seed)
    const [rtp, rtcp] = [createTransports({ sim, environments }), createTransports({ sim, environments, component: 2 })]
    const sessions = [new FakeRtpSession(), new FakeRtpSession()] as const
    for (const index of [0, 1] as const) {
      rtp[index].transport.attachRtp(sessions[index], sessions[index], rtcp[index].transport)
    }
    assert.ok(await sim.run(() => areConnected([...rtp, ...rtcp]), 10_000), `seed ${seed}`)
    return { rtp, rtcp, sessions, settle: () => sim.runFor(50) }
  }

  it('leaves there under keys of its own, and arrives in the session', async () => {
    const { rtp, rtcp, sessions, settle } = await separate(40)
    for (const index of [0, 1] as const) {
      sessions[index].send(1)
      sessions[index].sendRtcp()
      rtp[index].transport.schedule()
    }
    await settle()
    for (const index of [0, 1] as const) {
      assert.deepEqual(sessions[index].numbers, [1])
      assert.deepEqual(sessions[index].rtcp, [receiverReport])
      assert.equal(sessions[index].readyCount, 1)
      assert.deepEqual([rtp[index].transport.counters.sent.rtp, rtp[index].transport.counters.sent.rtcp], [1, 0])
      assert.deepEqual([rtcp[index].transport.counters.sent.rtp, rtcp[index].transport.counters.sent.rtcp], [0, 1])
      assert.equal(rtcp[index].candidates[0]?.component, 2)
      // RFC 8445 §7.1.1: PRIORITY is what a peer-reflexive candidate of this component has.
      const checks = rtcp[index].sent.map(data => decodeMessage(data)?.attributes.priority)
      assert.ok(checks.includes(candidatePriority('prflx', 65535, 2)))
    }
    for (const each of [...rtp, ...rtcp]) each.close()
  })

  it('is what each component takes alone: the other kind is dropped and counted', async () => {
    const { rtp, rtcp, sessions, settle } = await separate(41)
    sessions[0].send(1)
    sessions[0].sendRtcp()
    rtp[0].transport.schedule()
    await settle()
    rtp[1].inject(lastSent(rtcp[0]))
    rtcp[1].inject(lastSent(rtp[0]))
    assert.deepEqual(drops(rtp[1]), { 'rtcp-on-rtp-component': 1 })
    assert.deepEqual(drops(rtcp[1]), { 'rtp-on-rtcp-component': 1 })
    for (const each of [...rtp, ...rtcp]) each.close()
  })

  it('comes to the transport of RTP when it is multiplexed after all, and the other goes away', async () => {
    const { rtp, rtcp, sessions, settle } = await separate(42)
    for (const index of [0, 1] as const) {
      rtp[index].transport.attachRtp(sessions[index], sessions[index])
      rtcp[index].close()
      sessions[index].send(1)
      sessions[index].sendRtcp()
      rtp[index].transport.schedule()
    }
    await settle()
    for (const index of [0, 1] as const) {
      assert.deepEqual(sessions[index].numbers, [1])
      assert.deepEqual(sessions[index].rtcp, [receiverReport])
      assert.equal(rtp[index].transport.counters.sent.rtcp, 1)
      assert.equal(sessions[index].isClosed, false)
    }
    for (const each of rtp) each.close()
  })

  it('does not hold up media while it is connecting', async () => {
    const { sim, environments } = world(43)
    const rtp = createTransports({ sim, environments })
    const rtcp = createTransports({ sim, environments, component: 2, wrongFingerprint: true })
    const sessions = [new FakeRtpSession(), new FakeRtpSession()] as const
    for (const index of [0, 1] as const) {
      rtp[index].transport.attachRtp(sessions[index], sessions[index], rtcp[index].transport)
    }
    assert.ok(await sim.run(() => areConnected(rtp), 10_000))
    await sim.runFor(500)
    sessions[0].send(1)
    sessions[0].sendRtcp()
    rtp[0].transport.schedule()
    await sim.runFor(50)
    assert.deepEqual(sessions[1].numbers, [1])
    assert.equal(drops(rtcp[0])['srtp-closed'], 1)
    for (const each of [...rtp, ...rtcp]) each.close()
  })
})

describe('A transport that drives an RTP session', () => {
  it('keeps its deadlines and tells its events', async () => {
    const made = await call(50)
    const [session] = made.sessions
    session.deadline = made.sim.now + 5
    session.pending.push({ type: 'keyframe-request', ssrc: 1 })
    made.ends[0].transport.schedule()
    assert.deepEqual(session.events, [])
    await made.settle()
    assert.deepEqual(session.events, [{ type: 'keyframe-request', ssrc: 1 }])
    assert.equal(session.timeouts, 1)
    end(made)
  })

  it(`sends ${maxRtpBurst} packets in a turn at most, all in the end, in order`, async () => {
    const made = await call(51)
    const [alice] = made.ends
    for (let number = 0; number < 300; number++) made.sessions[0].send(number)
    alice.transport.schedule()
    const before = alice.sent.length
    await made.sim.run(() => alice.sent.length > before)
    assert.equal(alice.sent.filter(isMedia).length, maxRtpBurst)
    await made.settle()
    assert.deepEqual(
      made.sessions[1].numbers,
      Array.from({ length: 300 }, (_, number) => number),
    )
    end(made)
  })

  it('leaves room for data when there is always media to send', async () => {
    const seed = 59
    const made = await call(seed)
    const { ends, sessions, sim } = made
    const associations = ends.map(({ transport, environment }) => {
      const sctp = new SctpAssociation({ random: environment.random })
      transport.attachSctp(sctp)
      return sctp
    })
    await made.settle()
    const { sent } = ends[0]
    const before = sent.length
    for (let number = 0; number < 10 * maxRtpBurst; number++) sessions[0].send(number)
    associations[0]?.send(0, 53, new Uint8Array(1000), {}, sim.now)
    ends[0].transport.schedule()
    await made.settle()
    const kinds = sent.slice(before).map(isMedia)
    // Media first, a burst of it; then what there is of data; then the rest of media.
    assert.equal(kinds.indexOf(false), maxRtpBurst, `seed ${seed}`)
    assert.ok(
      ends[1].sctpEvents.some(({ type }) => type === 'message'),
      `seed ${seed}`,
    )
    assert.equal(sessions[1].packets.length, 10 * maxRtpBurst)
    end(made)
  })

  it('arms no timer for a packet of the application, and one end of turn for many', async () => {
    const { sim, environments } = world(52)
    let [timers, turns] = [0, 0]
    const counted: Environment = {
      ...environments[0],
      timers: {
        set: (delayMs, callback) => {
          timers++
          return environments[0].timers.set(delayMs, callback)
        },
        endOfTurn: callback => {
          turns++
          environments[0].timers.endOfTurn(callback)
        },
      },
    }
    const made = await call(53, { sim, environments: [counted, environments[1]] })
    await made.settle()
    await sim.runFor(50)
    const before = [timers, turns] as const
    for (let number = 0; number < maxRtpBurst - 1; number++) {
      made.sessions[0].send(number)
      made.ends[0].transport.schedule()
    }
    await sim.run(sim.now)
    assert.deepEqual([timers - before[0], turns - before[1]], [0, 1])
    end(made)
  })

  it('sends one burst in a turn when timers fire between', async () => {
    const { sim, environments } = world(60)
    const armed = new Set<() => void>()
    let [waiting, most, isBusy] = [0, 0, false]
    const { timers } = environments[0]
    const busy: Environment = {
      ...environments[0],
      timers: {
        set: (delayMs, callback) => {
          armed.add(callback)
          return timers.set(delayMs, callback)
        },
        endOfTurn: callback => {
          waiting++
          if (isBusy) most = Math.max(most, waiting)
          timers.endOfTurn(() => {
            waiting--
            callback()
            if (isBusy) for (const each of armed) each()
          })
        },
      },
    }
    const made = await call(61, { sim, environments: [busy, environments[1]] })
    await made.settle()
    for (let number = 0; number < 10 * maxRtpBurst; number++) made.sessions[0].send(number)
    isBusy = true
    made.ends[0].transport.schedule()
    await made.settle()
    isBusy = false
    assert.equal(most, 1)
    assert.equal(made.sessions[1].packets.length, 10 * maxRtpBurst)
    end(made)
  })

  it('says goodbye when it closes, wipes the keys, and sends and takes nothing more', async () => {
    const made = await call(54)
    const { ends, sessions } = made
    const { transport } = ends[0]
    transport.close()
    assert.ok(sessions[0].isClosed)
    const sentBefore = ends[0].sent.length
    sessions[0].send(1)
    transport.schedule()
    transport.attachRtp(sessions[0], sessions[0])
    await made.settle()
    assert.deepEqual(sessions[1].rtcp, [bye])
    assert.equal(ends[0].sent.length, sentBefore)
    assert.notEqual(transport.srtpCipher, undefined)
    end(made)
  })

  it('survives that its listener closes it for a packet, early ones included', async () => {
    const made = await call(55)
    const { ends, sessions } = made
    sessions[1].onReceived = () => ends[1].close()
    for (let number = 0; number < 5; number++) sessions[0].send(number)
    ends[0].transport.schedule()
    await made.settle()
    assert.deepEqual(sessions[1].numbers, [0])
    end(made)
  })

  it('stops media when the peer closes DTLS', async () => {
    const made = await call(56)
    const { ends, sessions } = made
    ends[0].transport.close()
    await made.settle()
    assert.equal(ends[1].transport.dtlsState, 'closed')
    const before = ends[1].sent.filter(isMedia).length
    sessions[1].send(1)
    ends[1].transport.schedule()
    await made.settle()
    assert.equal(ends[1].sent.filter(isMedia).length, before)
    assert.equal(sessions[1].refused.length, 1)
    end(made)
  })

  it('never makes a second SRTP session under the same keys', async () => {
    const made = await call(57)
    const { ends, sessions } = made
    sessions[0].send(1)
    ends[0].transport.schedule()
    await made.settle()
    ends[0].transport.detachRtp()
    const next = new FakeRtpSession()
    ends[0].transport.attachRtp(next, next)
    assert.equal(next.readyCount, 1)
    next.send(1)
    ends[0].transport.schedule()
    await made.settle()
    assert.equal(drops(ends[0])['srtp-index-reused'], 1)
    end(made)
  })

  it('counts media that nobody is there for', async () => {
    const made = await call(58)
    const { ends, sessions } = made
    ends[1].transport.detachRtp()
    sessions[0].send(1)
    ends[0].transport.schedule()
    await made.settle()
    assert.deepEqual(drops(ends[1]), { 'srtp-unexpected': 1 })
    end(made)
  })
})

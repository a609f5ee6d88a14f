import assert from 'node:assert/strict'
import type { ReceivedPacket } from '../../src/rtp/session/receive-stream.ts'
import { RtpSession, type RtpSessionEvent } from '../../src/rtp/session/rtp-session.ts'
import type { SessionCodec, SessionSection } from '../../src/rtp/session/types.ts'
import { areConnected, createTransports, type End, world } from './transport-pair.ts'

const ssrc = 0x1234_5678
const rtxSsrc = 0x1234_5679

function section(direction: 'send' | 'receive', rtx: boolean): SessionSection {
  const codec: SessionCodec = {
    payloadType: 96,
    mimeType: 'video/VP8',
    clockRate: 90_000,
    rtx: rtx ? 97 : undefined,
    nack: true,
    pli: true,
    fir: true,
    transportCc: false,
    remb: false,
  }
  const encoding = { ssrc, rtxSsrc: rtx ? rtxSsrc : undefined }
  return {
    mid: '0',
    kind: 'video',
    extensions: [],
    receive: direction === 'receive' ? [codec] : [],
    describedStreams: direction === 'receive' ? [encoding] : [],
    send: direction === 'send' ? [codec] : [],
    encodings: direction === 'send' ? [{ ...encoding, rid: undefined }] : [],
    reducedSizeRtcp: true,
  }
}

/** A real session on each of two transports: the first sends video, the second takes it. */
async function video(seed: number, rtx: boolean, separateRtcp = false) {
  const { sim, environments } = world(seed)
  const ends = createTransports({ sim, environments })
  const rtcp = separateRtcp ? createTransports({ sim, environments, component: 2 }) : undefined
  const received: ReceivedPacket[] = []
  const events: RtpSessionEvent[] = []
  const sessions = ([0, 1] as const).map(index => {
    const { random, clock } = environments[index]
    const session = new RtpSession(
      { random, cname: `end${index}`, wallTimeAtZero: clock.wallTime() - sim.now },
      sim.now,
    )
    session.configure([section(index === 0 ? 'send' : 'receive', rtx)], sim.now)
    const listener = {
      rtpReceived: (packet: ReceivedPacket) => received.push(packet),
      rtpEvent: (event: RtpSessionEvent) => events.push(event),
    }
    ends[index].transport.attachRtp(session, listener, rtcp?.[index].transport)
    return session
  })
  const all: readonly End[] = [...ends, ...(rtcp ?? [])]
  assert.ok(await sim.run(() => areConnected(all), 10_000), `seed ${seed}`)
  const source = {}
  const send = async (from: number, to: number): Promise<void> => {
    for (let number = from; number < to; number++) {
      const packet = {
        payloadType: 96,
        sequenceNumber: number,
        timestamp: number * 450,
        marker: true,
        payload: Uint8Array.of(number >> 8, number & 0xff, 1, 2, 3),
        csrcs: [],
        elements: [],
        paced: false,
      }
      assert.equal(sessions[0]?.sendStream(ssrc)?.send(packet, source, sim.now), undefined)
      ends[0].transport.schedule()
      await sim.runFor(5)
    }
  }
  const close = (): void => {
    for (const end of all) end.close()
  }
  return { sim, ends, rtcp, sessions, received, events, send, close }
}

function numbers(received: readonly ReceivedPacket[]): number[] {
  const all = received.map(({ packet }) => ((packet.payload[0] ?? 0) << 8) | (packet.payload[1] ?? 0))
  return [...new Set(all)].sort((a, b) => a - b)
}

describe('An RTP session on a transport', () => {
  for (const rtx of [false, true]) {
    for (const separate of [false, true]) {
      const title = `${rtx ? 'by RTX' : 'as it was protected'}, RTCP ${separate ? 'on its own transport' : 'multiplexed'}`
      it(`repairs what a bad network loses, ${title}`, async () => {
        const seed = 5 + (rtx ? 1 : 0) + (separate ? 2 : 0)
        const { sim, ends, rtcp, sessions, received, send, close } = await video(seed, rtx, separate)
        await send(0, 10)
        sim.network.setConditions({ loss: 0.05, delayMs: 10 })
        await send(10, 400)
        sim.network.setConditions({ loss: 0 })
        await send(400, 410)
        await sim.runFor(1_000)
        assert.deepEqual(
          numbers(received),
          Array.from({ length: 410 }, (_, number) => number),
          `seed ${seed}`,
        )
        const statistics = sessions[0]?.sendStream(ssrc)?.statistics
        assert.ok((statistics?.retransmittedPacketsSent ?? 0) > 5, `seed ${seed}`)
        assert.ok(received.some(({ raw }) => raw === undefined) === rtx, `seed ${seed}`)
        for (const { transport } of ends) {
          for (const reason of transport.counters.drops.keys()) assert.match(reason, /^(rtp-duplicate|srtp-replayed)$/)
          assert.equal(transport.counters.sent.rtcp > 0, !separate)
        }
        for (const { transport } of rtcp ?? []) assert.ok(transport.counters.sent.rtcp > 0)
        close()
      })
    }
  }

  it('tells the sender that a keyframe is wanted, and the receiver of the goodbye', async () => {
    const { sim, ends, sessions, events, send, close } = await video(20, true)
    await send(0, 5)
    sessions[1]?.requestKeyframe(ssrc, sim.now)
    ends[1].transport.schedule()
    await sim.runFor(100)
    assert.ok(events.some(({ type }) => type === 'keyframe-request'))
    ends[0].close()
    await sim.runFor(100)
    assert.ok(events.some(({ type }) => type === 'stream-ended'))
    close()
  })

  it('arms few timers while there are no keys, or never will be', async () => {
    for (const options of [{ wrongFingerprint: true }, { choices: [{}, { srtpProfiles: [] }] as const }]) {
      const { sim, environments } = world(30)
      let timers = 0
      const counted = environments.map(environment => ({
        ...environment,
        timers: {
          set: (delayMs: number, callback: () => void) => {
            timers++
            return environment.timers.set(delayMs, callback)
          },
          endOfTurn: (callback: () => void) => environment.timers.endOfTurn(callback),
        },
      }))
      const [alice, bob] = counted
      assert.ok(alice !== undefined && bob !== undefined)
      const ends = createTransports({ sim, environments: [alice, bob], ...options })
      for (const { transport, environment } of ends) {
        const session = new RtpSession({ random: environment.random, cname: 'end', wallTimeAtZero: 0 }, sim.now)
        session.configure([section('send', true)], sim.now)
        transport.attachRtp(session, { rtpReceived: () => {}, rtpEvent: () => {} })
      }
      await sim.runFor(30_000)
      assert.ok(timers < 100, `${timers} timers`)
      for (const each of ends) each.close()
    }
  })
})

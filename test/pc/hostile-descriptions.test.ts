import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { RTCError } from '../../src/pc/rtc-error.ts'
import type { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { maxTextLength } from '../../src/sdp/index.ts'
import { countWorkOf } from '../sdp/work.ts'
import { LonelyPeer, withPeer } from './foreign-sdp/foreign-peer.ts'
import { data, growing, numbered, type Outcome, oversized, session, video } from './hostile-descriptions.ts'

/** Everything that a description could have changed. */
function stateOf(pc: RTCPeerConnection): unknown {
  const { signalingState, iceGatheringState, iceConnectionState, connectionState, sctp } = pc
  return {
    states: [signalingState, iceGatheringState, iceConnectionState, connectionState],
    transceivers: pc.getTransceivers().map(each => [each.mid, each.direction, each.currentDirection, each.receiver]),
    descriptions: [
      pc.currentLocalDescription,
      pc.pendingLocalDescription,
      pc.currentRemoteDescription,
      pc.pendingRemoteDescription,
    ],
    sctp,
  }
}

function checkError(error: unknown, outcome: Exclude<Outcome, 'ok'>): void {
  if (outcome === 'InvalidAccessError') {
    assert.ok(error instanceof DOMException && error.name === outcome, String(error))
  } else {
    assert.ok(error instanceof RTCError, String(error))
    assert.deepEqual([error.errorDetail, error.sdpLineNumber], ['sdp-syntax-error', outcome])
  }
  assert.ok(error.message.length < 400)
}

describe('Descriptions out of proportion', function () {
  this.timeout(60_000)

  for (const [what, sdp, outcome] of oversized) {
    it(`${what}: ${typeof outcome === 'string' ? outcome : `a syntax error, line ${outcome}`}, and an error changes nothing`, async () => {
      await withPeer(async peer => {
        const { pc } = peer
        await peer.answer(session([], data()))
        const before = stateOf(pc)
        const offer = sdp()
        const fresh = new LonelyPeer()
        try {
          if (outcome === 'ok') return assert.match(await fresh.answer(offer), /^v=0\r\n/)
          const untouched = stateOf(fresh.pc)
          const refused = async (by: LonelyPeer): Promise<unknown> =>
            await by.settled(by.pc.setRemoteDescription({ type: 'offer', sdp: offer })).then(
              () => undefined,
              (error: unknown) => error,
            )
          checkError(await refused(fresh), outcome)
          assert.deepEqual(stateOf(fresh.pc), untouched)
          assert.ok((await refused(peer)) instanceof DOMException)
          assert.deepEqual(stateOf(pc), before)
          await peer.answer(session([], data()))
        } finally {
          await fresh.close()
        }
      })
    })
  }

  it('a text of 10 MB is not looked at', async () => {
    await withPeer(async peer => {
      const sdp = 'a=x\r\n'.repeat(2_000_000)
      const work = await countWorkOf(async () => {
        await assert.rejects(peer.settled(peer.pc.setRemoteDescription({ type: 'offer', sdp })), RTCError)
      })
      assert.ok(work < 20_000, `${work} steps`)
    })
  })

  it('are no more kept than they are taken', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used = (): number => {
      collect()
      return process.memoryUsage().heapUsed
    }
    await withPeer(async peer => {
      const refuse = async (times: number): Promise<void> => {
        for (let i = 0; i < times; i++) {
          const sdp = session([], video(...numbered(40_000, at => `a=ssrc:${at} x${i}:y`)))
          await assert.rejects(peer.settled(peer.pc.setRemoteDescription({ type: 'offer', sdp })))
        }
      }
      await refuse(3)
      const before = used()
      await refuse(20)
      const grown = used() - before
      assert.ok(grown < 4_000_000, `${grown} bytes after 20 descriptions of ${maxTextLength} and less`)
    })
  })
})

describe('Answers out of proportion', function () {
  this.timeout(60_000)

  const good = session(
    ['a=setup:active', 'a=group:BUNDLE 0'],
    data().map(line => line.replace('mid:d', 'mid:0')),
  )
  const answers: readonly (readonly [what: string, alter: () => string])[] = [
    ['10 MB', () => good + 'a=x\r\n'.repeat(2_000_000)],
    ['10^5 sections', () => good + 'm=x 0 x\r\n'.repeat(100_000)],
    ['a thousand sections', () => good + 'm=x 0 x\r\n'.repeat(1_000)],
    ['a mid of 500,000 characters', () => good.replace('mid:0', `mid:${'0'.repeat(500_000)}`)],
    ['a section of another kind', () => good.replace('m=application', 'm=video')],
    [
      'fingerprints that are none',
      () => good.replace(/^a=fingerprint:.*$/m, `a=fingerprint:sha-256 ${'A'.repeat(900_000)}`),
    ],
  ]
  for (const [what, alter] of answers) {
    it(`${what}: refused, with nothing changed, and a good one is taken after it`, async () => {
      await withPeer(async peer => {
        peer.pc.createDataChannel('x')
        await peer.settled(peer.pc.setLocalDescription())
        await peer.sim.run(() => peer.pc.iceGatheringState === 'complete')
        const before = stateOf(peer.pc)
        for (const type of ['answer', 'pranswer'] as const) {
          await assert.rejects(peer.settled(peer.pc.setRemoteDescription({ type, sdp: alter() })), DOMException)
          assert.deepEqual(stateOf(peer.pc), before)
        }
        await peer.settled(peer.pc.setRemoteDescription({ type: 'answer', sdp: good }))
        assert.equal(peer.pc.signalingState, 'stable')
      })
    })
  }
})

describe('The work of answering an offer', function () {
  this.timeout(60_000)

  const workOf = async (sdp: string): Promise<number> => {
    assert.ok(sdp.length <= maxTextLength, `${sdp.length} characters`)
    const peer = new LonelyPeer()
    try {
      return await countWorkOf(() => peer.answer(sdp))
    } finally {
      await peer.close()
    }
  }

  for (const [what, n, grow] of growing) {
    it(`at most doubles with the number of ${what}`, async () => {
      const [quarter, half, whole] = [await workOf(grow(n / 4)), await workOf(grow(n / 2)), await workOf(grow(n))]
      const figures = `${quarter}, ${half} and ${whole} steps`
      // What any offer costs is in all three, so that a linear growth stays below 2.
      assert.ok(half <= 2.2 * quarter && whole <= 2.2 * half, figures)
    })
  }
})

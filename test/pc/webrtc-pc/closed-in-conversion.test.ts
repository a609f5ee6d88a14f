import assert from 'node:assert/strict'
import type { RTCDataChannel } from '../../../src/pc/rtc-data-channel.ts'
import { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import type { RTCRtpTransceiver } from '../../../src/pc/rtp/rtc-rtp-transceiver.ts'
import { Simulation } from '../../sim/virtual-environment.ts'
import { type Observed, observe } from '../../support/observed-environment.ts'
import { logEvents, outcomeOf } from './outcomes.ts'

interface Stage {
  readonly sim: Simulation
  readonly seen: Observed
  readonly peer: RTCPeerConnection
  readonly transceiver: RTCRtpTransceiver
  readonly channel: RTCDataChannel
}

function createStage(): Stage {
  const sim = new Simulation(70)
  const seen = observe(sim.host('here', ['192.0.2.1']))
  const peer = new RTCPeerConnection({}, { environment: seen.environment })
  return { sim, seen, peer, transceiver: peer.addTransceiver('audio'), channel: peer.createDataChannel('data') }
}

type Act = () => void

/** Is converted to `value`, which has a side effect. */
function text(act: Act, value: string): string {
  const convert = (): string => {
    act()
    return value
  }
  return { toString: convert, valueOf: convert } as unknown as string
}

/** Has a member, the reading of which has a side effect. */
function member<T>(act: Act, name: string, value: unknown): T {
  return Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      act()
      return value
    },
  }) as T
}

type Attempt = (stage: Stage, act: Act) => unknown

const offer = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n'

/** Each does what is wrong by the time that its argument has been converted. */
const attempts: Readonly<Record<string, Attempt>> = {
  setConfiguration: ({ peer }, act) => peer.setConfiguration(member(act, 'iceTransportPolicy', 'relay')),
  setIdentityProvider: ({ peer }, act) => peer.setIdentityProvider(text(act, 'idp.example')),
  createOffer: ({ peer }, act) => peer.createOffer(member(act, 'iceRestart', true)),
  setLocalDescription: ({ peer }, act) => peer.setLocalDescription(member(act, 'type', 'offer')),
  setRemoteDescription: ({ peer }, act) =>
    peer.setRemoteDescription({ type: 'offer', ...member<object>(() => undefined, 'sdp', text(act, offer)) }),
  addIceCandidate: ({ peer }, act) =>
    peer.addIceCandidate({ sdpMid: '0', candidate: text(act, 'candidate:1 1 udp 1 192.0.2.7 9 typ host') }),
  'the label of createDataChannel': ({ peer }, act) => peer.createDataChannel(text(act, 'label')),
  'the options of createDataChannel': ({ peer }, act) => peer.createDataChannel('x', member(act, 'ordered', true)),
  'the kind of addTransceiver': ({ peer }, act) => peer.addTransceiver(text(act, 'audio') as 'audio'),
  'the options of addTransceiver': ({ peer }, act) =>
    peer.addTransceiver('audio', member(act, 'direction', 'recvonly')),
  direction: ({ transceiver }, act) => {
    transceiver.direction = text(act, 'recvonly') as 'recvonly'
  },
  setParameters: ({ transceiver: { sender } }, act) => {
    const parameters = sender.getParameters()
    const { encodings } = parameters
    return sender.setParameters({
      ...Object.defineProperty(parameters, 'encodings', { value: iterated(act, encodings) }),
    })
  },
  insertDTMF: ({ transceiver: { sender } }, act) => sender.dtmf?.insertDTMF(text(act, '123')),
}

function iterated<T>(act: Act, items: readonly T[]): T[] {
  function* iterate(): Generator<T> {
    act()
    yield* items
  }
  return { [Symbol.iterator]: iterate } as unknown as T[]
}

async function outcomeOfAttempt(attempt: Attempt, stage: Stage, act: Act): Promise<string> {
  try {
    return await outcomeOf(Promise.resolve(attempt(stage, act)))
  } catch (error) {
    return (error as Error).name
  }
}

describe('An argument that closes the connection while it is converted', () => {
  for (const [what, attempt] of Object.entries(attempts)) {
    it(`makes ${what} an InvalidStateError, and nothing is sent, opened or told after that`, async () => {
      const stage = createStage()
      const { sim, peer, channel, seen } = stage
      const events = logEvents(peer)
      let acts = 0
      const close = (): void => {
        acts++
        peer.close()
      }
      assert.equal(await outcomeOfAttempt(attempt, stage, close), 'InvalidStateError')
      assert.ok(acts > 0, 'the argument was converted')
      await sim.runFor(1_000)
      assert.deepEqual([peer.signalingState, peer.connectionState], ['closed', 'closed'])
      assert.deepEqual([peer.getTransceivers().length, peer.localDescription, peer.remoteDescription], [1, null, null])
      assert.equal(channel.readyState, 'closed')
      assert.deepEqual(events, [])
      assert.deepEqual([seen.opened(), seen.open.size, seen.destinations.size], [0, 0, 0])
    })
  }
})

describe('An argument that stops the transceiver while it is converted', () => {
  for (const what of ['direction', 'setParameters', 'insertDTMF']) {
    it(`makes ${what} an InvalidStateError`, async () => {
      const stage = createStage()
      const { peer, transceiver } = stage
      const attempt = attempts[what] as Attempt
      assert.equal(await outcomeOfAttempt(attempt, stage, () => transceiver.stop()), 'InvalidStateError')
      assert.equal(transceiver.direction, 'stopped')
      peer.close()
    })
  }
})

describe('An argument that calls the same method while it is converted', () => {
  it('leaves the configuration that was given last in charge, and loses no channel', () => {
    const { peer } = createStage()
    peer.setConfiguration(
      member(() => peer.setConfiguration({ iceCandidatePoolSize: 3 }), 'iceTransportPolicy', 'relay'),
    )
    const { iceTransportPolicy, iceCandidatePoolSize } = peer.getConfiguration()
    assert.deepEqual([iceTransportPolicy, iceCandidatePoolSize], ['relay', 0])
    const inner: RTCDataChannel[] = []
    const outer = peer.createDataChannel(text(() => inner.push(peer.createDataChannel('inner')), 'outer'))
    assert.deepEqual(
      [...inner, outer].map(({ label, readyState }) => [label, readyState]),
      [
        ['inner', 'connecting'],
        ['outer', 'connecting'],
      ],
    )
    peer.close()
  })
})

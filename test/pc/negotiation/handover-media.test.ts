import assert from 'node:assert/strict'
import { explainConnection } from '../../../src/pc/connection-report.ts'
import { RtpTrackSink } from '../../../src/pc/media/rtp-track-sink.ts'
import { RtpTrackSource } from '../../../src/pc/media/rtp-track-source.ts'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import { serializeRtp } from '../../../src/rtp/packet.ts'
import {
  addresses,
  closeAll,
  createWorld,
  type HandoverOptions,
  type HandoverWorld,
  isConnected,
  offerTo,
  rehearse,
} from './handover-world.ts'
import { components, withoutBundle, withoutMux } from './media-pair.ts'

/** Every peer sends and receives audio: what it hears, by the number of who has said it. */
interface Call extends HandoverWorld {
  readonly heard: ReadonlyMap<RTCPeerConnection, string[]>
  /** Everybody says something for a while. */
  talk(): Promise<void>
}

function createCall(options: HandoverOptions): Call {
  const world = createWorld(options)
  const { sim } = world
  const peers = [world.alice, world.first, world.second]
  const heard = new Map(peers.map(peer => [peer, [] as string[]]))
  const sources = peers.map(peer => {
    const source = new RtpTrackSource('audio')
    peer.addTrack(source.track)
    peer.ontrack = ({ track }) => {
      const sink = new RtpTrackSink(track)
      sink.onpacket = ({ packet }) => heard.get(peer)?.push(names[packet.payload[0] ?? 0] ?? '?')
    }
    return source
  })
  let sequenceNumber = 0
  const talk = async (): Promise<void> => {
    for (let i = 0; i < 50; i++, sequenceNumber++) {
      sources.forEach((source, index) => {
        const payload = new Uint8Array(80).fill(index)
        source.write(serializeRtp({ ...voice, sequenceNumber, timestamp: sequenceNumber * 960, payload }))
      })
      await sim.runFor(20)
    }
  }
  return { ...world, heard, talk }
}

const names = ['alice', 'first', 'second']
const voice = { payloadType: 96, ssrc: 1, marker: false, csrcs: [], extension: undefined, paddingLength: 0 }

function forget({ heard }: Call): void {
  for (const list of heard.values()) list.length = 0
}

/** Who was heard by each, in the order of the names. */
function listeners({ heard }: Call): string[] {
  return [...heard.values()].map(list => [...new Set(list)].join(' '))
}

function drops(peer: RTCPeerConnection): Readonly<Record<string, number>> {
  return explainConnection(peer).packetsDropped
}

describe('A call that is handed over to another peer', () => {
  for (const by of ['an answer', 'an offer'] as const) {
    it(`by ${by}: media goes on with the other one, under other keys`, async () => {
      const call = createCall({ seed: 1 })
      const { sim, alice, first, second } = call
      await offerTo(sim, alice, first)
      assert.ok(await isConnected(call, alice, first))
      await call.talk()
      assert.deepEqual(listeners(call), ['first', 'alice', ''])
      const transport = alice.getSenders()[0]?.transport
      if (by === 'an offer') await rehearse(call, String(alice.localDescription?.sdp))
      if (by === 'an answer') await offerTo(sim, alice, second)
      else await offerTo(sim, second, alice)
      assert.ok(await isConnected(call, alice, second))
      await sim.runFor(500)
      forget(call)
      await call.talk()
      assert.deepEqual(listeners(call), ['second', '', 'alice'])
      for (const peer of [alice, second]) {
        assert.ok((call.heard.get(peer)?.length ?? 0) >= 45)
        assert.deepEqual([drops(peer)['srtp-bad-tag'], drops(peer)['srtp-closed']], [undefined, undefined])
      }
      assert.equal(alice.getSenders()[0]?.transport, transport)
      closeAll(call)
    })
  }

  it('is not heard by the peer of before, nor hears it, which goes on sending all the same', async () => {
    const call = createCall({ seed: 2 })
    const { sim, alice, first, second } = call
    await offerTo(sim, alice, first)
    assert.ok(await isConnected(call, alice, first))
    await call.talk()
    const old: { readonly data: Uint8Array; readonly port: number }[] = []
    sim.network.tap(({ from, to, data }) => {
      const isMedia = (data[0] ?? 0) >= 128
      if (from.address === addresses.first && isMedia) old.push({ data: Uint8Array.from(data), port: from.port })
      // It never hears that it is over.
      const isGoodbye = from.address === addresses.alice && to.address === addresses.first && (data[0] ?? 0) > 3
      return isGoodbye && !isMedia ? 'drop' : undefined
    })
    await offerTo(sim, alice, second)
    assert.ok(await isConnected(call, alice, second))
    forget(call)
    const before = drops(alice)['unvalidated-source'] ?? 0
    await call.talk()
    assert.deepEqual(listeners(call), ['second', '', 'alice'])
    assert.ok((drops(alice)['unvalidated-source'] ?? 0) > before + 40)
    // From where the second one is, it is known by its tag.
    const pair = components(alice)[0]?.driver.ice.selectedPair
    assert.ok(pair && old.length > 40)
    forget(call)
    for (const { data } of old) sim.network.inject(data, pair.remote.address, pair.local.base)
    await sim.runFor(100)
    assert.equal(drops(alice)['srtp-bad-tag'], old.length)
    assert.deepEqual(listeners(call), ['', '', ''])
    closeAll(call)
  })

  it('keys RTCP on a transport of its own anew as well', async () => {
    const call = createCall({ seed: 3, configuration: { rtcpMuxPolicy: 'negotiate' } })
    const { sim, alice, first, second } = call
    const separate = (sdp: string): string => withoutMux(withoutBundle(sdp))
    await offerTo(sim, alice, first, separate)
    assert.ok(await isConnected(call, alice, first))
    await call.talk()
    await offerTo(sim, alice, second, separate)
    assert.ok(await isConnected(call, alice, second))
    await sim.runFor(500)
    forget(call)
    const counts = (): (number | undefined)[] => components(alice).map(({ driver }) => driver.counters.received.rtcp)
    const [, before = 0] = counts()
    for (let i = 0; i < 6; i++) await call.talk()
    assert.deepEqual(listeners(call), ['second', '', 'alice'])
    assert.ok((counts()[1] ?? 0) > before)
    assert.deepEqual(
      components(alice).map(({ dtls }) => dtls.state),
      ['connected', 'connected'],
    )
    assert.equal(drops(alice)['srtp-bad-tag'], undefined)
    closeAll(call)
  })

  it('goes on after the peer of before has ended DTLS', async () => {
    const call = createCall({ seed: 4 })
    const { sim, alice, first, second } = call
    await offerTo(sim, alice, first)
    assert.ok(await isConnected(call, alice, first))
    first.close()
    assert.ok(await sim.run(() => alice.getSenders()[0]?.transport?.state === 'closed'))
    await call.talk()
    await offerTo(sim, alice, second)
    assert.ok(await isConnected(call, alice, second))
    await sim.runFor(500)
    forget(call)
    await call.talk()
    assert.deepEqual(listeners(call), ['second', '', 'alice'])
    closeAll(call)
  })

  it('waits for the keys of the next one without a busy timer, and sends nothing in the meantime', async () => {
    const call = createCall({ seed: 5 })
    const { sim, alice, first, second } = call
    await offerTo(sim, alice, first)
    assert.ok(await isConnected(call, alice, first))
    await call.talk()
    sim.network.setDown('second')
    await offerTo(sim, alice, second)
    const sent = components(alice)[0]?.driver.counters.sent
    const before = { ...sent }
    await call.talk()
    assert.deepEqual([sent?.rtp, sent?.rtcp], [before.rtp, before.rtcp])
    assert.equal(drops(alice)['srtp-closed'], undefined)
    sim.network.setDown('second', false)
    assert.ok(await isConnected(call, alice, second))
    await sim.runFor(500)
    forget(call)
    await call.talk()
    assert.deepEqual(listeners(call), ['second', '', 'alice'])
    closeAll(call)
  })
})

import assert from 'node:assert/strict'
import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import {
  addSection,
  agree,
  close,
  createMediaPair,
  describeLocally,
  type MediaPair,
  settled,
} from '../negotiation/media-pair.ts'
import { outcomeAtOnce, outcomeOf } from './outcomes.ts'

describe('Transceivers and what descriptions say of them', () => {
  let pair: MediaPair
  beforeEach(() => {
    pair = createMediaPair({ seed: 71 })
  })
  afterEach(() => close(pair))

  const remoteOffer = async (peer: RTCPeerConnection, sdp: string): Promise<string> =>
    await settled(pair.sim, outcomeOf(peer.setRemoteDescription({ type: 'offer', sdp })))

  it('end their tracks in a task when they are stopped, and at once when the connection is closed before that', async () => {
    const [first, second] = [pair.alice.addTransceiver('audio'), pair.alice.addTransceiver('video')]
    first.stop()
    assert.equal(first.receiver.track.readyState, 'live')
    await pair.sim.runFor(1)
    assert.equal(first.receiver.track.readyState, 'ended')
    second.stop()
    pair.alice.close()
    assert.equal(second.receiver.track.readyState, 'ended')
  })

  it('have no mid any more once their section was given up, at either end (RFC 8829 §3.4.1)', async () => {
    addSection(pair.alice, 'audio')
    await agree(pair, pair.alice, pair.bob)
    const [[mine], [theirs]] = [pair.alice.getTransceivers(), pair.bob.getTransceivers()]
    assert.ok(mine !== undefined && theirs !== undefined)
    assert.deepEqual([mine.mid, theirs.mid, mine.stopped], ['0', '0', false])
    mine.stop()
    assert.deepEqual([mine.mid, mine.stopped], ['0', false])
    await agree(pair, pair.alice, pair.bob)
    assert.deepEqual([mine.mid, theirs.mid], [null, null])
    assert.deepEqual([mine.stopped, theirs.stopped, theirs.currentDirection], [true, true, 'stopped'])
  })

  it('that addTrack() keeps when an offer is rolled back are taken for the next one', async () => {
    addSection(pair.alice, 'audio')
    const offer = await describeLocally(pair.sim, pair.alice)
    await remoteOffer(pair.bob, offer)
    pair.bob.addTrack(pair.alice.getTransceivers()[0]?.receiver.track ?? assert.fail())
    await settled(pair.sim, pair.bob.setRemoteDescription({ type: 'rollback', sdp: '' }))
    await remoteOffer(pair.bob, offer)
    await describeLocally(pair.sim, pair.bob)
    const all = pair.bob.getTransceivers().map(({ mid, currentDirection }) => [mid, currentDirection])
    assert.deepEqual(all, [['0', 'sendrecv']])
  })

  it('leave nothing to gather when the last of them is given up, which can be seen at once and is told in a task', async () => {
    addSection(pair.alice, 'audio')
    await agree(pair, pair.alice, pair.bob)
    assert.deepEqual([pair.alice.iceGatheringState, pair.bob.iceGatheringState], ['complete', 'complete'])
    pair.alice.getTransceivers()[0]?.stop()
    const seen: string[] = []
    pair.bob.addEventListener('icegatheringstatechange', () => seen.push(pair.bob.iceGatheringState))
    const offer = await describeLocally(pair.sim, pair.alice)
    await remoteOffer(pair.bob, offer)
    await settled(
      pair.sim,
      pair.bob.setLocalDescription().then(() => seen.push(`described, ${pair.bob.iceGatheringState}`)),
    )
    await pair.sim.runFor(1)
    assert.deepEqual(seen, ['described, new', 'new'])
  })

  it('share one stream where a peer says nothing of streams, and have none where it says so (RFC 8829 §5.8.2)', async () => {
    for (const kind of ['audio', 'video', 'audio'] as const) addSection(pair.alice, kind)
    const offer = await describeLocally(pair.sim, pair.alice)
    const [head = '', first = '', second = '', third = ''] = offer.split(/^(?=m=)/m)
    const silent = [first, second].map(section => section.replace(/^a=(msid|ssrc|ssrc-group):.*\r\n/gm, ''))
    assert.match(third, /^a=msid:- /m)
    const streams: (readonly string[])[] = []
    pair.bob.ontrack = event => streams.push(event.streams.map(({ id }) => id))
    assert.equal(await remoteOffer(pair.bob, [head, ...silent, third].join('')), 'fulfilled')
    const [shared] = streams[0] ?? []
    assert.ok(shared)
    assert.deepEqual(streams, [[shared], [shared], []])
  })

  it('are not told to take a payload type for RTP that RTCP has, where both share a port (RFC 5761 §4)', async () => {
    addSection(pair.alice, 'audio')
    const offer = await describeLocally(pair.sim, pair.alice)
    const mistakable = offer
      .replace(/^m=audio (\d+) (\S+) .*$/m, 'm=audio $1 $2 64')
      .replace(/^a=(rtpmap|fmtp|rtcp-fb):.*\r\n/gm, '')
      .replace(/^a=mid/m, 'a=rtpmap:64 opus/48000/2\r\na=mid')
    assert.equal(await remoteOffer(pair.bob, mistakable), 'InvalidAccessError')
    assert.equal(await remoteOffer(pair.bob, mistakable.replace(/payload|64/g, '63')), 'fulfilled')
  })

  it('keep the identifiers of header extensions that were agreed on (RFC 8285 §7)', async () => {
    addSection(pair.alice, 'audio')
    await agree(pair, pair.alice, pair.bob)
    const offer = await describeLocally(pair.sim, pair.alice)
    const [, first = '', second = ''] = /^a=extmap:(\d+) .*\r\na=extmap:(\d+) /m.exec(offer) ?? []
    const swapped = offer.replace(/^a=extmap:(\d+)/gm, (line, id) =>
      id === first ? `a=extmap:${second}` : id === second ? `a=extmap:${first}` : line,
    )
    assert.notEqual(swapped, offer)
    assert.equal(await remoteOffer(pair.bob, swapped), 'InvalidAccessError')
    assert.equal(pair.bob.signalingState, 'stable')
    assert.equal(await remoteOffer(pair.bob, offer), 'fulfilled')
  })

  it('send a voice once, whatever encodings are asked for, and take no rid that a header cannot carry', () => {
    const { sender } = pair.alice.addTransceiver('audio', { sendEncodings: [{ rid: 'a' }, { rid: 'b' }] })
    const { encodings } = sender.getParameters()
    assert.deepEqual([encodings.length, encodings[0]?.rid], [1, undefined])
    const withRid = (rid: string) => () => pair.alice.addTransceiver('video', { sendEncodings: [{ rid }] })
    assert.throws(withRid('a'.repeat(17)), TypeError)
    withRid('a'.repeat(16))()
  })

  it('have statistics, promised in a task, that a closed connection still gives', async () => {
    const { sender, receiver } = pair.alice.addTransceiver('audio')
    for (const it of [pair.alice, sender, receiver]) {
      const promise = it.getStats()
      assert.equal(await outcomeAtOnce(promise), 'pending')
      assert.equal(await settled(pair.sim, outcomeOf(promise)), 'fulfilled')
    }
    pair.alice.close()
    for (const it of [pair.alice, sender, receiver]) {
      assert.equal(await settled(pair.sim, outcomeOf(it.getStats())), 'fulfilled')
    }
  })
})

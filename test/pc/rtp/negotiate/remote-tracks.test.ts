import assert from 'node:assert/strict'
import { maxForgottenStreams, RemoteStreams } from '../../../../src/pc/rtp/negotiate/remote-streams.ts'
import { MediaPeer, negotiate } from './media-peer.ts'

describe('Tracks of the peer', () => {
  it('are announced once, with their streams', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [a.stream('x'), a.stream('y')])
    a.transceivers.addTrack(a.track('video'), [a.stream('x')])
    negotiate(a, b)
    assert.deepEqual(b.log, ['track 0 x y', 'track 1 x'])
    const [audio, video] = b.all
    // One object for one id
    assert.equal(audio?.receiver.streams[0], video?.receiver.streams[0])
    assert.deepEqual(audio?.receiver.streams[0]?.getTracks(), [audio?.receiver.track, video?.receiver.track])
    negotiate(a, b)
    assert.equal(b.log.length, 2)
    assert.deepEqual(a.log, [])
  })

  it('are announced before the streams have events of their own', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [a.stream('x')])
    negotiate(a, b)
    const [stream] = b.at(0).receiver.streams
    stream?.addEventListener('addtrack', () => b.log.push('addtrack'))
    a.transceivers.addTrack(a.track('video'), [a.stream('x')])
    negotiate(a, b)
    assert.deepEqual(b.log, ['track 0 x', 'addtrack', 'track 1 x'])
  })

  it('leave their streams when they are removed, and are muted', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    const sender = a.transceivers.addTrack(a.track('audio'), [a.stream('x')])
    negotiate(a, b)
    const { receiver } = b.at(0)
    const [stream] = receiver.streams
    receiver.setMuted(false)
    stream?.addEventListener('removetrack', () => b.log.push('removetrack'))
    receiver.track.addEventListener('mute', () => b.log.push('mute'))
    a.transceivers.removeTrack(sender.object)
    negotiate(a, b)
    assert.deepEqual(b.log, ['track 0 x', 'mute', 'removetrack'])
    assert.deepEqual(receiver.streams, [])
    assert.equal(b.at(0).receptive, false)
    assert.equal(receiver.track.readyState, 'live')
  })

  it('are announced again when they come into another stream', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    const sender = a.transceivers.addTrack(a.track('audio'), [a.stream('x')])
    negotiate(a, b)
    sender.streamIds = ['x', 'z']
    assert.equal(a.isNeeded, true)
    negotiate(a, b)
    assert.deepEqual(b.log, ['track 0 x', 'track 0 x z'])
  })

  it('are gone if the offer that brought them is', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [a.stream('x')])
    b.setRemote('offer', a.createOffer())
    const slots = b.at(0)
    const [stream] = slots.receiver.streams
    b.rollback()
    assert.deepEqual(b.all, [])
    assert.equal(slots.stopped, true)
    assert.equal(slots.receiver.track.readyState, 'ended')
    assert.deepEqual(stream?.getTracks(), [])
    assert.equal(b.isNeeded, false)
  })

  it('end with a section that is rejected', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [a.stream('x')])
    negotiate(a, b)
    const slots = b.at(0)
    a.stop(a.at(0))
    negotiate(a, b)
    assert.equal(slots.heard.ended, 1)
    assert.equal(slots.heard.receive, undefined)
    assert.deepEqual(b.session.configured, [])
    assert.deepEqual(b.all, [])
  })

  it('can be in any number of streams, and no more than some of those are remembered', () => {
    const streams = new RemoteStreams()
    const [first] = streams.find(['first'])
    for (let index = 0; index < 10 * maxForgottenStreams; index++) {
      streams.find([`s${index}`])
      streams.prune(new Set(first === undefined ? [] : [first]))
    }
    assert.equal(streams.size, maxForgottenStreams + 1)
    assert.equal(streams.find(['first'])[0], first)
  })
})

describe('A rollback', () => {
  it('takes back the names of an offer', () => {
    const peer = new MediaPeer()
    peer.transceivers.addTransceiver('audio')
    peer.setLocal('offer', peer.createOffer())
    assert.deepEqual([peer.at(0).mid, peer.at(0).receptive], ['0', true])
    peer.rollback()
    assert.deepEqual([peer.at(0).mid, peer.at(0).mLineIndex, peer.at(0).receptive], [null, undefined, false])
    assert.equal(peer.at(0).sender.transport, undefined)
    assert.equal(peer.createOffer().media.length, 1)
  })

  it('leaves a transceiver that has got a track meanwhile', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTransceiver('audio', { direction: 'sendonly' })
    b.setRemote('offer', a.createOffer())
    b.transceivers.addTrack(b.track('audio'), [])
    b.rollback()
    assert.equal(b.all.length, 1)
    assert.deepEqual([b.at(0).mid, b.at(0).direction], [null, 'sendrecv'])
    assert.equal(b.createOffer().media.length, 1)
  })

  it('goes back to what was negotiated', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [a.stream('x')])
    negotiate(a, b)
    const before = b.session.configured
    const streams = b.at(0).receiver.streams
    a.at(0).sender.streamIds = ['y']
    b.setRemote('offer', a.createOffer())
    assert.notEqual(b.at(0).receiver.streams[0], streams[0])
    b.rollback()
    assert.equal(b.at(0).receiver.streams[0], streams[0])
    assert.deepEqual(streams[0]?.getTracks(), [b.at(0).receiver.track])
    assert.deepEqual(b.session.configured, before)
  })

  it('lets the other end go first when both have made an offer', () => {
    const [a, b] = [new MediaPeer(1), new MediaPeer(2)]
    a.transceivers.addTrack(a.track('audio'), [])
    b.transceivers.addTrack(b.track('audio'), [])
    const offer = a.createOffer()
    a.setLocal('offer', offer)
    b.setLocal('offer', b.createOffer())
    b.rollback()
    b.setRemote('offer', offer)
    const answer = b.createAnswer()
    b.setLocal('answer', answer)
    a.setRemote('answer', answer)
    // The track that waited has found its place.
    assert.deepEqual(
      [a, b].map(({ all }) => all.map(({ currentDirection }) => currentDirection)),
      [['sendrecv'], ['sendrecv']],
    )
    assert.equal(b.isNeeded, false)
  })
})

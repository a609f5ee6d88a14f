import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import * as icefloe from '../../src/index.ts'

interface SimplePeer extends Duplex {
  signal(data: unknown): void
  send(data: string): void
}

interface SimplePeerOptions {
  readonly wrtc: object
  readonly initiator?: boolean
  readonly streams?: readonly icefloe.MediaStream[]
}

const Peer = createRequire(import.meta.url)('simple-peer') as new (options: SimplePeerOptions) => SimplePeer

/** What simple-peer's own tests give to it. */
function twoPictures(): icefloe.MediaStream {
  const source = new icefloe.nonstandard.RTCVideoSource()
  return new icefloe.MediaStream([source.createTrack(), source.createTrack()])
}

function connect(options: Partial<SimplePeerOptions> = {}): [SimplePeer, SimplePeer] {
  const initiator = new Peer({ wrtc: icefloe, initiator: true, ...options })
  const other = new Peer({ wrtc: icefloe, ...options })
  initiator.on('signal', data => other.destroyed || other.signal(data))
  other.on('signal', data => initiator.destroyed || initiator.signal(data))
  return [initiator, other]
}

async function closed(peers: readonly SimplePeer[]): Promise<void> {
  await Promise.all(
    peers.map(peer => {
      const end = peer.destroyed || new Promise(resolve => peer.once('close', resolve))
      peer.destroy()
      return end
    }),
  )
}

describe('simple-peer with icefloe as its WebRTC', () => {
  it('notices that the peer has gone, and takes it for no error', async () => {
    const [initiator, other] = connect()
    try {
      const log: unknown[] = []
      other.on('error', error => log.push(error))
      const left = new Promise(resolve => other.once('close', resolve))
      other.once('data', () => other.send('so I have'))
      // What was sent has arrived by then: a channel is reset only after that.
      initiator.once('data', () => initiator.destroy())
      initiator.write('have you got it?')
      await left
      assert.deepEqual(log, [])
    } finally {
      await closed([initiator, other])
    }
  })

  it('ends as a stream once the other end has ended', async () => {
    const [initiator, other] = connect()
    try {
      const chunks: string[] = []
      other.on('data', data => chunks.push(String(data)))
      const ended = new Promise((resolve, reject) => other.once('end', resolve).once('error', reject))
      initiator.end('abc')
      await ended
      assert.deepEqual(chunks, ['abc'])
    } finally {
      await closed([initiator, other])
    }
  })

  it('has the streams of the other end, whose tracks come from sources as those of wrtc', async () => {
    const streams = Array.from({ length: 5 }, twoPictures)
    const [initiator, other] = connect({ streams })
    try {
      const received = [initiator, other].map(
        peer =>
          new Promise<string[]>((resolve, reject) => {
            const ids: string[] = []
            peer.once('error', reject)
            peer.on('stream', (stream: icefloe.MediaStream) => {
              ids.push(stream.id)
              if (ids.length === streams.length) resolve(ids)
            })
          }),
      )
      for (const ids of await Promise.all(received)) {
        assert.deepEqual(ids.sort(), streams.map(stream => stream.id).sort())
      }
    } finally {
      await closed([initiator, other])
      for (const stream of streams) for (const track of stream.getTracks()) track.stop()
    }
  })
})

describe('a connection that is closed in the turn in which something was sent', () => {
  it('sends it, and the peer has it before its channel is closed', async () => {
    const [caller, callee] = [new icefloe.RTCPeerConnection(), new icefloe.RTCPeerConnection()]
    try {
      caller.onicecandidate = ({ candidate }) => candidate && void callee.addIceCandidate(candidate)
      callee.onicecandidate = ({ candidate }) => candidate && void caller.addIceCandidate(candidate)
      const channel = caller.createDataChannel('last words')
      const log: string[] = []
      const done = new Promise<void>(resolve => {
        callee.ondatachannel = ({ channel: theirs }) => {
          theirs.onmessage = ({ data }) => log.push(data)
          theirs.onclose = () => resolve()
          channel.send('goodbye')
          caller.close()
        }
      })
      await caller.setLocalDescription()
      await callee.setRemoteDescription(caller.localDescription ?? { type: 'offer' })
      await callee.setLocalDescription()
      await caller.setRemoteDescription(callee.localDescription ?? { type: 'answer' })
      await done
      assert.deepEqual(log, ['goodbye'])
    } finally {
      caller.close()
      callee.close()
    }
  })
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import * as icefloe from '../../src/index.ts'
import { reached } from '../support/events.ts'
import { prng } from '../support/prng.ts'

const MEBIBYTE = 1024 * 1024
const CHUNK_BYTES = 16 * 1024

/** The part of simple-peer that is used here; the package has no types of its own. */
interface SimplePeer extends Duplex {
  signal(data: Signal): void
  send(data: string | Uint8Array): void
  readonly connected: boolean
}

type Signal =
  | { readonly type: 'offer' | 'answer'; readonly sdp: string }
  | { readonly type: 'candidate'; readonly candidate: icefloe.RTCIceCandidateInit }
  | { readonly type: 'renegotiate' | 'transceiverRequest' }

type SimplePeerConstructor = new (options: {
  readonly wrtc: typeof icefloe
  readonly initiator?: boolean
  readonly trickle?: boolean
}) => SimplePeer

const SimplePeer = createRequire(import.meta.url)('simple-peer') as SimplePeerConstructor

describe('simple-peer, unmodified, given icefloe as its WebRTC', () => {
  for (const trickle of [true, false]) {
    it(`exchanges 1 MiB each way between two ends, ${trickle ? 'trickling' : 'not trickling'}`, async () => {
      const first = new SimplePeer({ wrtc: icefloe, initiator: true, trickle })
      const second = new SimplePeer({ wrtc: icefloe, trickle })
      first.on('signal', data => second.signal(data))
      second.on('signal', data => first.signal(data))
      try {
        await Promise.all([once(first, 'connect'), once(second, 'connect')])
        const [there, back] = [content(1), content(2)]
        write(first, there)
        write(second, back)
        const [atSecond, atFirst] = await Promise.all([read(second), read(first)])
        assert.equal(sha256(atSecond), sha256(there))
        assert.equal(sha256(atFirst), sha256(back))
      } finally {
        await Promise.all([destroyed(first), destroyed(second)])
      }
    })
  }

  it('tells one end that the other has gone', async () => {
    const first = new SimplePeer({ wrtc: icefloe, initiator: true })
    const second = new SimplePeer({ wrtc: icefloe })
    first.on('signal', data => second.signal(data))
    second.on('signal', data => first.signal(data))
    await Promise.all([once(first, 'connect'), once(second, 'connect')])
    // As with browsers, the end of the association comes as an error before the close.
    second.on('error', () => undefined)
    const gone = new Promise(resolve => second.once('close', resolve))
    first.destroy()
    await gone
    assert.equal(second.connected, false)
  })

  for (const initiator of [true, false]) {
    it(`exchanges 1 MiB each way with a plain RTCPeerConnection, as the one that ${initiator ? 'offers' : 'answers'}`, async () => {
      const peer = new SimplePeer({ wrtc: icefloe, initiator })
      const connection = new icefloe.RTCPeerConnection()
      try {
        const channel = await connectTo(connection, peer, initiator)
        const [there, back] = [content(3), content(4)]
        const received = readChannel(channel)
        write(peer, there)
        for (const chunk of chunks(back)) channel.send(chunk)
        assert.equal(sha256(await read(peer)), sha256(back))
        assert.equal(sha256(await received), sha256(there))
      } finally {
        connection.close()
        await destroyed(peer)
      }
    })
  }
})

/** Signals by hand for the plain end; simple-peer offers by itself if it is the initiator. */
async function connectTo(
  connection: icefloe.RTCPeerConnection,
  peer: SimplePeer,
  peerOffers: boolean,
): Promise<icefloe.RTCDataChannel> {
  let channel = peerOffers ? undefined : connection.createDataChannel('plain')
  connection.addEventListener('datachannel', event => {
    channel = event.channel
  })
  connection.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate !== null) peer.signal({ type: 'candidate', candidate: candidate.toJSON() })
  })
  peer.on('signal', (data: Signal) => {
    take(connection, peer, data).catch((error: Error) => peer.destroy(error))
  })
  const connected = once(peer, 'connect')
  if (!peerOffers) {
    await connection.setLocalDescription()
    signalDescription(connection, peer)
  }
  await connected
  await reached(connection, 'datachannel', () => channel !== undefined, 'the channel of simple-peer')
  assert.ok(channel)
  const open = channel
  open.binaryType = 'arraybuffer'
  await reached(open, 'open', () => open.readyState === 'open', 'the channel open')
  return open
}

async function take(connection: icefloe.RTCPeerConnection, peer: SimplePeer, data: Signal): Promise<void> {
  if (data.type === 'candidate') await connection.addIceCandidate(data.candidate)
  else if (data.type === 'offer' || data.type === 'answer') {
    await connection.setRemoteDescription(data)
    if (data.type === 'answer') return
    await connection.setLocalDescription()
    signalDescription(connection, peer)
  }
}

function signalDescription({ localDescription }: icefloe.RTCPeerConnection, peer: SimplePeer): void {
  const { type, sdp } = localDescription ?? {}
  if ((type === 'offer' || type === 'answer') && sdp !== undefined) peer.signal({ type, sdp })
}

function content(seed: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(prng(seed).bytes(MEBIBYTE))
}

function* chunks(data: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
  for (let offset = 0; offset < data.length; offset += CHUNK_BYTES) yield data.subarray(offset, offset + CHUNK_BYTES)
}

function write(peer: SimplePeer, data: Uint8Array<ArrayBuffer>): void {
  for (const chunk of chunks(data)) peer.write(chunk)
}

/** Collects until there is one mebibyte, or more: then the comparison fails. */
function collect(start: (take: (chunk: Uint8Array) => void) => void): Promise<Uint8Array> {
  return new Promise(resolve => {
    const parts: Uint8Array[] = []
    let size = 0
    start(chunk => {
      parts.push(chunk)
      size += chunk.length
      if (size >= MEBIBYTE) resolve(Buffer.concat(parts))
    })
  })
}

function read(peer: SimplePeer): Promise<Uint8Array> {
  return collect(take => peer.on('data', take))
}

function readChannel(channel: icefloe.RTCDataChannel): Promise<Uint8Array> {
  return collect(take => {
    channel.addEventListener('message', event => take(new Uint8Array((event as MessageEvent).data)))
  })
}

function once(peer: SimplePeer, event: 'connect'): Promise<void> {
  return new Promise((resolve, reject) => {
    peer.once(event, () => resolve())
    peer.once('error', reject)
  })
}

function destroyed(peer: SimplePeer): Promise<void> {
  if (peer.destroyed) return Promise.resolve()
  return new Promise(resolve => {
    peer.once('close', () => resolve())
    peer.destroy()
  })
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

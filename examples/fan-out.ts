// The core of an SFU: one browser publishes, any number of others watch.
//
//     npx tsx examples/fan-out.ts
import { type MediaStreamTrack, RTCPeerConnection } from 'icefloe'
import { OfferEndpoint } from './support/offer-endpoint.ts'
import { page } from './support/page.ts'
import { serve } from './support/serve.ts'

/** What the publisher sends now, by kind. */
const tracks = new Map<string, MediaStreamTrack>()
const viewers = new Set<RTCPeerConnection>()
let publisher: RTCPeerConnection | undefined

const publish = new OfferEndpoint({
  path: '/publish',
  connect: () => {
    // Whoever comes last is the publisher.
    const peer = new RTCPeerConnection()
    publisher = peer
    tracks.clear()
    peer.addEventListener('track', ({ track }) => tracks.set(track.kind, track))
    return peer
  },
  offered: () => sendAll(),
  ended: async peer => {
    if (peer !== publisher) return
    tracks.clear()
    await sendAll()
  },
})

const watch = new OfferEndpoint({
  path: '/watch',
  connect: () => {
    const peer = new RTCPeerConnection()
    viewers.add(peer)
    return peer
  },
  offered: async peer => {
    for (const transceiver of peer.getTransceivers()) transceiver.direction = 'sendonly'
    await send(peer)
  },
  ended: peer => viewers.delete(peer),
})

await serve({
  port: 8091,
  pages: {
    '/': page({ title: 'Publish', endpoint: publish.path, sends: true }),
    '/viewer': page({ title: 'Watch', endpoint: watch.path, receives: true }),
  },
  endpoints: [publish, watch],
})

async function sendAll(): Promise<void> {
  await Promise.all([...viewers].map(send))
}

/** The packets go through as they come; a viewer's request for a keyframe finds its way back by itself. */
async function send(viewer: RTCPeerConnection): Promise<void> {
  for (const { sender, receiver } of viewer.getTransceivers()) {
    const track = tracks.get(receiver.track.kind) ?? null
    // No negotiation is needed for it. A viewer that leaves at this moment has no use for it.
    await sender.replaceTrack(track).catch(() => undefined)
  }
}

// Takes a publisher by WHIP (RFC 9725) and counts the frames that it sends:
//
//     npx tsx examples/whip-server.ts            then http://127.0.0.1:8094/whip, from OBS for one
//
// WHIP_TOKEN in the environment is the bearer token that publishers need; without it everybody gets in.
import { RTCPeerConnection } from 'icefloe'
import { FrameCounter } from './support/count-frames.ts'
import { OfferEndpoint } from './support/offer-endpoint.ts'
import { serve } from './support/serve.ts'
import { checkPublisher } from './support/whip-offer.ts'

const counters = new Map<RTCPeerConnection, FrameCounter>()
let publishers = 0

const whip = new OfferEndpoint({
  path: '/whip',
  token: process.env.WHIP_TOKEN,
  cors: true,
  check: checkPublisher,
  connect: () => {
    const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    const counter = new FrameCounter(`publisher ${++publishers}`)
    counters.set(peer, counter)
    peer.addEventListener('track', ({ track }) => counter.add(track))
    return peer
  },
  ended: peer => {
    counters.get(peer)?.close()
    counters.delete(peer)
    console.log('a publisher has left')
  },
})

await serve({ port: 8094, endpoints: [whip] })

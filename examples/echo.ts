// Sends a browser its own camera and microphone back:
//
//     npx tsx examples/echo.ts
import { RTCPeerConnection } from 'icefloe'
import { OfferEndpoint } from './support/offer-endpoint.ts'
import { page } from './support/page.ts'
import { serve } from './support/serve.ts'

const echo = new OfferEndpoint({
  path: '/offer',
  connect: () => {
    const peer = new RTCPeerConnection()
    // Each track that comes is sent back on the transceiver that it came on: packets in, packets out.
    peer.addEventListener('track', ({ track, streams }) => peer.addTrack(track, ...streams))
    return peer
  },
})

await serve({
  port: 8090,
  pages: { '/': page({ title: 'Echo', endpoint: echo.path, sends: true, receives: true }) },
  endpoints: [echo],
})

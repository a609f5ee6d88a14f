// Sends a moving picture and silence to whoever asks by WHEP (draft-ietf-wish-whep):
//
//     npx tsx examples/whep-server.ts            then http://127.0.0.1:8095/whep
//
// WHEP_TOKEN in the environment is the bearer token that viewers need; without it everybody gets in.
import { RTCPeerConnection } from 'icefloe'
import { OfferEndpoint } from './support/offer-endpoint.ts'
import { serve } from './support/serve.ts'
import { syntheticTracks } from './support/synthetic.ts'
import { checkViewer } from './support/whip-offer.ts'

const synthetic = syntheticTracks()

const whep = new OfferEndpoint({
  path: '/whep',
  token: process.env.WHEP_TOKEN,
  cors: true,
  check: checkViewer,
  connect: () => {
    const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    // All viewers share the tracks: a frame is cut into packets once.
    for (const track of synthetic.tracks) peer.addTrack(track)
    return peer
  },
  ended: () => console.log('a viewer has left'),
})

await serve({ port: 8095, endpoints: [whep], stopped: () => synthetic.stop() })

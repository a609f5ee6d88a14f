// Watches by WHEP (draft-ietf-wish-whep) and counts the frames that come, until it is interrupted:
//
//     npx tsx examples/whep-client.ts http://127.0.0.1:8095/whep
//
// WHEP_TOKEN in the environment is the bearer token, if the server wants one.
import { RTCPeerConnection } from 'icefloe'
import { FrameCounter } from './support/count-frames.ts'
import { OfferClient } from './support/offer-client.ts'
import { untilOver } from './support/until-over.ts'

const [url = 'http://127.0.0.1:8095/whep'] = process.argv.slice(2)
const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
const counter = new FrameCounter('watching')
for (const kind of ['audio', 'video'] as const) peer.addTransceiver(kind, { direction: 'recvonly' })
peer.addEventListener('track', ({ track }) => counter.add(track))

const client = new OfferClient(peer, process.env.WHEP_TOKEN)
try {
  await client.open(url)
  console.log(await untilOver(peer))
} finally {
  counter.close()
  await client.close()
}

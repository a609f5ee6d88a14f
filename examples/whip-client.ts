// Publishes a moving picture and silence by WHIP (RFC 9725), until it is interrupted:
//
//     npx tsx examples/whip-client.ts http://127.0.0.1:8094/whip
//
// WHIP_TOKEN in the environment is the bearer token, if the server wants one.
import { MediaStream, RTCPeerConnection } from 'icefloe'
import { OfferClient } from './support/offer-client.ts'
import { syntheticTracks } from './support/synthetic.ts'
import { untilOver } from './support/until-over.ts'

const [url = 'http://127.0.0.1:8094/whip'] = process.argv.slice(2)
const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
const synthetic = syntheticTracks()
// RFC 9725 §4.4.2: all tracks are in one stream.
const stream = new MediaStream([...synthetic.tracks])
for (const track of synthetic.tracks) peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] })

const client = new OfferClient(peer, process.env.WHIP_TOKEN)
try {
  await client.open(url)
  console.log(`publishing to ${url}`)
  console.log(await untilOver(peer))
} finally {
  synthetic.stop()
  await client.close()
}

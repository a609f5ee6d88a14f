// Sends a file's video (VP8, VP9) and audio (Opus) to browsers, without encoding anything:
//
//     npx tsx examples/send-file.ts FILE.webm   (or .ogg, .ivf)
import { RTCPeerConnection } from 'icefloe'
import { FilePlayer } from './support/file-player.ts'
import { OfferEndpoint } from './support/offer-endpoint.ts'
import { page } from './support/page.ts'
import { serve } from './support/serve.ts'

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('Which file? npx tsx examples/send-file.ts FILE')
// Whether it can be played is found out before anybody asks for it.
const trial = await FilePlayer.open(path)
trial.stop()

const players = new Map<RTCPeerConnection, FilePlayer>()

const file = new OfferEndpoint({
  path: '/offer',
  connect: () => new RTCPeerConnection(),
  // A viewer sees the file from its beginning.
  offered: async peer => {
    const player = await FilePlayer.open(path)
    players.set(peer, player)
    for (const transceiver of peer.getTransceivers()) {
      const track = player.tracks.find(({ kind }) => kind === transceiver.receiver.track.kind)
      transceiver.direction = track === undefined ? 'inactive' : 'sendonly'
      await transceiver.sender.replaceTrack(track ?? null)
    }
    let playing = false
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState !== 'connected' || playing) return
      playing = true
      player.play().catch(error => console.error(error))
    })
  },
  ended: peer => {
    players.get(peer)?.stop()
    players.delete(peer)
  },
})

await serve({
  port: 8093,
  pages: { '/': page({ title: 'A file', endpoint: file.path, receives: true }) },
  endpoints: [file],
})

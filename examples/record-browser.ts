// Writes the camera and the microphone of a browser to a WebM file, without decoding anything:
//
//     npx tsx examples/record-browser.ts [FOLDER]
import { join } from 'node:path'
import { RTCPeerConnection, RTCRtpReceiver } from 'icefloe'
import { OfferEndpoint } from './support/offer-endpoint.ts'
import { page } from './support/page.ts'
import { serve } from './support/serve.ts'
import { WebmRecorder } from './support/webm-recorder.ts'

const [folder = '.'] = process.argv.slice(2)
let recordings = 0

const record = new OfferEndpoint({
  path: '/offer',
  connect: () => new RTCPeerConnection(),
  offered: peer => {
    const transceivers = peer.getTransceivers()
    for (const transceiver of transceivers) {
      // VP8 alone is what the recorder writes: the browser encodes it, and sends lost packets again (RTX).
      const wanted = (RTCRtpReceiver.getCapabilities('video')?.codecs ?? []).filter(each =>
        /VP8|rtx/.test(each.mimeType),
      )
      if (transceiver.receiver.track.kind === 'video') transceiver.setCodecPreferences(wanted)
    }
    const path = join(folder, `recording-${++recordings}.webm`)
    const recorder = new WebmRecorder(path)
    // The tracks end with the connection, whoever ends it.
    recorder.record(transceivers.map(({ receiver }) => receiver.track)).then(
      () => console.log(`${path}: ${recorder.frames.video} frames of video, ${recorder.frames.audio} of audio`),
      error => console.error(`${path}: ${error}`),
    )
  },
})

await serve({
  port: 8092,
  pages: { '/': page({ title: 'Record', endpoint: record.path, sends: true }) },
  endpoints: [record],
})

/** Takes media of devices that do not exist, and then has nothing more to do: the process ends by itself. */
import { EncodedTrackSink } from '../../src/pc/media/encoded-track-sink.ts'
import { mediaDevices } from '../../src/testing/media-devices.ts'

const stream = await mediaDevices.getUserMedia({ audio: true, video: true })
const [audio, video] = stream.getTracks()
if (audio === undefined || video === undefined) throw new Error('tracks are missing')
// Timers of media keep no process alive; this one does, until a frame was there.
const keepAlive = setInterval(() => undefined, 1_000)
new EncodedTrackSink(video).onframe = () => undefined
const sink = new EncodedTrackSink(audio)
for await (const { codec } of sink) {
  process.stdout.write(codec.mimeType)
  break
}
clearInterval(keepAlive)
process.stdout.write(` ${audio.readyState} ${video.readyState}`)

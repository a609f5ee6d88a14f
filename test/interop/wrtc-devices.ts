import wrtc from '@roamhq/wrtc'

type Track = ReturnType<InstanceType<typeof wrtc.nonstandard.RTCVideoSource>['createTrack']>

/** The library's types are those of a browser, which are not known here. */
const { MediaStream } = wrtc as unknown as { readonly MediaStream: new () => { addTrack(track: Track): void } }

/** Samples of one of the 10 ms that audio comes in. */
const sampleRate = 48_000
const samples = sampleRate / 100

interface Constraints {
  readonly audio: boolean
  readonly video: false | { readonly width: number; readonly height: number; readonly frameRate: number }
}

/** `getUserMedia` of the library in the place of a browser: a tone, and a picture that gets brighter and darker. */
export async function getUserMedia({ audio, video }: Constraints): Promise<unknown> {
  const stream = new MediaStream()
  if (audio) stream.addTrack(toneTrack())
  if (video !== false) stream.addTrack(pictureTrack(video))
  return stream
}

function toneTrack(): Track {
  const source = new wrtc.nonstandard.RTCAudioSource()
  const track = source.createTrack()
  let at = 0
  every(10, track, () => {
    const tone = Int16Array.from({ length: samples }, () => 8_000 * Math.sin((2 * Math.PI * 440 * at++) / sampleRate))
    source.onData({ samples: tone, sampleRate, bitsPerSample: 16, channelCount: 1, numberOfFrames: samples })
  })
  return track
}

function pictureTrack({ width, height, frameRate }: Exclude<Constraints['video'], false>): Track {
  const source = new wrtc.nonstandard.RTCVideoSource()
  const track = source.createTrack()
  let frames = 0
  every(1000 / frameRate, track, () => {
    const data = new Uint8Array((width * height * 3) / 2).fill(Math.abs((frames++ % 256) - 128))
    source.onFrame({ width, height, data })
  })
  return track
}

function every(ms: number, track: Track, step: () => void): void {
  const timer = setInterval(() => {
    if (track.readyState === 'ended') clearInterval(timer)
    else step()
  }, ms)
}

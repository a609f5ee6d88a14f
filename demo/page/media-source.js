const WIDTH = 640
const HEIGHT = 360
const FRAMES_PER_SECOND = 25

/**
 * What the page sends.
 *
 * @param kind 'camera', with the microphone; or 'drawing', a moving picture and a tone that the page makes itself
 * @returns {stream, stop}; rejects with an Error that says what to do
 */
export async function openSource(kind) {
  return kind === 'camera' ? await openCamera() : openDrawing()
}

async function openCamera() {
  if (navigator.mediaDevices?.getUserMedia === undefined) {
    throw new Error(
      'This browser gives pages no camera here. Choose “A drawing” instead: the page then draws a picture.',
    )
  }
  const video = { width: { ideal: WIDTH }, height: { ideal: HEIGHT }, frameRate: { ideal: 30 } }
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video })
    return { stream, stop: () => stopAll(stream) }
  } catch (error) {
    throw new Error(`${reasons[error.name] ?? `The camera cannot be used: ${error.message}`} ${otherWay}`)
  }
}

const otherWay = 'Choose “A drawing” instead: the page then draws a picture.'
const reasons = {
  NotAllowedError: 'The browser was not allowed to use camera and microphone.',
  NotFoundError: 'There is no camera, or no microphone.',
  NotReadableError: 'Another program has the camera.',
}

/** A clock's hand before colours, so that one sees how late the picture is that comes back; and a quiet tone. */
function openDrawing() {
  const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT })
  const context = canvas.getContext('2d')
  draw(context)
  const timer = setInterval(() => draw(context), 1000 / FRAMES_PER_SECOND)
  const stream = canvas.captureStream(FRAMES_PER_SECOND)
  const audio = new AudioContext()
  const tone = new OscillatorNode(audio, { frequency: 330 })
  const volume = new GainNode(audio, { gain: 0.08 })
  const out = audio.createMediaStreamDestination()
  tone.connect(volume).connect(out)
  tone.start()
  stream.addTrack(out.stream.getAudioTracks()[0])
  return {
    stream,
    stop: () => {
      clearInterval(timer)
      stopAll(stream)
      void audio.close()
    },
  }
}

const colours = ['#0b5f80', '#0a7ea4', '#52bfe3', '#e6eff3', '#f29a5d', '#c0561a', '#8a5a00']

function draw(context) {
  const now = performance.now() / 1000
  const width = WIDTH / colours.length
  colours.forEach((colour, index) => {
    context.fillStyle = colours[(index + Math.floor(now)) % colours.length] ?? colour
    context.fillRect(Math.floor(index * width), 0, Math.ceil(width), HEIGHT)
  })
  context.fillStyle = '#0a1216'
  context.beginPath()
  context.arc(WIDTH / 2, HEIGHT / 2, 120, 0, 2 * Math.PI)
  context.fill()
  context.strokeStyle = '#ffffff'
  context.lineWidth = 10
  context.lineCap = 'round'
  context.beginPath()
  context.moveTo(WIDTH / 2, HEIGHT / 2)
  const angle = 2 * Math.PI * (now % 1)
  context.lineTo(WIDTH / 2 + 95 * Math.sin(angle), HEIGHT / 2 - 95 * Math.cos(angle))
  context.stroke()
  context.fillStyle = '#0a1216'
  context.fillRect(WIDTH / 2 - 75, HEIGHT - 52, 150, 46)
  context.fillStyle = '#ffffff'
  context.font = '600 32px system-ui, sans-serif'
  context.textAlign = 'center'
  context.fillText(`${now.toFixed(1)} s`, WIDTH / 2, HEIGHT - 18)
}

function stopAll(stream) {
  for (const track of stream.getTracks()) track.stop()
}

export interface PageOptions {
  readonly title: string
  /** Where the offer goes. */
  readonly endpoint: string
  /** The camera and the microphone are sent. */
  readonly sends?: boolean
  /** Audio and video are shown that come back. */
  readonly receives?: boolean
}

/** A page with one button: it offers, and shows what comes. */
export function page({ title, endpoint, sends = false, receives = false }: PageOptions): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem }
  video { width: 100%; aspect-ratio: 16/9; background: #000 }
  button { font: inherit; padding: .5rem 1.5rem }
</style>
<h1>${title}</h1>
<p><button>Start</button> <output></output></p>
<video autoplay playsinline muted controls></video>
<script type="module">
const options = ${JSON.stringify({ endpoint, sends, receives })}
const [button, output, video] = ['button', 'output', 'video'].map(name => document.querySelector(name))
let end

button.onclick = () => (end === undefined ? start() : end())
addEventListener('pagehide', () => end?.())

async function start() {
  const peer = new RTCPeerConnection()
  const remote = new MediaStream()
  let camera
  let session
  end = () => {
    peer.close()
    for (const track of camera?.getTracks() ?? []) track.stop()
    if (session) fetch(session, { method: 'DELETE', keepalive: true })
    video.srcObject = null
    button.textContent = 'Start'
    output.textContent = ''
    end = undefined
  }
  button.textContent = 'Stop'
  peer.ontrack = ({ track }) => remote.addTrack(track)
  peer.onconnectionstatechange = () => (output.textContent = peer.connectionState)
  try {
    if (options.sends) {
      camera = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } })
      const direction = options.receives ? 'sendrecv' : 'sendonly'
      for (const track of camera.getTracks()) peer.addTransceiver(track, { direction, streams: [camera] })
    } else for (const kind of ['audio', 'video']) peer.addTransceiver(kind, { direction: 'recvonly' })
    video.srcObject = options.receives ? remote : camera
    await peer.setLocalDescription()
    await gathered(peer)
    const response = await fetch(options.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: peer.localDescription.sdp,
    })
    const text = await response.text()
    if (response.status !== 201) throw new Error(text)
    session = response.headers.get('location')
    await peer.setRemoteDescription({ type: 'answer', sdp: text })
  } catch (error) {
    end?.()
    output.textContent = error.message
  }
}

function gathered(peer) {
  return new Promise(resolve => {
    setTimeout(resolve, 2000)
    peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve()
  })
}
</script>
`
}

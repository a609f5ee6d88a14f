/**
 * A WebRTC library of Node.js in the place of a browser: its RTCPeerConnection with `browser-page.js`, in a process of its
 * own, because what is native in it may crash, or keep the process alive.
 *
 * Run with the name of the library. Expressions come as messages, and so do the answers to them.
 */
import { runInThisContext } from 'node:vm'
import type { FromLibrary, LibraryName, ToLibrary } from './library.ts'

interface Description {
  readonly type: string
  readonly sdp: string
}

/** What the libraries have of the W3C interface, as far as it is adapted here. */
interface Connection {
  createOffer(): Promise<Description>
  createAnswer(): Promise<Description>
  setLocalDescription(description?: Description): Promise<unknown>
  setRemoteDescription(description: Description): Promise<void>
  addIceCandidate(candidate?: object): Promise<void>
}

type ConnectionConstructor = new (configuration?: object) => Connection

interface Library {
  readonly RTCPeerConnection: unknown
}

const load: Readonly<Record<LibraryName, () => Promise<Library>>> = {
  '@roamhq/wrtc': async () => {
    const { getUserMedia } = await import('./wrtc-devices.ts')
    Object.defineProperty(globalThis, 'navigator', { value: { mediaDevices: { getUserMedia } } })
    return (await import('@roamhq/wrtc')).default
  },
  'node-datachannel': () => import('node-datachannel/polyfill'),
  werift: () => import('werift'),
}

/** Fills in what a browser does by itself: descriptions that are not given, and the end of candidates. */
function likeBrowser(Library: ConnectionConstructor): ConnectionConstructor {
  return class extends Library {
    #offered = false

    override async setRemoteDescription(description: Description): Promise<void> {
      this.#offered = description.type === 'offer'
      await super.setRemoteDescription(description)
    }

    override async setLocalDescription(): Promise<unknown> {
      return await super.setLocalDescription(await (this.#offered ? this.createAnswer() : this.createOffer()))
    }

    override async addIceCandidate(candidate?: object): Promise<void> {
      if (candidate !== undefined) await super.addIceCandidate(candidate)
    }
  }
}

function send(message: FromLibrary): void {
  process.send?.(message)
}

async function answer({ id, expression }: ToLibrary): Promise<void> {
  try {
    send({ id, value: await runInThisContext(expression) })
  } catch (error) {
    send({ id, error: error instanceof Error ? error.message : String(error) })
  }
}

const [, , library] = process.argv
try {
  const { RTCPeerConnection: Original } = await load[library as LibraryName]()
  const RTCPeerConnection = likeBrowser(Original as ConnectionConstructor)
  const tell = (number: number, event: object): void => send({ number, event })
  Object.assign(globalThis, { RTCPeerConnection, tell })
  for (const script of ['browser-page.js', 'browser-media.js']) await import(new URL(script, import.meta.url).href)
  process.on('message', (message: ToLibrary) => void answer(message))
  process.once('disconnect', () => process.exit())
  send({ ready: true })
} catch (error) {
  send({ missing: error instanceof Error ? error.message : String(error) })
  process.disconnect()
}

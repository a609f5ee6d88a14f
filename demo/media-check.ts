import { EncodedTrackSink, EncodedTrackSource, type MediaStreamTrack, RTCPeerConnection } from 'icefloe'
import { movingPicture, opusSilence, type SyntheticSource } from 'icefloe/testing'
import { negotiate } from './negotiate.ts'
import type { Steps } from './steps.ts'
import { play } from './test-picture.ts'

const STEP_TIMEOUT_MS = 8000
const FRAMES = 30

/** Sends audio and video from one peer of this process to another one, and looks at every frame that arrives. */
export async function mediaCheck(steps: Steps): Promise<void> {
  const alice = new RTCPeerConnection()
  const bob = new RTCPeerConnection()
  const feeds = [
    new Feed('audio', 'audio/opus', opusSilence({ channels: 2 })),
    new Feed('video', 'video/VP8', movingPicture({ width: 160, height: 120 })),
  ]
  try {
    const arriving = Promise.all(arrivals(bob, feeds))
    // Whatever becomes of it is told by the step, which may end before.
    arriving.catch(() => undefined)
    for (const { source } of feeds) alice.addTrack(source.track)
    await steps.run('audio and video', STEP_TIMEOUT_MS, async () => {
      await negotiate(alice, bob)
      return [...(await arriving), await cipherOf(bob)].join(', ')
    })
  } finally {
    for (const feed of feeds) feed.close()
    alice.close()
    bob.close()
  }
}

/** Synthetic frames of a codec, and what they are: it is compared with what arrives. */
class Feed {
  readonly kind: 'audio' | 'video'
  readonly source: EncodedTrackSource
  readonly #sent = new Set<string>()
  readonly #stop: () => void

  constructor(kind: 'audio' | 'video', codec: string, frames: SyntheticSource) {
    this.kind = kind
    this.source = new EncodedTrackSource(kind, { codec })
    this.#stop = play(frames, this.source, ({ data }) => this.#sent.add(bytes(data)))
  }

  /** Resolves when enough frames have come whole; rejects if one is none of those that were sent. */
  async arrives(track: MediaStreamTrack): Promise<string> {
    const sink = new EncodedTrackSink(track)
    let frames = 0
    for await (const { data, codec } of sink) {
      if (!this.#sent.has(bytes(data))) throw new Error(`A frame of ${data.length} bytes did not arrive as it was sent`)
      frames++
      if (frames === FRAMES) return `${frames} frames of ${codec.mimeType.replace(/^.*\//, '')} whole`
    }
    throw new Error(`The ${this.kind} track ended after ${frames} frames`)
  }

  close(): void {
    this.#stop()
    this.source.close()
  }
}

function bytes(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1')
}

function arrivals(connection: RTCPeerConnection, feeds: readonly Feed[]): readonly Promise<string>[] {
  return feeds.map(async feed => await feed.arrives(await trackOf(connection, feed.kind)))
}

function trackOf(connection: RTCPeerConnection, kind: string): Promise<MediaStreamTrack> {
  return new Promise(resolve => {
    connection.addEventListener('track', ({ track }) => track.kind === kind && resolve(track))
  })
}

async function cipherOf(connection: RTCPeerConnection): Promise<string> {
  for (const entry of (await connection.getStats()).values()) {
    const { srtpCipher } = entry as { srtpCipher?: string }
    if (srtpCipher !== undefined) return srtpCipher
  }
  return 'no SRTP'
}

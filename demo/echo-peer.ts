import type { RTCSessionDescriptionInit } from 'icefloe'
import { MediaPeer } from './media-peer.ts'
import { type MediaFacts, mediaFacts } from './rtp-facts.ts'

/** What the page shows of the Node.js end of its echo. */
export interface EchoReport extends MediaFacts {
  /** What was lost on purpose. */
  readonly lost: { readonly percent: number; readonly sent: number; readonly received: number }
}

/** Sends a browser its own camera and microphone back, over a path that may lose some of it. */
export class EchoPeer {
  readonly peer: MediaPeer

  constructor(onClosed: (peer: MediaPeer) => void) {
    this.peer = new MediaPeer(onClosed)
  }

  async answer(offer: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit> {
    const { connection } = this.peer
    connection.addEventListener('track', ({ track, streams }) => connection.addTrack(track, ...streams))
    return await this.peer.answer(offer, () => undefined)
  }

  async report(): Promise<EchoReport> {
    const { percent, lost } = this.peer.path
    return { ...(await mediaFacts(this.peer.connection)), lost: { percent, ...lost } }
  }
}

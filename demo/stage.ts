import type { MediaStreamTrack, RTCPeerConnection, RTCSessionDescriptionInit } from 'icefloe'
import type { MediaPeer } from './media-peer.ts'
import { mediaFacts } from './rtp-facts.ts'
import { TestPicture } from './test-picture.ts'

const SAMPLE_MS = 1000
const PICTURE_SIZE = [320, 240] as const

/** What is on the stage: what a tab sends, or the test picture of this process; and who watches. */
export interface StageReport {
  readonly onStage: 'tab' | 'picture' | null
  /** Counts those who have come on: a page sees by it that it is another one. */
  readonly show: number
  /** Keyframes that the publisher was asked for. */
  readonly keyframeRequests: number
  readonly viewers: readonly ViewerReport[]
}

export interface ViewerReport {
  readonly id: string
  readonly name: string
  readonly bitsPerSecond: number
  /** 0 to 1, as the viewer reports it. */
  readonly fractionLost?: number
  readonly roundTripMs?: number
  readonly repaired: number
}

interface Viewer {
  readonly peer: MediaPeer
  readonly name: string
  bytes: number
  sampledAt: number
  report: ViewerReport
}

interface Publisher {
  readonly kind: 'tab' | 'picture'
  readonly tracks: readonly MediaStreamTrack[]
  readonly connection?: RTCPeerConnection
  readonly leave: () => void
}

/**
 * One publisher, many viewers. Each viewer's connection sends the tracks that the publisher's connection receives:
 * the packets go through as they come, and a viewer's request for a keyframe finds its way back to the publisher.
 */
export class Stage {
  readonly #viewers = new Map<string, Viewer>()
  #publisher: Publisher | undefined
  #keyframeRequests = 0
  #shows = 0
  #names = 0
  #sampler: NodeJS.Timeout | undefined

  get report(): StageReport {
    return {
      onStage: this.#publisher?.kind ?? null,
      show: this.#shows,
      keyframeRequests: this.#keyframeRequests,
      viewers: [...this.#viewers.values()].map(({ report }) => report),
    }
  }

  /** The stage is free, or is about to be. */
  get free(): boolean {
    return this.#publisher === undefined
  }

  /** What a browser sends comes on. It has left when `peer` is closed. */
  async publish(peer: MediaPeer, offer: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit> {
    const tracks: MediaStreamTrack[] = []
    const { connection } = peer
    connection.addEventListener('track', ({ track }) => tracks.push(track))
    this.#publisher = { kind: 'tab', tracks, connection, leave: () => peer.close() }
    return await peer.answer(offer, () => this.#show())
  }

  /** The test picture comes on. */
  async showPicture(): Promise<void> {
    const picture = new TestPicture(...PICTURE_SIZE)
    this.#publisher = { kind: 'picture', tracks: picture.tracks, leave: () => picture.stop() }
    await this.#show()
  }

  async hidePicture(): Promise<void> {
    if (this.#publisher?.kind !== 'picture') return
    const { leave } = this.#publisher
    await this.#clear()
    leave()
  }

  /** A browser watches: it offers to receive, and is sent what is on now and whatever comes on later. */
  async watch(peer: MediaPeer, offer: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit> {
    const name = `Viewer ${++this.#names}`
    const report = { id: peer.id, name, bitsPerSecond: 0, repaired: 0 }
    this.#viewers.set(peer.id, { peer, name, bytes: 0, sampledAt: performance.now(), report })
    this.#sampler ??= setInterval(() => this.#sample().catch(() => undefined), SAMPLE_MS).unref()
    return await peer.answer(offer, async () => {
      for (const transceiver of peer.connection.getTransceivers()) transceiver.direction = 'sendonly'
      await this.#send(peer)
    })
  }

  /** To be called for every peer that was closed. */
  async left(peer: MediaPeer): Promise<void> {
    this.#viewers.delete(peer.id)
    if (this.#viewers.size === 0) {
      clearInterval(this.#sampler)
      this.#sampler = undefined
    }
    if (this.#publisher?.connection === peer.connection) await this.#clear()
  }

  close(): void {
    clearInterval(this.#sampler)
    this.#publisher?.leave()
    this.#publisher = undefined
  }

  async #show(): Promise<void> {
    this.#shows++
    await this.#sendAll()
  }

  async #clear(): Promise<void> {
    this.#publisher = undefined
    this.#keyframeRequests = 0
    await this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    await Promise.all([...this.#viewers.values()].map(({ peer }) => this.#send(peer)))
  }

  /** What is on now; nothing if nobody is. A new track needs no negotiation. */
  async #send({ connection, closed }: MediaPeer): Promise<void> {
    if (closed) return
    const tracks = this.#publisher?.tracks ?? []
    for (const { sender, receiver } of connection.getTransceivers()) {
      const track = tracks.find(({ kind }) => kind === receiver.track.kind) ?? null
      // A viewer who leaves at this moment has no use for it.
      await sender.replaceTrack(track).catch(() => undefined)
    }
  }

  /** What cannot be had of a connection that is being closed is had of the others the next time. */
  async #sample(): Promise<void> {
    await Promise.all([...this.#viewers.values()].map(viewer => sampleViewer(viewer)))
    const connection = this.#publisher?.connection
    if (connection === undefined || connection.signalingState === 'closed') return
    const { video } = await mediaFacts(connection)
    this.#keyframeRequests = video.received.keyframeRequests
  }
}

async function sampleViewer(viewer: Viewer): Promise<void> {
  if (viewer.peer.closed) return
  const { audio, video } = await mediaFacts(viewer.peer.connection)
  const now = performance.now()
  const bytes = audio.sent.bytes + video.sent.bytes
  const bitsPerSecond = Math.max(0, ((bytes - viewer.bytes) * 8000) / Math.max(1, now - viewer.sampledAt))
  const { fractionLost, roundTripMs, repaired } = video.sent
  viewer.bytes = bytes
  viewer.sampledAt = now
  viewer.report = {
    ...{ id: viewer.peer.id, name: viewer.name, bitsPerSecond, repaired },
    ...(fractionLost !== undefined && { fractionLost }),
    ...(roundTripMs !== undefined && { roundTripMs }),
  }
}

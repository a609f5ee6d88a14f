import { EncodedTrackSink, type MediaStreamTrack, type ReceivedFrame } from 'icefloe'
import {
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  FilePathTarget,
  Output,
  WebMOutputFormat,
} from 'mediabunny'

/** A gap in the timestamps of this many seconds is none of the picture's: the sender has begun to count anew. */
const MAX_STEP_SECONDS = 10

/** Nobody tells how long the last frame lasts. */
const LAST_SECONDS = 0.02

interface Timed {
  readonly frame: ReceivedFrame
  /** From the beginning of the file. */
  readonly seconds: number
}

/** Writes VP8 and Opus, as they come from a browser, to a WebM file: nothing is decoded. */
export class WebmRecorder {
  /** Frames written, by kind. */
  readonly frames: { audio: number; video: number } = { audio: 0, video: 0 }
  readonly #output: Output
  #startedAt: number | undefined

  constructor(path: string) {
    this.#output = new Output({ format: new WebMOutputFormat(), target: new FilePathTarget(path) })
  }

  /** Writes until all of these tracks have ended, and then the end of the file. */
  async record(tracks: readonly MediaStreamTrack[]): Promise<void> {
    const writers = tracks.map(track => (track.kind === 'video' ? this.#video(track) : this.#audio(track)))
    await this.#output.start()
    await Promise.all(writers.map(write => write()))
    if (this.frames.audio + this.frames.video > 0) await this.#output.finalize()
    else await this.#output.cancel()
  }

  #video(track: MediaStreamTrack): () => Promise<void> {
    const source = new EncodedVideoPacketSource('vp8')
    this.#output.addVideoTrack(source)
    return async () => {
      for await (const packet of this.#packets(track)) {
        // The first one is a keyframe: later metadata are not looked at.
        const size = packet.type === 'key' ? sizeOf(packet.data) : undefined
        await source.add(packet, size && { decoderConfig: { codec: 'vp8', ...size } })
        this.frames.video++
      }
      source.close()
    }
  }

  #audio(track: MediaStreamTrack): () => Promise<void> {
    const source = new EncodedAudioPacketSource('opus')
    this.#output.addAudioTrack(source)
    const decoderConfig = { codec: 'opus', sampleRate: 48_000, numberOfChannels: 2 }
    return async () => {
      for await (const packet of this.#packets(track)) {
        await source.add(packet, { decoderConfig })
        this.frames.audio++
      }
      source.close()
    }
  }

  /** The frames, each with its time: where its track began by the clock of this host, and by the sender's from there. */
  async *#packets(track: MediaStreamTrack): AsyncGenerator<EncodedPacket> {
    let before: Timed | undefined
    for await (const frame of new EncodedTrackSink(track)) {
      if (frame.codec.mimeType !== (track.kind === 'video' ? 'video/VP8' : 'audio/opus')) continue
      if (before === undefined && !frame.keyframe) continue
      const seconds = this.#timeOf(frame, before)
      // How long a frame lasts is known when the next one is there.
      if (before !== undefined) yield packetOf(before, seconds - before.seconds)
      before = { frame, seconds }
    }
    if (before !== undefined) yield packetOf(before, LAST_SECONDS)
  }

  #timeOf(frame: ReceivedFrame, before: Timed | undefined): number {
    this.#startedAt ??= frame.receivedAt
    const arrived = Math.max(0, (frame.receivedAt - this.#startedAt) / 1000)
    if (before === undefined) return arrived
    // RFC 3550 §5.1: timestamps are numbers of 32 bits, which wrap.
    const step = ((frame.timestamp - before.frame.timestamp) | 0) / frame.codec.clockRate
    const isSane = step > 0 && step < MAX_STEP_SECONDS
    return isSane ? before.seconds + step : Math.max(arrived, before.seconds + 0.001)
  }
}

function packetOf({ frame, seconds }: Timed, duration: number): EncodedPacket {
  return new EncodedPacket(frame.data, frame.keyframe ? 'key' : 'delta', seconds, duration)
}

/** RFC 6386 §9.1: a keyframe of VP8 tells its size in 14 bits each, after three bytes and the start code. */
function sizeOf(data: Uint8Array): { codedWidth: number; codedHeight: number } {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  return { codedWidth: view.getUint16(6, true) & 0x3fff, codedHeight: view.getUint16(8, true) & 0x3fff }
}

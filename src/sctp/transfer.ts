import { Queue } from '../base/queue.ts'
import type { EndpointParameters, PeerParameters } from './chunks.ts'
import type { SctpDropReason } from './errors.ts'
import { Heartbeat } from './heartbeat.ts'
import { maxHeartbeatBytes } from './limits.ts'
import type { ChunkReader, PacketWriter } from './packet.ts'
import { uint16Bytes } from './parameters.ts'
import { CauseCode, ChunkType } from './protocol.ts'
import { DataReceiver, type DataViolation } from './receiver.ts'
import { DataSender } from './sender.ts'
import type { Shared } from './shared.ts'
import { StreamReset } from './stream-reset.ts'
import type { SctpTimer } from './timers.ts'

/**
 * The transfer of data between two ends that have agreed on an association: the sending half, the receiving half, stream
 * resets and heartbeats. Setting up and tearing down is the business of the association.
 */
export class Transfer {
  readonly #shared: Shared
  readonly #maxMessageBytes: number
  readonly #heartbeat: Heartbeat
  readonly sender: DataSender
  /** These two exist from the establishment on. */
  #receiver: DataReceiver | undefined
  #reset: StreamReset | undefined

  constructor(shared: Shared, initialTsn: number, packetSize: number, maxMessageBytes: number) {
    const { roundTrip, deadlines, health, random } = shared
    this.#shared = shared
    this.#maxMessageBytes = maxMessageBytes
    this.#heartbeat = new Heartbeat(random, roundTrip, deadlines)
    this.sender = new DataSender(initialTsn, packetSize, roundTrip, deadlines, health)
  }

  /** Why the association must end, if the last chunk left no other way. */
  get violation(): DataViolation | undefined {
    return this.#receiver?.violation
  }

  get bytesHeld(): number {
    return this.#receiver?.held ?? 0
  }

  /** The highest TSN up to which nothing of the peer's is missing. */
  get cumulativeTsn(): number {
    return this.#receiver?.cumulativeTsn ?? 0
  }

  /** The association is established: from now on data is received as well. */
  establish(local: EndpointParameters, peer: PeerParameters, streamCount: number, now: number): void {
    const { roundTrip, deadlines, events } = this.#shared
    const sender = this.sender
    const receiver = new DataReceiver({
      initialTsn: peer.initialTsn,
      streamCount,
      maxMessageBytes: this.#maxMessageBytes,
      events,
      deadlines,
    })
    this.#receiver = receiver
    this.#reset = new StreamReset({
      sender,
      receiver,
      roundTrip,
      deadlines,
      events,
      peerSupports: peer.reConfig,
      localInitialTsn: local.initialTsn,
      peerInitialTsn: peer.initialTsn,
    })
    sender.resume(now)
    for (const id of [...sender.usedStreams]) {
      const stream = sender.stream(id)
      if (stream.heldForReset !== undefined) this.#reset.wish(stream)
    }
    this.#heartbeat.start(now)
  }

  resetStream(streamId: number): void {
    const stream = this.sender.stream(streamId)
    if (stream.heldForReset !== undefined) return
    stream.heldForReset = new Queue()
    this.#reset?.wish(stream)
  }

  /** A message of so many bytes was fetched by the layer above. */
  fetched(bytes: number): void {
    this.#receiver?.fetched(bytes)
  }

  pathChanged(now: number): void {
    if (this.#receiver !== undefined) this.sender.pathChanged(now)
  }

  /** RFC 9260 §8.3: no heartbeats once the end has begun. */
  stopHeartbeats(): void {
    this.#heartbeat.stop()
  }

  /** Adds whatever is to be sent to a packet (RFC 9260 §6.10: control chunks first). */
  write(writer: PacketWriter, now: number): void {
    const receiver = this.#receiver
    const reset = this.#reset
    if (receiver === undefined || reset === undefined) return
    const others = !writer.isEmpty || reset.wantsToSend || this.sender.wantsToSend(now)
    // RFC 9260 §6.1: what has not been acknowledged goes along with whatever is sent.
    if (receiver.mustSack || (others && receiver.wantsSack)) receiver.writeSack(writer)
    this.#shared.outbox.writeChunks(writer)
    if (reset.wantsToSend) reset.write(writer, now)
    if (this.#heartbeat.isDue) this.#heartbeat.write(writer, now)
    this.sender.write(writer, now)
  }

  /** Adds the DATA that goes with a COOKIE ECHO. Its timer is that of the COOKIE ECHO. */
  writeFirst(writer: PacketWriter, now: number): void {
    this.#shared.outbox.writeChunks(writer)
    this.sender.write(writer, now)
    this.sender.suspend()
  }

  /** Adds what goes with a SHUTDOWN: a SACK, for that tells only the cumulative TSN (RFC 9260 §9.2), and control chunks. */
  writeControl(writer: PacketWriter): void {
    if (this.#receiver?.wantsSack) this.#receiver.writeSack(writer)
    this.#shared.outbox.writeChunks(writer)
  }

  onData(chunk: ChunkReader): SctpDropReason | undefined {
    const refused = this.#receiver?.onData(chunk)
    if (refused === 'invalid-stream') {
      // RFC 9260 §6.5, §3.3.10.1: the stream identifier and two reserved bytes.
      const streamId = uint16Bytes(chunk.view.getUint16(chunk.offset + 4))
      this.#shared.outbox.error(CauseCode.invalidStreamIdentifier, streamId, reserved)
    }
    return refused
  }

  onForwardTsn(chunk: ChunkReader): SctpDropReason | undefined {
    return this.#receiver?.onForwardTsn(chunk)
  }

  onReConfig(chunk: ChunkReader, now: number): SctpDropReason | undefined {
    return this.#reset?.onReConfig(chunk, now)
  }

  onHeartbeat(chunk: ChunkReader): SctpDropReason | undefined {
    if (chunk.length > maxHeartbeatBytes) return 'malformed'
    // RFC 9260 §8.3: everything in it is sent back unchanged.
    this.#shared.outbox.chunk(ChunkType.heartbeatAck, chunk.value.slice())
    return undefined
  }

  onHeartbeatAck(chunk: ChunkReader, now: number): SctpDropReason | undefined {
    if (!this.#heartbeat.onAck(chunk.value, now)) return 'unexpected-chunk'
    this.#shared.health.answered()
    return undefined
  }

  /** All chunks of a packet have been handled. */
  endPacket(now: number): void {
    this.#receiver?.endPacket(now)
    this.#reset?.endPacket(now)
  }

  /** @returns whether the peer failed to answer */
  onTimer(timer: SctpTimer, now: number): boolean {
    switch (timer) {
      case 't3-rtx':
        return this.sender.onRetransmissionTimeout(now)
      case 'probe':
        this.sender.onProbeTimeout(now)
        return false
      case 'reorder':
        this.sender.onReorderTimeout(now)
        return false
      case 'zero-window':
        this.sender.onZeroWindowTimeout()
        return false
      case 'burst':
        this.sender.onBurstTimeout()
        return false
      case 'sack':
        this.#receiver?.onSackTimeout()
        return false
      case 're-config':
        return this.#reset?.onTimeout() ?? false
      case 'heartbeat':
        this.sender.trim()
        this.#receiver?.trim()
        return this.#heartbeat.onTimeout(this.sender.lastSentAt, now)
      default:
        return false
    }
  }
}

const reserved = new Uint8Array(2)

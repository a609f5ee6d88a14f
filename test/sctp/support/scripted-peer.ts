import assert from 'node:assert/strict'

import { SctpAssociation } from '../../../src/sctp/association.ts'
import type { SctpReceived } from '../../../src/sctp/errors.ts'
import type { SctpEvent } from '../../../src/sctp/events.ts'
import type { SctpOptions } from '../../../src/sctp/options.ts'
import { ChunkType } from '../../../src/sctp/protocol.ts'
import { prng } from '../../support/prng.ts'
import { chunk, dissect, packet, parameter, read, u16, u32, type WireChunk, type WirePacket } from './wire.ts'

/** What the peer says of itself in its INIT. */
export interface PeerInit {
  readonly tag?: number
  readonly window?: number
  readonly outboundStreams?: number
  readonly inboundStreams?: number
  readonly initialTsn?: number
  readonly parameters?: readonly number[]
}

/** FORWARD TSN supported, and RE-CONFIG among the supported extensions. */
export const usualExtensions: readonly number[] = [...parameter(0xc000), ...parameter(0x8008, [130, 192])]

export function initValue(init: PeerInit): number[] {
  const { tag = peerTag, window = 1 << 20, outboundStreams = 1024, inboundStreams = 1024 } = init
  const { initialTsn = 1_000, parameters = usualExtensions } = init
  return [
    ...u32(tag),
    ...u32(window),
    ...u16(outboundStreams),
    ...u16(inboundStreams),
    ...u32(initialTsn),
    ...parameters,
  ]
}

export const peerTag = 0x7777_7777

/** An association, and a peer that says exactly what a test wants it to. */
export class ScriptedPeer {
  readonly association: SctpAssociation
  readonly events: SctpEvent[] = []
  now = 1_000
  /** The association's own tag and first TSN, once known. */
  localTag = 0
  localTsn = 0
  /** The next TSN of the peer. */
  tsn: number

  constructor(options: Partial<SctpOptions> = {}, seed = 1, init: PeerInit = {}) {
    const random = prng(seed)
    this.association = new SctpAssociation({ random: length => random.bytes(length), ...options })
    this.tsn = init.initialTsn ?? 1_000
  }

  /** Sets up an association that the peer begins. */
  static establish(options: Partial<SctpOptions> = {}, init: PeerInit = {}): ScriptedPeer {
    const peer = new ScriptedPeer(options, 1, init)
    const [initAck] = peer.exchange(0, chunk(ChunkType.init, 0, initValue(init)))
    peer.learn(initAck)
    const [cookieAck] = peer.send(chunk(ChunkType.cookieEcho, 0, peer.cookieOf(initAck)))
    assert.equal(cookieAck?.chunks[0]?.type, ChunkType.cookieAck)
    assert.equal(peer.association.state, 'established')
    peer.poll()
    return peer
  }

  learn(initAck: WirePacket | undefined): void {
    const value = initAck?.chunks[0]?.value
    assert.ok(value !== undefined && initAck?.chunks[0]?.type === ChunkType.initAck)
    this.localTag = read(value, 0, 4)
    this.localTsn = read(value, 12, 4)
  }

  cookieOf(initAck: WirePacket | undefined): Uint8Array {
    const value = initAck?.chunks[0]?.value ?? new Uint8Array(0)
    for (let at = 16; at + 4 <= value.length; at += (read(value, at + 2, 2) + 3) & ~3) {
      if (read(value, at, 2) === 7) return value.slice(at + 4, at + read(value, at + 2, 2))
    }
    throw new Error('no cookie in this INIT ACK')
  }

  /** Sends a packet with the association's tag and returns what it answers. */
  send(...chunks: readonly Uint8Array[]): WirePacket[] {
    return this.exchange(this.localTag, ...chunks)
  }

  exchange(tag: number, ...chunks: readonly Uint8Array[]): WirePacket[] {
    this.deliver(packet(tag, chunks))
    return this.poll()
  }

  /** Sends a packet and returns only what became of it. */
  deliver(bytes: Uint8Array): SctpReceived {
    return this.association.receive(bytes, this.now)
  }

  /** Everything that the association has to say, after its events were fetched. */
  poll(): WirePacket[] {
    for (let event = this.association.pollEvent(); event; event = this.association.pollEvent()) this.events.push(event)
    const packets: WirePacket[] = []
    for (let bytes = this.association.pollTransmit(this.now); bytes; bytes = this.association.pollTransmit(this.now)) {
      assert.ok(packets.length < 1_000, 'the association does not stop sending')
      packets.push(dissect(bytes))
    }
    return packets
  }

  /** Lets time pass up to the next deadline, and polls. */
  wait(ms = 0): WirePacket[] {
    const due = this.association.pollTimeout()
    this.now = ms > 0 ? this.now + ms : Math.max(due ?? this.now, this.now)
    this.association.handleTimeout(this.now)
    return this.poll()
  }

  messages(): Uint8Array[] {
    return this.events.filter(event => event.type === 'message').map(event => event.data)
  }
}

/** All chunks of some type in some packets. */
export function chunksOf(packets: readonly WirePacket[], type: number): WireChunk[] {
  return packets.flatMap(({ chunks }) => chunks.filter(each => each.type === type))
}

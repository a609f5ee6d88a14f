import assert from 'node:assert/strict'
import { maxHeldFrames, maxUnreadFrames } from '../../../src/pc/encoded-transform/frame-exchange.ts'
import { TransformSlot } from '../../../src/pc/encoded-transform/transform-slot.ts'
import type { StreamContext } from '../../../src/pc/media/track-signal.ts'
import type { RtpPacket } from '../../../src/rtp/packet.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { PacketSource, settle, TestOwner, testCodecs, transformHere } from './support.ts'

const packetsInAll = 100_000

/** A packet with something about it changed. */
function mutate(packet: RtpPacket, random: Prng): RtpPacket {
  const payload = packet.payload.slice(0, random.next() % 4 === 0 ? random.next() % 40 : undefined)
  for (let i = random.next() % 4; i > 0 && payload.length > 0; i--)
    payload[random.next() % Math.min(payload.length, 12)] = random.next()
  const sequenceNumber =
    random.next() % 50 === 0 ? random.next() & 0xffff : (packet.sequenceNumber + (random.next() % 3)) & 0xffff
  const extension = { profile: 0xbede, data: random.bytes(4 * (random.next() % 5)) }
  return {
    ...packet,
    payload,
    sequenceNumber,
    timestamp: random.next() % 8 === 0 ? random.next() : packet.timestamp,
    marker: random.next() % 2 === 0,
    extension: random.next() % 2 === 0 ? extension : undefined,
  }
}

interface Round {
  readonly context: StreamContext
  readonly packets: readonly RtpPacket[]
  readonly ticks: number
}

/** Some frames of each codec. */
function material(random: Prng): Round[] {
  return testCodecs.map(codec => {
    const source = new PacketSource(codec, random)
    const packets = Array.from({ length: 20 }, () => source.next()).flat()
    return { context: source.context, packets, ticks: 20 * codec.ticks }
  })
}

/** The packet of an index, where the frames come round and round. */
function packetAt({ packets, ticks }: Round, index: number): RtpPacket {
  const packet = packets[index % packets.length] ?? assert.fail()
  const rounds = Math.floor(index / packets.length)
  const sequenceNumber = (packet.sequenceNumber + rounds * packets.length) & 0xffff
  return { ...packet, sequenceNumber, timestamp: (packet.timestamp + rounds * ticks) >>> 0 }
}

describe('a transform that is given rubbish', () => {
  for (const side of ['sender', 'receiver'] as const) {
    it(`neither throws nor keeps more than its bounds on the side of the ${side}`, async () => {
      const seed = side === 'sender' ? 11 : 12
      const random = prng(seed)
      const rounds = material(random)
      const owner = new TestOwner({ kind: 'video', side })
      const slot = new TransformSlot(owner)
      let given = 0
      const entry = slot.attach({
        packet: () => {
          given++
          return random.next() % 100 !== 0
        },
      })
      const pipe = transformHere(slot, frame => {
        const choice = random.next() % 8
        if (choice === 0) frame.data = new ArrayBuffer(0)
        else if (choice === 1) frame.data = Uint8Array.from(random.bytes(random.next() % 64)).buffer
      })
      for (let i = 0; i < packetsInAll / 2; i++) {
        const round = rounds[i % rounds.length] ?? assert.fail()
        const other = rounds[random.next() % rounds.length] ?? assert.fail()
        const context = random.next() % 100 === 0 ? other.context : round.context
        const packet = packetAt(round, Math.floor(i / rounds.length))
        entry.packet(random.next() % 4 === 0 ? mutate(packet, random) : packet, context, undefined)
        if (i % 16 === 0) owner.pass(20)
        if (i % 32 === 0) await settle()
      }
      owner.pass(10_000)
      await settle()
      const { framesOffered, framesWritten, droppedFrames, droppedPackets } = slot.statistics
      assert.ok(given > 1_000 && framesWritten > 1_000, `seed ${seed}: ${framesWritten} of ${framesOffered} frames`)
      assert.ok(droppedFrames.empty > 0 && droppedFrames['bad-frame'] > 0, `seed ${seed}`)
      assert.ok(droppedPackets.unusable > 0, `seed ${seed}`)
      assert.ok(
        framesOffered - framesWritten - droppedFrames.empty - droppedFrames['bad-frame'] <=
          maxUnreadFrames + maxHeldFrames,
      )
      slot.close()
      await pipe
      assert.equal(owner.timers, 0)
    })
  }
})

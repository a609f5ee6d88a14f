import type { ByteWriter } from '../../base/bytes.ts'
import { RtpError } from '../errors.ts'
import { read16, read24 } from '../wire.ts'
import { readHead, writeHead } from './feedback.ts'
import type { PacketArrival, TransportFeedback } from './types.ts'

/**
 * The packets that one feedback may tell about. A run of 8191 takes two bytes, so that a short message could otherwise ask
 * for much more memory than it has itself.
 */
export const maxFeedbackPackets = 8_192

/** draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.1. */
const notReceived = 0
const smallDelta = 1
const largeDelta = 2
const withoutDelta = 3

/** Times are counted in steps of 250 us; the reference time in steps of 64 ms. */
const ticksPerMs = 4
const ticksPerReference = 256

const maxRunLength = 0x1fff
/** The feedback control information before the chunks: base, count, reference time and feedback count. */
const fixedBytes = 16

/** @param body what follows the first four bytes of the packet; undefined if it contradicts itself */
export function readTransportFeedback(body: Uint8Array): TransportFeedback | undefined {
  if (body.length < fixedBytes) return undefined
  const count = read16(body, 10)
  if (count === 0 || count > maxFeedbackPackets) return undefined
  const symbols = new Uint8Array(count)
  const deltasAt = readChunks(body, symbols)
  if (deltasAt < 0) return undefined
  const packets = readDeltas(body, deltasAt, symbols)
  return packets && { type: 'transport-feedback', ...readHead(body), feedbackCount: body[15] as number, packets }
}

/**
 * @throws {RtpError} `bad-value` where there are gaps, no packets or too many, or two arrivals that are more than 8 s
 *   apart: they need a feedback each
 */
export function writeTransportFeedback(writer: ByteWriter, feedback: TransportFeedback): void {
  const { packets } = feedback
  const base = packets[0]?.sequenceNumber
  if (base === undefined || packets.length > maxFeedbackPackets) {
    throw new RtpError('bad-value', `a feedback about ${packets.length} packets`)
  }
  const reference = referenceOf(packets)
  const symbols = new Uint8Array(packets.length)
  const deltas: number[] = []
  let last = reference * ticksPerReference
  for (const [i, packet] of packets.entries()) {
    if (packet.sequenceNumber !== ((base + i) & 0xffff)) throw new RtpError('bad-value', 'a feedback without a packet')
    if (packet.received && packet.receivedAt === undefined) symbols[i] = withoutDelta
    if (packet.receivedAt === undefined) continue
    const ticks = Math.floor(packet.receivedAt * ticksPerMs)
    const delta = ticks - last
    last = ticks
    symbols[i] = delta >= 0 && delta <= 0xff ? smallDelta : largeDelta
    if (delta < -0x8000 || delta > 0x7fff) throw new RtpError('bad-value', `arrivals ${delta / ticksPerMs} ms apart`)
    deltas.push(delta)
  }
  writeHead(writer, feedback)
  writer.uint16(base).uint16(packets.length)
  writer.uint24(reference & 0xff_ffff).uint8(feedback.feedbackCount)
  writeChunks(writer, symbols)
  writeDeltas(writer, symbols, deltas)
}

/** Reads the status of every packet. @returns where the chunks end, or -1 if they tell about too few packets */
function readChunks(body: Uint8Array, symbols: Uint8Array): number {
  let at = fixedBytes
  for (let i = 0; i < symbols.length; at += 2) {
    if (at + 2 > body.length) return -1
    const chunk = read16(body, at)
    if (chunk < 0x8000) {
      const run = chunk & maxRunLength
      // A run of nothing would only make the walk longer.
      if (run === 0) return -1
      symbols.fill(chunk >>> 13, i, i + run)
      i += run
    } else {
      // §3.1.4: one bit a packet, or two. (Its text and its example contradict each other; a set bit means "received".)
      const wide = (chunk & 0x4000) !== 0
      const symbolBits = wide ? 2 : 1
      for (let shift = 14 - symbolBits; shift >= 0 && i < symbols.length; shift -= symbolBits, i++) {
        symbols[i] = (chunk >>> shift) & (wide ? 3 : 1)
      }
    }
  }
  return at
}

function readDeltas(body: Uint8Array, at: number, symbols: Uint8Array): readonly PacketArrival[] | undefined {
  let needed = 0
  for (const symbol of symbols) needed += symbol === smallDelta ? 1 : symbol === largeDelta ? 2 : 0
  // transport-wide-cc-02.md: on request, a feedback leaves out the timing; then nothing but fill follows the chunks.
  const timed = at + needed <= body.length
  if (!timed && body.length - at >= 4) return undefined
  const base = read16(body, 8)
  let ticks = ((read24(body, 12) << 8) >> 8) * ticksPerReference
  const packets: PacketArrival[] = []
  for (const [i, symbol] of symbols.entries()) {
    const sequenceNumber = (base + i) & 0xffff
    const received = symbol !== notReceived
    if (!timed || !received || symbol === withoutDelta) {
      packets.push({ sequenceNumber, received, receivedAt: undefined })
      continue
    }
    ticks += symbol === smallDelta ? (body[at] as number) : (read16(body, at) << 16) >> 16
    at += symbol === smallDelta ? 1 : 2
    packets.push({ sequenceNumber, received, receivedAt: ticks / ticksPerMs })
  }
  return packets
}

/** The reference time, in steps of 64 ms, that makes the first delta a small one. */
function referenceOf(packets: readonly PacketArrival[]): number {
  const first = packets.find(packet => packet.receivedAt !== undefined)?.receivedAt ?? 0
  return Math.floor((first * ticksPerMs) / ticksPerReference)
}

function writeChunks(writer: ByteWriter, symbols: Uint8Array): void {
  for (let i = 0; i < symbols.length; ) {
    const symbol = symbols[i] as number
    let run = 1
    while (run < maxRunLength && symbols[i + run] === symbol) run++
    const bits = run >= 14 ? 0 : vectorBits(symbols, i)
    // A run says more than a vector if it is longer than what the vector holds, or if it ends the list.
    if (bits === 0 || run > 14 / bits || i + run === symbols.length) {
      writer.uint16((symbol << 13) | run)
      i += run
      continue
    }
    let chunk = bits === 2 ? 0xc000 : 0x8000
    for (let shift = 14 - bits; shift >= 0 && i < symbols.length; shift -= bits, i++) {
      chunk |= (symbols[i] as number) << shift
    }
    writer.uint16(chunk)
  }
}

/** How many bits each symbol of the next vector needs. */
function vectorBits(symbols: Uint8Array, at: number): 1 | 2 {
  const end = Math.min(at + 14, symbols.length)
  for (let i = at; i < end; i++) if ((symbols[i] as number) > smallDelta) return 2
  return 1
}

function writeDeltas(writer: ByteWriter, symbols: Uint8Array, deltas: readonly number[]): void {
  let next = 0
  for (const symbol of symbols) {
    if (symbol !== smallDelta && symbol !== largeDelta) continue
    const delta = deltas[next++] as number
    if (symbol === smallDelta) writer.uint8(delta)
    else writer.uint16(delta & 0xffff)
  }
  // The whole packet is words: the fill brings chunks and deltas to a multiple of four.
  writer.zeros(-writer.length & 3)
}

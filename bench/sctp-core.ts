/**
 * Two SCTP associations joined in memory: what the SCTP layer itself costs, without DTLS, sockets and the event loop.
 *
 * Run with `npx tsx bench/sctp-core.ts [seconds]`. It works in turns like those of a driver: an end takes up to 32 packets, then is
 * polled for events and packets. Time is charged to the end that is at work.
 */
import { randomBytes } from 'node:crypto'

import { SctpAssociation } from '../src/sctp/association.ts'

const seconds = Number(process.argv[2] ?? 3)
const packetsPerTurn = 32
const highWater = 1 << 20

interface Figures {
  readonly bytes: number
  readonly messages: number
  readonly packets: number
  readonly acks: number
  readonly senderMs: number
  readonly receiverMs: number
}

function measure(size: number, ppid: number, ordered: boolean): Figures {
  const random = (length: number): Uint8Array => randomBytes(length)
  const a = new SctpAssociation({ random })
  const b = new SctpAssociation({ random })
  const message = new Uint8Array(randomBytes(size))
  const toA: Buffer[] = []
  const toB: Buffer[] = []
  let bytes = 0
  let messages = 0
  let senderMs = 0
  let receiverMs = 0
  const turn = (end: SctpAssociation, inbound: Buffer[], outbound: Buffer[], now: number): void => {
    for (const packet of inbound.splice(0, packetsPerTurn)) end.receive(packet, now)
    for (let event = end.pollEvent(); event !== undefined; event = end.pollEvent()) {
      if (event.type !== 'message') continue
      bytes += event.data.length
      messages++
    }
    const due = end.pollTimeout()
    if (due !== undefined && due <= now) end.handleTimeout(now)
    for (let packet = end.pollTransmit(now); packet !== undefined; packet = end.pollTransmit(now)) {
      outbound.push(Buffer.from(packet))
    }
  }
  const run = (ms: number): void => {
    const until = performance.now() + ms
    for (let now = performance.now(); now < until; ) {
      while (a.state === 'established' && a.bufferedAmount(0) < highWater) a.send(0, ppid, message, { ordered }, now)
      turn(a, toA, toB, now)
      const middle = performance.now()
      senderMs += middle - now
      while (toB.length > 0) turn(b, toB, toA, performance.now())
      turn(b, toB, toA, performance.now())
      now = performance.now()
      receiverMs += now - middle
    }
  }
  a.connect(performance.now())
  b.connect(performance.now())
  run(500)
  const before = { bytes, messages, sent: a.statistics.packetsSent, acks: b.statistics.packetsSent }
  senderMs = 0
  receiverMs = 0
  run(seconds * 1000)
  return {
    bytes: bytes - before.bytes,
    messages: messages - before.messages,
    packets: a.statistics.packetsSent - before.sent,
    acks: b.statistics.packetsSent - before.acks,
    senderMs,
    receiverMs,
  }
}

function report(name: string, figures: Figures): void {
  const { bytes, messages, packets, acks, senderMs, receiverMs } = figures
  const ms = senderMs + receiverMs
  console.log(
    [
      name.padEnd(28),
      `${(bytes / 1e3 / ms).toFixed(1)} MB/s`,
      `${Math.round((messages / ms) * 1e3)} messages/s`,
      `us/packet: sender ${((senderMs / packets) * 1e3).toFixed(2)}, receiver ${((receiverMs / packets) * 1e3).toFixed(2)}`,
      `us/message: sender ${((senderMs / messages) * 1e3).toFixed(2)}, receiver ${((receiverMs / messages) * 1e3).toFixed(2)}`,
      `packets/ack ${(packets / acks).toFixed(1)}`,
    ].join(' | '),
  )
}

// Both ends run on one core here: with a process for each, throughput is that of the slower one.
report('64 KiB ordered', measure(65_536, 53, true))
report('64 KiB unordered', measure(65_536, 53, false))
report('16 KiB ordered', measure(16_384, 53, true))
report('1144 bytes ordered', measure(1_144, 53, true))
report('100 bytes ordered', measure(100, 51, true))
report('100 bytes unordered', measure(100, 51, false))

/**
 * RTP between two connections as an application has it, over real sockets of the loopback interface, between two processes: what
 * a packet costs each side, how many a second arrive without loss, and how many when the sender does not stop.
 *
 *   npx tsx bench/rtp.ts [seconds of a trial]
 *
 * CPU time is that of the process that sends or receives, its other threads included. Two other runs tell what it is made of: the
 * sockets alone, and SRTP by itself.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { TransportAddress } from '../src/base/address.ts'
import { RTCPeerConnection, RtpTrackSink, RtpTrackSource } from '../src/index.ts'
import { createSystemEnvironment } from '../src/net/system-environment.ts'
import { srtpProfilePreference } from '../src/pc/srtp-port.ts'
import { serializeRtp } from '../src/rtp/packet.ts'
import { keyingMaterialLength, SrtpSession, srtpProfile } from '../src/srtp/index.ts'

const packetBytes = 1200
const usualRate = 20_000
/** The search for the lossless rate goes on between rates of which the one is this much above the other. */
const searchSteps = 4
const maxLoss = 0.001
const floodBurst = 32
const payload = randomBytes(packetBytes - 12)
const { network } = createSystemEnvironment()

type Mode = 'socket' | 'connection'

/** What each process does when it is told to. */
type Command =
  | { readonly type: 'offer'; readonly mode: Mode }
  | { readonly type: 'answer'; readonly mode: Mode; readonly description: string }
  | { readonly type: 'accept'; readonly description: string }
  | { readonly type: 'send'; readonly rate: number; readonly seconds: number }
  | { readonly type: 'mark' }

interface Answer {
  readonly description?: string
  readonly packets?: number
  /** Packets that were refused, in place of being sent. */
  readonly refused?: number
  readonly cpu?: number
}

/** One end of what packets go over. */
interface Medium {
  offer(): Promise<string>
  answer(offer: string): Promise<string>
  accept(answer: string): Promise<void>
  /** @returns false if it takes no more now */
  send(packet: Uint8Array): boolean
  received(): number
  close(): void
}

interface Trial {
  readonly sent: number
  readonly received: number
  readonly refused: number
  /** Microseconds of CPU for each packet. */
  readonly cost: readonly [sender: number, receiver: number]
}

async function main(seconds: number): Promise<void> {
  const [sender, receiver] = [new Remote(), new Remote()]
  console.log(`${packetBytes}-byte packets; us of CPU for each    send  receive`)
  const costs = new Map<Mode, readonly [number, number]>()
  for (const mode of ['socket', 'connection'] as const) {
    await connect(sender, receiver, mode)
    await measure(sender, receiver, usualRate, 1)
    costs.set(mode, (await measure(sender, receiver, usualRate, seconds)).cost)
  }
  const [profile] = srtpProfilePreference
  printCost(`connections, ${usualRate} packets a second`, costs.get('connection'))
  printCost('  sockets alone', costs.get('socket'))
  if (profile !== undefined) printCost(`  ${srtpProfile(profile).name} alone`, srtpCost(profile))
  const best = await findLossless(sender, receiver, seconds)
  console.log(`without loss: ${Math.round(best.received / seconds)} packets a second`)
  printCost('  at that rate', best.cost)
  const flooded = await measure(sender, receiver, 0, seconds)
  const [sent, received] = [flooded.sent, flooded.received].map(count => Math.round(count / seconds))
  console.log(`flooded: ${sent} packets a second sent, ${flooded.refused} refused in all, ${received} received`)
  printCost('  then', flooded.cost)
  sender.close()
  receiver.close()
}

function printCost(title: string, [send, receive]: readonly [number, number] = [Number.NaN, Number.NaN]): void {
  console.log(`${title.padEnd(40)}${send.toFixed(1).padStart(5)}${receive.toFixed(1).padStart(9)}`)
}

async function connect(sender: Remote, receiver: Remote, mode: Mode): Promise<void> {
  const { description: offer = '' } = await sender.call({ type: 'offer', mode })
  const { description: answer = '' } = await receiver.call({ type: 'answer', mode, description: offer })
  await sender.call({ type: 'accept', description: answer })
}

async function measure(sender: Remote, receiver: Remote, rate: number, seconds: number): Promise<Trial> {
  const mark = (): Promise<Answer[]> => Promise.all([sender, receiver].map(each => each.call({ type: 'mark' })))
  const before = await mark()
  const { packets: sent = 0, refused = 0 } = await sender.call({ type: 'send', rate, seconds })
  await sleep(250)
  const after = await mark()
  const spent = (side: 0 | 1): number => (after[side]?.cpu ?? 0) - (before[side]?.cpu ?? 0)
  const received = (after[1]?.packets ?? 0) - (before[1]?.packets ?? 0)
  return { sent, received, refused, cost: [spent(0) / sent, spent(1) / received] }
}

/** The highest rate that arrives whole: doubled till it does not, then halving what is between. */
async function findLossless(sender: Remote, receiver: Remote, seconds: number): Promise<Trial> {
  let best: Trial = { sent: 0, received: 0, refused: 0, cost: [Number.NaN, Number.NaN] }
  const arrives = async (rate: number): Promise<boolean> => {
    const trial = await measure(sender, receiver, rate, seconds)
    const whole = trial.sent >= 0.97 * rate * seconds && trial.received >= (1 - maxLoss) * trial.sent
    if (whole) best = trial
    return whole
  }
  let [low, high] = [0, 4_000]
  while (await arrives(high)) [low, high] = [high, 2 * high]
  for (let step = 0; step < searchSteps; step++) {
    const rate = Math.round((low + high) / 2)
    if (await arrives(rate)) low = rate
    else high = rate
  }
  return best
}

/** Microseconds of protecting a packet and of taking it: medians. */
function srtpCost(id: number): readonly [number, number] {
  const keyingMaterial = randomBytes(keyingMaterialLength(srtpProfile(id)))
  const client = new SrtpSession({ profile: id, keyingMaterial, role: 'client' })
  const server = new SrtpSession({ profile: id, keyingMaterial, role: 'server' })
  const [protecting, taking]: [number[], number[]] = [[], []]
  for (let round = 0; round < 60; round++) {
    const packets = Array.from({ length: 500 }, (_, index) => packet(round * 500 + index))
    const start = cpuMicroseconds()
    const sealed = packets.map(each => client.protect(each))
    const middle = cpuMicroseconds()
    for (const each of sealed) if ('drop' in each || 'drop' in server.unprotect(each)) throw new Error('dropped')
    protecting.push((middle - start) / packets.length)
    taking.push((cpuMicroseconds() - middle) / packets.length)
  }
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >>> 1] ?? Number.NaN
  return [median(protecting), median(taking)]
}

function packet(number: number): Uint8Array {
  const head = { payloadType: 96, ssrc: 0x1234_5678, marker: false, csrcs: [], extension: undefined, paddingLength: 0 }
  return serializeRtp({ ...head, sequenceNumber: number & 0xffff, timestamp: (30 * number) >>> 0, payload })
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** A process of its own at the other end of a pipe. */
class Remote {
  readonly #child = fork(fileURLToPath(import.meta.url), ['end'])

  constructor() {
    this.#child.once('exit', code => {
      if (code !== 0) process.exit(1)
    })
  }

  call(command: Command): Promise<Answer> {
    this.#child.send(command)
    return new Promise(resolve => {
      this.#child.once('message', answer => resolve(answer as Answer))
    })
  }

  close(): void {
    this.#child.disconnect()
  }
}

function serve(): void {
  let medium: Medium | undefined
  let number = 0
  const open = async (mode: Mode): Promise<Medium> => {
    medium?.close()
    medium = await (mode === 'socket' ? openSocket() : openConnection())
    return medium
  }
  const handle = async (command: Command): Promise<Answer> => {
    switch (command.type) {
      case 'offer':
        return { description: await (await open(command.mode)).offer() }
      case 'answer':
        return { description: await (await open(command.mode)).answer(command.description) }
      case 'accept':
        await medium?.accept(command.description)
        return {}
      case 'send': {
        let refused = 0
        const send = (): void => {
          if (medium?.send(packet(number++)) === false) refused++
        }
        const written = await sendFor(send, command.rate, command.seconds)
        return { packets: written - refused, refused }
      }
      case 'mark':
        return { packets: medium?.received() ?? 0, cpu: cpuMicroseconds() }
    }
  }
  process.on('message', (command: Command) => void handle(command).then(answer => process.send?.(answer)))
  process.on('disconnect', () => process.exit())
}

/** Every millisecond, what is due by then; or with a rate of 0, as much as can be, a burst in each turn. */
async function sendFor(send: () => void, rate: number, seconds: number): Promise<number> {
  const start = performance.now()
  let sent = 0
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - start) {
    const due = rate === 0 ? floodBurst : Math.floor((elapsed * rate) / 1_000) - sent
    // After a pause not all at once, which would overflow the buffer of the other side.
    const count = Math.min(due, 2 * floodBurst)
    for (let i = 0; i < count; i++) send()
    sent += count
    await (rate === 0 || due > count ? nextTurn() : sleep(1))
  }
  return sent
}

async function openSocket(): Promise<Medium> {
  let received = 0
  let peer: TransportAddress | undefined
  const socket = await network.bindUdp('127.0.0.1', 0, () => received++)
  const accept = async (description: string): Promise<void> => {
    peer = JSON.parse(description) as TransportAddress
  }
  return {
    offer: async () => JSON.stringify(socket.local),
    answer: async offer => {
      await accept(offer)
      return JSON.stringify(socket.local)
    },
    accept,
    send: data => {
      if (peer !== undefined) socket.send(data, peer)
      return peer !== undefined
    },
    received: () => received,
    close: () => socket.close(),
  }
}

async function openConnection(): Promise<Medium> {
  let received = 0
  const pc = new RTCPeerConnection()
  const source = new RtpTrackSource('video')
  pc.ontrack = ({ track }) => {
    new RtpTrackSink(track).onpacket = () => received++
  }
  const describe = async (): Promise<string> => {
    await pc.setLocalDescription()
    while (pc.iceGatheringState !== 'complete') await sleep(1)
    return pc.localDescription?.sdp ?? ''
  }
  return {
    offer: () => {
      pc.addTransceiver(source.track, { direction: 'sendonly' })
      return describe()
    },
    answer: async sdp => {
      await pc.setRemoteDescription({ type: 'offer', sdp })
      return describe()
    },
    accept: async sdp => {
      await pc.setRemoteDescription({ type: 'answer', sdp })
      while (pc.connectionState !== 'connected') await sleep(1)
    },
    send: data => source.write(data),
    received: () => received,
    close: () => pc.close(),
  }
}

if (process.argv[2] === 'end') serve()
else await main(Number(process.argv[2] ?? 2))

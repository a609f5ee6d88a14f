/**
 * One sender to many receivers, as a media server forwards: each packet is written once to a track that many connections send.
 * What it costs this process for each receiver, beside what protecting and sending it costs there by themselves.
 *
 *   npx tsx bench/fan-out.ts [receivers] [packets a second] [seconds]
 *
 * The receivers are connections in another process, over real sockets of the loopback interface.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { RTCPeerConnection, RtpTrackSink, RtpTrackSource } from '../src/index.ts'
import { createSystemEnvironment } from '../src/net/system-environment.ts'
import { srtpProfilePreference } from '../src/pc/srtp-port.ts'
import { serializeRtp } from '../src/rtp/packet.ts'
import { keyingMaterialLength, SrtpSession, srtpProfile } from '../src/srtp/index.ts'

const packetBytes = 1200
const payload = randomBytes(packetBytes - 12)

/** To the receivers: an offer for one more of them, or a question; and what they answer. */
type Question = { readonly type: 'offer'; readonly sdp: string } | { readonly type: 'count' }
interface Answer {
  readonly sdp?: string
  readonly packets?: number
}

/** Microseconds of CPU for each packet and receiver. */
interface Cost {
  readonly us: number
  readonly packets: number
}

async function main(receivers: number, rate: number, seconds: number): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['receivers'])
  const ask = (question: Question): Promise<Answer> => {
    child.send(question)
    return new Promise(resolve => {
      child.once('message', answer => resolve(answer as Answer))
    })
  }
  const source = new RtpTrackSource('video')
  const connections: RTCPeerConnection[] = []
  for (let i = 0; i < receivers; i++) connections.push(await connect(source, ask))
  const write = (data: Uint8Array): void => {
    source.write(data)
  }
  await run(write, receivers, rate, 1)
  const { packets: before = 0 } = await ask({ type: 'count' })
  const whole = await run(write, receivers, rate, seconds)
  await sleep(300)
  const { packets: after = 0 } = await ask({ type: 'count' })
  for (const each of connections) each.close()
  const wanted = whole.packets * receivers
  console.log(`one packet of ${packetBytes} bytes to ${receivers} receivers, ${rate} packets a second`)
  console.log(`${(100 * (after - before)) / wanted} % of ${wanted} arrived; us of CPU for each receiver:`)
  const parts = { connections: whole, SRTP: await protects(receivers, rate, seconds) }
  const costs = { ...parts, sockets: await sends(receivers, rate, seconds) }
  for (const [part, { us }] of Object.entries(costs)) console.log(`${part.padEnd(12)} ${us.toFixed(1).padStart(5)}`)
  child.disconnect()
}

async function connect(
  source: RtpTrackSource,
  ask: (question: Question) => Promise<Answer>,
): Promise<RTCPeerConnection> {
  const pc = new RTCPeerConnection()
  pc.addTransceiver(source.track, { direction: 'sendonly' })
  const { sdp = '' } = await ask({ type: 'offer', sdp: await describe(pc) })
  await pc.setRemoteDescription({ type: 'answer', sdp })
  while (pc.connectionState !== 'connected') await sleep(1)
  return pc
}

async function describe(pc: RTCPeerConnection): Promise<string> {
  await pc.setLocalDescription()
  while (pc.iceGatheringState !== 'complete') await sleep(1)
  return pc.localDescription?.sdp ?? ''
}

/** Writes packets at an even rate. */
async function run(write: (data: Uint8Array) => void, receivers: number, rate: number, seconds: number): Promise<Cost> {
  const start = performance.now()
  const cpu = cpuMicroseconds()
  const head = { payloadType: 96, ssrc: 0x1234_5678, marker: false, csrcs: [], extension: undefined, paddingLength: 0 }
  let packets = 0
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - start) {
    for (; packets < (elapsed * rate) / 1_000; packets++, number++) {
      write(serializeRtp({ ...head, sequenceNumber: number & 0xffff, timestamp: (30 * number) >>> 0, payload }))
    }
    await sleep(1)
  }
  return { us: (cpuMicroseconds() - cpu) / (packets * receivers), packets }
}

/** Over all runs, so that sequence numbers go on. */
let number = 0

/** Protecting alone. */
function protects(receivers: number, rate: number, seconds: number): Promise<Cost> {
  const [profile = 1] = srtpProfilePreference
  const sessions = Array.from({ length: receivers }, () => {
    const keyingMaterial = randomBytes(keyingMaterialLength(srtpProfile(profile)))
    return new SrtpSession({ profile, keyingMaterial, role: 'client' })
  })
  const write = (data: Uint8Array): void => {
    for (const session of sessions) session.protect(data)
  }
  return run(write, receivers, rate, seconds)
}

/** Sending alone, to sockets that nobody reads much from. */
async function sends(receivers: number, rate: number, seconds: number): Promise<Cost> {
  const { network } = createSystemEnvironment()
  const bind = (): ReturnType<typeof network.bindUdp> => network.bindUdp('127.0.0.1', 0, () => {})
  const [target, ...sockets] = await Promise.all(Array.from({ length: receivers + 1 }, bind))
  if (target === undefined) throw new Error('no socket')
  const write = (data: Uint8Array): void => {
    for (const socket of sockets) socket.send(data, target.local)
  }
  const cost = await run(write, receivers, rate, seconds)
  for (const socket of [target, ...sockets]) socket.close()
  return cost
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

function receive(): void {
  let packets = 0
  const answer = async (question: Question): Promise<Answer> => {
    if (question.type === 'count') return { packets }
    const pc = new RTCPeerConnection()
    pc.ontrack = ({ track }) => {
      new RtpTrackSink(track).onpacket = () => packets++
    }
    await pc.setRemoteDescription({ type: 'offer', sdp: question.sdp })
    return { sdp: await describe(pc) }
  }
  process.on('message', (question: Question) => void answer(question).then(given => process.send?.(given)))
  process.on('disconnect', () => process.exit())
}

if (process.argv[2] === 'receivers') receive()
else await main(Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 200), Number(process.argv[4] ?? 3))

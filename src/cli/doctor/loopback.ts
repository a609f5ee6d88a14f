import type { Environment } from '../../base/environment.ts'
import { explainPairs } from '../../ice/index.ts'
import { type ConnectionReport, explainConnection } from '../../pc/connection-report.ts'
import type { RTCDataChannel } from '../../pc/rtc-data-channel.ts'
import { RTCPeerConnection } from '../../pc/rtc-peer-connection.ts'
import { milliseconds, printable, rounded } from '../output.ts'
import type { Finding } from './finding.ts'

/** Longer than a host takes for a connection with itself if anything works at all; without candidates nothing will. */
const connectLimitMs = 10_000
const hopelessLimitMs = 1_000

/** Lines of the explanation that are shown: a host with many addresses has many pairs. */
const maxLines = 16

/** Sent there and back. */
const messageBytes = 64 * 1024

/**
 * Connects two ends on this host and sends a message there and back.
 *
 * @param hopeful whether this host has candidates
 */
export async function examineLoopback(environment: Environment, hopeful: boolean): Promise<Finding> {
  const limitMs = hopeful ? connectLimitMs : hopelessLimitMs
  const peers = [new RTCPeerConnection({}, { environment }), new RTCPeerConnection({}, { environment })] as const
  const outcome = await Promise.race([talk(...peers, environment), limit(limitMs, environment)])
  const cipher = await cipherOf(peers[0])
  const report = explainConnection(peers[0])
  for (const peer of peers) peer.close()
  return {
    topic: 'connection',
    status: typeof outcome === 'object' ? 'ok' : 'fail',
    title: `Connection of this host with itself: ${describe(outcome, limitMs)}`,
    lines: [...(cipher === undefined ? [] : [`DTLS with ${cipher}.`]), ...shorten(report.lines)],
    data: {
      ...(typeof outcome === 'object' ? { openMs: rounded(outcome.openMs), echoMs: rounded(outcome.echoMs) } : {}),
      ...reportData(report),
    },
  }
}

/** What became of the two: how long it took, or why there is nothing to measure. */
type Outcome = { readonly openMs: number; readonly echoMs: number } | 'timeout' | 'damaged'

async function talk(one: RTCPeerConnection, two: RTCPeerConnection, { clock, random }: Environment): Promise<Outcome> {
  const begun = clock.now()
  const channel = one.createDataChannel('doctor')
  channel.binaryType = 'arraybuffer'
  two.ondatachannel = ({ channel: other }) => {
    other.onmessage = ({ data }) => other.send(data)
  }
  signalCandidates(one, two)
  signalCandidates(two, one)
  await one.setLocalDescription()
  await two.setRemoteDescription(descriptionOf(one))
  await two.setLocalDescription()
  await one.setRemoteDescription(descriptionOf(two))
  await once(channel, 'open')
  const openMs = clock.now() - begun
  const message = random(messageBytes)
  channel.send(message as Uint8Array<ArrayBuffer>)
  const { data } = await once(channel, 'message')
  if (!Buffer.from(data as ArrayBuffer).equals(message)) return 'damaged'
  return { openMs, echoMs: clock.now() - begun - openMs }
}

function descriptionOf({ localDescription }: RTCPeerConnection): { type: 'offer' | 'answer'; sdp: string } {
  return { type: localDescription?.type === 'answer' ? 'answer' : 'offer', sdp: localDescription?.sdp ?? '' }
}

/** Trickles; what comes before the other end knows the description is in the description. */
function signalCandidates(from: RTCPeerConnection, to: RTCPeerConnection): void {
  from.onicecandidate = ({ candidate }) => {
    if (candidate === null) return
    // One that comes too early or too late is refused.
    to.addIceCandidate(candidate.toJSON()).catch(() => {})
  }
}

function once<Type extends 'open' | 'message'>(channel: RTCDataChannel, type: Type): Promise<MessageEvent> {
  return new Promise(resolve => channel.addEventListener(type, event => resolve(event as MessageEvent), { once: true }))
}

function limit(limitMs: number, { timers }: Environment): Promise<'timeout'> {
  return new Promise(resolve => timers.set(limitMs, () => resolve('timeout')))
}

async function cipherOf(peer: RTCPeerConnection): Promise<string | undefined> {
  for (const { type, dtlsCipher } of (await peer.getStats()).values()) {
    if (type === 'transport' && typeof dtlsCipher === 'string') return dtlsCipher
  }
  return undefined
}

function describe(outcome: Outcome, limitMs: number): string {
  if (outcome === 'timeout') return `none after ${limitMs / 1000} s`
  if (outcome === 'damaged') return 'what came back was not what was sent'
  return `open after ${milliseconds(outcome.openMs)}, data there and back in ${milliseconds(outcome.echoMs)}`
}

function shorten(lines: readonly string[]): string[] {
  const shown = lines.slice(0, maxLines).map(line => printable(line, 300))
  return lines.length > maxLines ? [...shown, `and ${lines.length - maxLines} lines more`] : shown
}

/** For programs, with what happened to each pair since the first of all happenings. */
function reportData({
  lines,
  pairs,
  connectionState,
  iceConnectionState,
  dtlsState,
  packetsDropped,
}: ConnectionReport): object {
  const start = Math.min(...pairs.flatMap(({ history }) => history.map(({ at }) => at)))
  const [, ...explanations] = explainPairs(pairs)
  return {
    ...{ connectionState, iceConnectionState, dtlsState, packetsDropped, lines },
    pairs: pairs.map(({ state, nominated, selected, lastFailure, history }, index) => ({
      explanation: explanations[index],
      ...{ state, nominated, selected, lastFailure },
      history: history.map(({ at, what }) => ({ atMs: rounded(at - start), what })),
    })),
  }
}

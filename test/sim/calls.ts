import assert from 'node:assert/strict'
import type { RTCDataChannel } from '../../src/pc/rtc-data-channel.ts'
import type { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { prng } from '../support/prng.ts'
import type { SimulatedPair } from './peers.ts'

/** Of each message: more than ICE and TURN send of their own. */
export const messageBytes = 400

const messagesEachWay = 10

/** How long messages may take before it is said that they don't come. */
const patienceMs = 60_000

export function isOpen({ channel, remote }: SimulatedPair): boolean {
  return channel.readyState === 'open' && remote()?.readyState === 'open'
}

/** Sends messages both ways, and sees that they come, once and in order. */
export async function exchange(pair: SimulatedPair, seed: number, limitMs: number = patienceMs): Promise<void> {
  const { sim, channel, remote } = pair
  const other = remote()
  assert.ok(other)
  const random = prng(seed)
  const ends = [
    { from: channel, to: other },
    { from: other, to: channel },
  ].map(({ from, to }) => ({ from, sent: texts(random.next()), received: collect(to) }))
  for (const { from, sent } of ends) for (const text of sent) from.send(text)
  await sim.run(() => ends.every(({ sent, received }) => received.length >= sent.length), limitMs)
  const numbers = (messages: readonly string[]): string => messages.map(text => text.replaceAll('.', '')).join(' ')
  for (const { sent, received } of ends) assert.equal(numbers(received), numbers(sent))
}

function texts(first: number): string[] {
  return Array.from({ length: messagesEachWay }, (_, index) => `${first + index}`.padEnd(messageBytes, '.'))
}

function collect(channel: RTCDataChannel): string[] {
  const received: string[] = []
  channel.onmessage = ({ data }) => received.push(String(data))
  return received
}

/** The types of the two candidates that a peer uses. */
export function selectedTypes(peer: RTCPeerConnection): string[] {
  const pair = peer.sctp?.transport.iceTransport.getSelectedCandidatePair()
  return pair === null || pair === undefined ? [] : [String(pair.local.type), String(pair.remote.type)]
}

/** What a failure says. */
export function situation({ sim, alice, bob, channel, remote }: SimulatedPair): string {
  const states = [alice, bob].map(
    peer => `${peer.connectionState}/${peer.iceConnectionState} ${selectedTypes(peer).join('-') || 'no pair'}`,
  )
  return `at ${sim.now.toFixed(0)} ms: ${states.join(', ')}; channels ${channel.readyState}, ${remote()?.readyState}`
}

import { sameAddress, type TransportAddress } from '../base/address.ts'
import { equalBytes } from '../base/bytes.ts'
import type { Environment } from '../base/environment.ts'
import { Allocation, type AllocationFailure } from './allocation.ts'
import { askBinding } from './binding.ts'
import type { Way } from './reach.ts'

/** Packets sent once the way is open, and their sizes in bytes: the largest fits into what any path takes. */
export const proofPackets = 10
const proofBytes = [100, 1_100] as const

/** How long the first packet may take, during which it is sent again and again. */
const openingLimitMs = 3_000
const openingIntervalMs = 100
const silence = `nothing came back within ${openingLimitMs / 1000} s, though the server does not refuse the peer`

/** Between two packets; and how long the last ones may take. */
const packetIntervalMs = 20
const returnLimitMs = 1_000

/** How the relay was tried: from one relayed address to another, or from a socket of this host to a relayed address. */
export type ProofWay = 'two allocations' | 'own socket'

/** Whether packets come back that were sent through the relay, with the bytes that they had. */
export type RelayProof =
  | { readonly works: true; readonly way: ProofWay; readonly returned: number; readonly roundTripMs: number }
  | { readonly works: false; readonly reasons: readonly { readonly way: ProofWay; readonly reason: string }[] }

export interface ProofOptions {
  readonly environment: Environment
  /** The allocation that is to be proved. */
  readonly allocation: Allocation
  readonly relayed: TransportAddress
  /** Another way to the same server, for the second allocation. */
  readonly openWay: () => Promise<Way | { readonly reason: string }>
  readonly allocate: (way: Way) => Promise<Allocation | AllocationFailure>
  /** A way to the same server over UDP, for a socket of our own. */
  readonly openUdpWay: () => Promise<Way | { readonly reason: string }>
}

/**
 * Sends packets through the relay and back: to a second allocation on the same server, or, if the server does not relay
 * there, from a socket of our own. A server that permits neither cannot be proved from a single host.
 */
export async function proveRelay(options: ProofOptions): Promise<RelayProof> {
  const reasons: { way: ProofWay; reason: string }[] = []
  for (const [way, attempt] of [
    ['two allocations', throughTwoAllocations],
    ['own socket', fromOwnSocket],
  ] as const) {
    const result = await attempt(options)
    if ('roundTripMs' in result) return { works: true, way, ...result }
    reasons.push({ way, reason: result.reason })
  }
  return { works: false, reasons }
}

/** What sends packets and gets them back. */
interface Sender {
  send(data: Uint8Array): void
  onData: (data: Uint8Array) => void
}

type Outcome = { readonly returned: number; readonly roundTripMs: number } | { readonly reason: string }

async function throughTwoAllocations(options: ProofOptions): Promise<Outcome> {
  const { allocation, relayed, environment } = options
  const way = await options.openWay()
  if ('reason' in way) return way
  const other = await options.allocate(way)
  if (!(other instanceof Allocation)) {
    way.close()
    return { reason: `there is no second allocation: ${other.reason}` }
  }
  try {
    const to = other.relayed.find(({ family }) => family === relayed.family)
    if (to === undefined) return { reason: 'the second allocation has no address of that family' }
    const refusal = refusalOf(allocation, other)
    other.onData = (data, peer) => {
      if (peer.address === relayed.address) other.send(data.slice(), peer)
    }
    other.permit(relayed)
    const sender: Sender = { send: data => allocation.send(data, to), onData: () => {} }
    allocation.onData = (data, peer) => {
      if (sameAddress(peer, to)) sender.onData(data)
    }
    return await exchange(sender, environment, refusal)
  } finally {
    await other.close()
    way.close()
  }
}

async function fromOwnSocket({ allocation, relayed, environment, openUdpWay }: ProofOptions): Promise<Outcome> {
  const way = await openUdpWay()
  if ('reason' in way) return way
  const { host } = way
  try {
    if (host === undefined) return { reason: 'there is no socket' }
    const seen = await askBinding(way, environment, { rtoMs: 500, timeoutMs: openingLimitMs })
    if (seen.kind !== 'answered') return { reason: 'the server does not answer over UDP' }
    const { mapped } = seen.binding
    if (mapped.family !== relayed.family)
      return { reason: 'this host has no address of that family towards the server' }
    const refusal = refusalOf(allocation)
    allocation.onData = (data, peer) => {
      if (peer.address === mapped.address) allocation.send(data.slice(), peer)
    }
    allocation.permit(mapped)
    const sender: Sender = { send: data => host.send(data, relayed), onData: () => {} }
    host.attach((data, from) => {
      if (sameAddress(from, relayed)) sender.onData(data)
    })
    return await exchange(sender, environment, refusal)
  } finally {
    way.close()
  }
}

/** Holds what the server says if it does not relay to the peer. */
function refusalOf(...allocations: readonly Allocation[]): { reason?: string } {
  const refusal: { reason?: string } = {}
  for (const each of allocations) {
    each.onRefused = (_peer, error) => {
      refusal.reason = `the server does not relay there: ${error.errorCode ?? ''} ${error.reason ?? error.message}`
    }
  }
  return refusal
}

/** Opens the way with packets until one is back, then counts how many of some come back as they were. */
async function exchange(sender: Sender, environment: Environment, refusal: { reason?: string }): Promise<Outcome> {
  const { clock, random } = environment
  const sent = new Map<number, { readonly data: Uint8Array; readonly at: number }>()
  const roundTrips: number[] = []
  sender.onData = data => {
    const packet = sent.get(data[0] ?? 0)
    if (packet === undefined || !equalBytes(packet.data, data)) return
    sent.delete(data[0] ?? 0)
    roundTrips.push(clock.now() - packet.at)
  }
  const send = (index: number, size: number): void => {
    const data = random(size)
    // The first byte tells packets apart, and keeps them from looking like STUN or ChannelData.
    data[0] = 128 + index
    sent.set(128 + index, { data: data.slice(), at: clock.now() })
    sender.send(data)
  }
  const opensBy = clock.now() + openingLimitMs
  while (roundTrips.length === 0) {
    if (refusal.reason !== undefined) return { reason: refusal.reason }
    if (clock.now() > opensBy) return { reason: silence }
    send(0, proofBytes[0])
    await pause(environment, openingIntervalMs)
  }
  roundTrips.length = 0
  sent.clear()
  for (let index = 1; index <= proofPackets; index++) {
    send(index, proofBytes[index % 2] ?? proofBytes[0])
    await pause(environment, packetIntervalMs)
  }
  const endsBy = clock.now() + returnLimitMs
  while (sent.size > 0 && clock.now() < endsBy) await pause(environment, packetIntervalMs)
  if (roundTrips.length === 0) return { reason: 'one packet came back, then no more' }
  const sum = roundTrips.reduce((total, each) => total + each, 0)
  return { returned: roundTrips.length, roundTripMs: sum / roundTrips.length }
}

function pause({ timers }: Environment, delayMs: number): Promise<void> {
  return new Promise(resolve => {
    timers.set(delayMs, resolve)
  })
}

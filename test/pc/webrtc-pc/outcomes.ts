import type { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'

/** Enough for whatever is settled without a task. */
const jobs = 50

function describeError(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : String(error)
}

/** The name of what a promise is rejected with, or `fulfilled`. */
export function outcomeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'fulfilled', describeError)
}

/** What has become of a promise before the next task. */
export async function outcomeAtOnce(promise: Promise<unknown>): Promise<string> {
  let outcome = 'pending'
  void outcomeOf(promise).then(settled => {
    outcome = settled
  })
  for (let job = 0; job < jobs; job++) await Promise.resolve()
  return outcome
}

const events = [
  'negotiationneeded',
  'signalingstatechange',
  'track',
  'datachannel',
  'icecandidate',
  'icecandidateerror',
  'icegatheringstatechange',
  'iceconnectionstatechange',
  'connectionstatechange',
]

/** The events of a connection with the states that their listeners see. */
export function logEvents(peer: RTCPeerConnection, types: readonly string[] = events): string[] {
  const log: string[] = []
  const states: Record<string, () => string> = {
    signalingstatechange: () => peer.signalingState,
    icegatheringstatechange: () => peer.iceGatheringState,
    iceconnectionstatechange: () => peer.iceConnectionState,
    connectionstatechange: () => peer.connectionState,
  }
  for (const type of types) {
    peer.addEventListener(type, () => log.push([type, ...(states[type] ? [states[type]()] : [])].join(' ')))
  }
  return log
}

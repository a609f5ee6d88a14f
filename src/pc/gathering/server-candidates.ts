import { relayCandidate } from '../../ice/index.ts'
import type { GatheredCandidate } from './candidate-socket.ts'
import type { Relay } from './relay.ts'
import type { ServerTransport } from './server-gathering.ts'

/** The relayed candidates of an allocation: RFC 8445 §5.1.1.2. */
export function relayedCandidates(relay: Relay, transport: ServerTransport, url: string): GatheredCandidate[] {
  const { mapped } = relay
  if (mapped === undefined) return []
  return relay.sockets.map((socket, index) => ({
    candidate: relayCandidate({
      relayed: socket.local,
      mapped,
      serverAddress: relay.server,
      serverTransport: transport,
      url,
      // RFC 8445 §5.1.2.1: unique among those of a type; the first family that the server gave goes before
      localPreference: 0xffff - index,
    }),
    socket,
  }))
}

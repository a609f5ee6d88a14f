import { RTCPeerConnection } from 'icefloe'
import { connectionFacts } from './connection-facts.ts'
import { nextMessage, reached } from './events.ts'
import { negotiate } from './negotiate.ts'
import { DemoRelay, type RelayTransport } from './relay.ts'
import { serve } from './services.ts'
import type { Steps } from './steps.ts'

const STEP_TIMEOUT_MS = 8000

/** Connects two peers that may use nothing but relays, through a TURN server in this process. */
export async function relayCheck(steps: Steps): Promise<void> {
  for (const transport of ['udp', 'tcp'] as const) {
    await steps.run(`relay only, ${transport.toUpperCase()}`, STEP_TIMEOUT_MS, () => relayedRoundTrip(transport))
  }
}

async function relayedRoundTrip(transport: RelayTransport): Promise<string> {
  const relay = await DemoRelay.start()
  const create = (user: string) => {
    const iceServers = [relay.iceServer(user, transport)]
    return new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' })
  }
  const [alice, bob] = [create('alice'), create('bob')]
  try {
    const types = [alice, bob].map(candidateTypes)
    bob.addEventListener('datachannel', event => serve(event.channel))
    const chat = alice.createDataChannel('chat')
    await negotiate(alice, bob)
    await reached(chat, 'open', () => chat.readyState === 'open')
    const answer = nextMessage(chat)
    const sent = performance.now()
    chat.send('Around the floe')
    if ((await answer) !== 'Around the floe') throw new Error('The message came back changed')
    const ms = (performance.now() - sent).toFixed(1)
    const told = [...new Set(types.flatMap(each => [...each]))]
    if (told.join() !== 'relay') throw new Error(`Candidates of other types than relay: ${told.join(', ')}`)
    const { local, remote } = await connectionFacts(alice)
    return `${local} ⇄ ${remote}, there and back in ${ms} ms`
  } finally {
    alice.close()
    bob.close()
    relay.close()
  }
}

/** A candidate of another kind would tell the peer what the policy is to keep from it. */
function candidateTypes(peer: RTCPeerConnection): ReadonlySet<string> {
  const types = new Set<string>()
  peer.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate?.type) types.add(candidate.type)
  })
  return types
}

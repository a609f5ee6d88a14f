import type { TransportAddress } from '../base/address.ts'
import type { Environment } from '../base/environment.ts'
import { assertNever } from '../base/errors.ts'
import { BindingClient, type BindingEvent, type BindingReceived, type BindingTiming } from '../ice/index.ts'
import { ServerSession } from '../pc/gathering/server-session.ts'
import type { Way } from './reach.ts'

/** What a STUN server has answered. */
export interface Binding {
  /** Where we asked from. */
  readonly local: TransportAddress | undefined
  /** How the server sees us. */
  readonly mapped: TransportAddress
  readonly roundTripMs: number
  readonly otherAddress?: TransportAddress
  readonly responseOrigin?: TransportAddress
  readonly software?: string
}

export type BindingOutcome =
  | { readonly kind: 'answered'; readonly binding: Binding }
  /** Ask the other one. */
  | { readonly kind: 'redirected'; readonly server: TransportAddress }
  | { readonly kind: 'failed'; readonly reason: string }

/** Asks a STUN server once what our address looks like. */
export function askBinding(way: Way, environment: Environment, timing: BindingTiming): Promise<BindingOutcome> {
  const { host } = way
  return new Promise(resolve => {
    const end = (outcome: BindingOutcome): void => {
      cancel()
      session.close()
      resolve(outcome)
    }
    const reliable = host === undefined
    const session = new ServerSession<BindingEvent, BindingReceived>({
      environment,
      open: way.open,
      core: new BindingClient({ random: environment.random, reliable, timing }),
      onEvent: event => end(toOutcome(event, host?.local ?? session.local)),
      onReceived: received => 'handled' in received,
      onLinkClosed: reason => end({ kind: 'failed', reason }),
    })
    // A connection may take longer than an answer is waited for.
    const cancel = environment.timers.set(timing.timeoutMs + 50, () => end({ kind: 'failed', reason: tooSlow }))
  })
}

const tooSlow = 'the server does not take the connection in time'

function toOutcome(event: BindingEvent, local: TransportAddress | undefined): BindingOutcome {
  switch (event.type) {
    case 'mapped': {
      const { type: _, address: mapped, ...rest } = event
      return { kind: 'answered', binding: { local, mapped, ...rest } }
    }
    case 'redirected':
      return { kind: 'redirected', server: event.server }
    case 'failed':
      return { kind: 'failed', reason: event.error.message }
    default:
      return assertNever(event)
  }
}

import { Deadlines } from '../base/deadlines.ts'
import type { RandomSource } from '../base/environment.ts'
import { Queue } from '../base/queue.ts'
import type { SctpEvent } from './events.ts'
import { rtoInitialMs } from './limits.ts'
import type { SctpOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import { PeerHealth } from './peer-health.ts'
import { RoundTrip } from './round-trip.ts'
import type { SctpTimer } from './timers.ts'

/** What the parts of an association share. */
export interface Shared {
  readonly random: RandomSource
  readonly events: Queue<SctpEvent>
  readonly deadlines: Deadlines<SctpTimer>
  readonly outbox: Outbox
  readonly roundTrip: RoundTrip
  readonly health: PeerHealth
}

export function createShared(options: SctpOptions, localPort: number, remotePort: number): Shared {
  return {
    random: options.random,
    events: new Queue(),
    deadlines: new Deadlines(),
    outbox: new Outbox(localPort, remotePort),
    roundTrip: new RoundTrip(options.initialRtoMs ?? rtoInitialMs),
    health: new PeerHealth(),
  }
}

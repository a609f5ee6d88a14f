import type { Environment } from '../../base/environment.ts'
import { systemClock, systemRandom, systemTimers } from '../../net/system-environment.ts'

/** What sources and sinks need of the world around them. */
export type MediaEnvironment = Pick<Environment, 'clock' | 'timers' | 'random'>

export const systemMediaEnvironment: MediaEnvironment = {
  clock: systemClock,
  timers: systemTimers,
  random: systemRandom,
}

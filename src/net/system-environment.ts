import { randomBytes } from 'node:crypto'
import type { CancelTimer, Clock, Environment, RandomSource, Timers } from '../base/environment.ts'
import { hostInterfaces } from './host.ts'
import { MdnsResolver } from './mdns.ts'
import { bindUdp } from './udp-socket.ts'

/** The longest delay that `setTimeout` takes; it takes longer ones for one millisecond. */
const maxTimeout = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
}

export const systemTimers: Timers = {
  set: setTimer,
  endOfTurn: callback => {
    // Immediates run after the poll phase, in which Node reads everything that the sockets have.
    setImmediate(callback)
  },
}

export const systemRandom: RandomSource = length => randomBytes(length)

/** The world as it is: this host's clock, sockets, interfaces, random numbers and multicast DNS. */
export function createSystemEnvironment(): Environment {
  return {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    network: { interfaces: hostInterfaces, bindUdp },
    resolver: new MdnsResolver({ clock: systemClock, timers: systemTimers }),
  }
}

/**
 * Node's timers count whole milliseconds, may be up to one early, and overflow after 24.8 days. So the time is checked
 * when one fires, and the rest is waited for again.
 */
function setTimer(delayMs: number, callback: () => void): CancelTimer {
  const due = performance.now() + delayMs
  const onTimeout = (): void => {
    const remaining = due - performance.now()
    if (remaining > 0) timeout = wait(remaining, onTimeout)
    else callback()
  }
  let timeout = wait(delayMs, onTimeout)
  return () => clearTimeout(timeout)
}

function wait(delayMs: number, callback: () => void): NodeJS.Timeout {
  return setTimeout(callback, Math.min(Math.ceil(delayMs), maxTimeout)).unref()
}

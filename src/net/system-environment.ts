import { randomBytes } from 'node:crypto'
import type { CancelTimer, Clock, Environment, Network, RandomSource, Resolver, Timers } from '../base/environment.ts'
import { hostInterfaces } from './host.ts'
import { HostNames } from './host-names.ts'
import { InterfaceWatch } from './interface-watch.ts'
import { MdnsResolver } from './mdns.ts'
import { openMdnsChannel } from './mdns-channel.ts'
import { MdnsResponder } from './mdns-responder.ts'
import { SharedMulticast } from './shared-multicast.ts'
import { connectTcp } from './tcp-connection.ts'
import { listenTcp } from './tcp-listener.ts'
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

const interfaceWatch = new InterfaceWatch()

const systemNetwork: Network = {
  interfaces: hostInterfaces,
  bindUdp,
  connectTcp,
  listenTcp,
  watchInterfaces: changed => interfaceWatch.watch(changed),
}

/** The world as it is: this host's clock, sockets, interfaces, random numbers and names. */
export function createSystemEnvironment(): Environment {
  return {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    network: systemNetwork,
    resolver: createSystemResolver(),
  }
}

/** Asking for multicast DNS names and answering for our own share a channel. */
function createSystemResolver(): Resolver {
  const multicast = new SharedMulticast(openMdnsChannel, systemNetwork.watchInterfaces)
  const common = { clock: systemClock, timers: systemTimers, openChannel: multicast.open }
  const responder = new MdnsResponder({ ...common, random: systemRandom })
  const resolver = new MdnsResolver({ ...common, ownAddresses: name => responder.addressesOf(name) })
  const hosts = new HostNames()
  return {
    resolveHost: name => hosts.resolveHost(name),
    resolveMdns: name => resolver.resolveMdns(name),
    registerMdns: address => responder.registerMdns(address),
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

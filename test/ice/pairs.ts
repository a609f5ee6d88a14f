import assert from 'node:assert/strict'
import { createIceParameters } from '../../src/ice/parameters.ts'
import { addCandidate, agree, calm, type Host, Network, signal, type Weather } from './network.ts'

export interface Pair {
  readonly network: Network
  readonly a: Host
  readonly b: Host
}

/** Two hosts with some addresses each; `a` controls. They know nothing of each other. */
export function pair(seed: number, weather: Weather = calm, addresses = 1): Pair {
  const network = new Network(seed, weather)
  const ips = (prefix: string) => Array.from({ length: addresses }, (_, index) => `${prefix}.${index + 1}`)
  const a = network.host('a', ips('192.0.2'))
  const b = network.host('b', ips('198.51.100'), { role: 'controlled' })
  return { network, a, b }
}

/** The same, connected in calm weather and come to rest; the weather is from then on. */
export function connected(seed: number, addresses = 1, weather: Weather = calm): Pair {
  const { network, a, b } = pair(seed, calm, addresses)
  signal(network, a, b)
  assert.ok(network.run(1000, () => agree(a, b)))
  network.run(20)
  network.weather = weather
  return { network, a, b }
}

/** Both ends use the candidates that they have, and tell them to each other; more may follow. */
export function trickle(network: Network, a: Host, b: Host): void {
  for (const candidate of a.candidates) addCandidate(network, a, candidate, b)
  for (const candidate of b.candidates) addCandidate(network, b, candidate, a)
}

export function restart(network: Network, host: Host): void {
  const parameters = createIceParameters(length => network.random.bytes(length))
  network.act(host, (agent, now) => agent.restart(parameters, now))
}

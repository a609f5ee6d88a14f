import assert from 'node:assert/strict'
import {
  addCandidate,
  agree,
  calm,
  describePairs,
  exchangeParameters,
  type Host,
  isUp,
  Network,
  type Weather,
} from './network.ts'
import { restart, trickle } from './pairs.ts'

const storm: Weather = { loss: 0.15, duplicate: 0.1, minDelayMs: 2, maxDelayMs: 60 }
const rounds = 12

describe('Two ICE agents in a world that does not stand still', () => {
  for (const [name, options] of [
    ['as RFC 8445 has them', {}],
    ['with renomination', { renomination: true }],
    ['of which one is lite', { lite: true }],
  ] as const) {
    it(`${name}, come to agree whenever it comes to rest`, () => {
      // The last one once made the two disagree.
      for (const seed of [...Array.from({ length: 25 }, (_, index) => index + 1), 1065]) {
        const world = new World(seed, options)
        for (let round = 0; round < rounds; round++) world.change()
        world.rest()
      }
    })
  }
})

/** Two hosts that gain and lose interfaces, relays and paths, and are restarted now and then. */
class World {
  readonly #seed: number
  readonly #network: Network
  readonly #a: Host
  readonly #b: Host
  #names = 0

  constructor(seed: number, options: { readonly renomination?: true; readonly lite?: true }) {
    this.#seed = seed
    const network = new Network(seed)
    this.#network = network
    const { lite, ...others } = options
    this.#a = network.host('a', [], { ...others })
    this.#b = network.host('b', [], { role: 'controlled', ...others, ...(lite ? { lite } : {}) })
    exchangeParameters(network, this.#a, this.#b)
    for (const host of [this.#a, this.#b]) this.#appear(host)
    this.#expectAgreement('at the start')
  }

  /** Something happens, and some time goes by. Two ends that have nothing in common get something. */
  change(): void {
    const network = this.#network
    network.weather = network.random.next() % 2 === 0 ? calm : storm
    const host = network.random.next() % 2 === 0 ? this.#a : this.#b
    switch (network.random.next() % 7) {
      case 0:
      case 1:
        if (host.candidates.length < 4) this.#appear(host)
        break
      case 2:
        this.#vanish(host)
        break
      case 3:
        this.#cutForAWhile()
        break
      case 4:
        this.#refuse(host)
        break
      case 5:
        if (network.random.next() % 2 === 0) this.#restart()
        break
      default:
        this.#restartInVain(host)
    }
    network.run(network.random.next() % 3000)
    for (const one of [this.#a, this.#b]) if (one.candidates.length === 0) this.#appear(one)
    // What has failed for good, or nearly so, needs a restart from outside.
    network.run(network.random.next() % 3000)
    if (this.#isFailing()) this.#restart()
  }

  rest(): void {
    const network = this.#network
    network.weather = calm
    network.run(40_000)
    if (this.#isFailing()) this.#restart()
    this.#expectAgreement('in the end')
    network.run(20_000)
    const before = this.#a.agent.selectedPair
    network.run(60_000)
    this.#expectAgreement('for good')
    assert.equal(this.#a.agent.selectedPair, before, `seed ${this.#seed}: it has come to rest`)
  }

  #isFailing(): boolean {
    return [this.#a, this.#b].some(({ agent }) => agent.state === 'failed')
  }

  #expectAgreement(when: string): void {
    const [a, b] = [this.#a, this.#b]
    assert.ok(
      this.#network.run(15_000, () => agree(a, b) && isUp(a) && isUp(b)),
      `seed ${this.#seed}, ${when}: ${describePairs(a, b)}`,
    )
  }

  #appear(host: Host): void {
    const network = this.#network
    const peer = host === this.#a ? this.#b : this.#a
    const name = ++this.#names
    const isRelay = name > 4 && network.random.next() % 4 === 0 && host.agent.localParameters.lite !== true
    const candidate = isRelay
      ? network.addRelay(host, `203.0.${name}.1`)
      : network.addInterface(host, `198.51.${name}.1`, network.random.next() % 65536)
    addCandidate(network, host, candidate, network.random.next() % 3 === 0 && name > 2 ? undefined : peer)
  }

  #vanish(host: Host): void {
    const base = host.agent.selectedPair?.local.base
    const used = host.candidates.find(candidate => candidate.base === base) ?? host.candidates[0]
    if (used !== undefined) this.#network.removeInterface(host, used)
  }

  #cutForAWhile(): void {
    const { local, remote } = this.#a.agent.selectedPair ?? {}
    const ends = [local?.base.port, remote?.address.port]
    const oneWay = this.#network.random.next() % 3
    this.#network.filter = (transmit, from) => {
      if ((oneWay === 1 && from === this.#a) || (oneWay === 2 && from === this.#b)) return false
      return ends.includes(transmit.local.port) && ends.includes(transmit.remote.port)
    }
    this.#network.run(this.#network.random.next() % 12_000)
    this.#network.filter = () => false
  }

  #refuse(host: Host): void {
    const { local, remote } = host.agent.selectedPair ?? {}
    if (local === undefined || remote === undefined) return
    this.#network.act(host, (agent, now) => agent.unreachable(local.base, remote.address, now))
  }

  #restart(): void {
    const network = this.#network
    const [a, b] = [this.#a, this.#b]
    for (const host of [a, b]) restart(network, host)
    network.run(network.random.next() % 500)
    exchangeParameters(network, a, b)
    trickle(network, a, b)
  }

  #restartInVain(host: Host): void {
    const network = this.#network
    restart(network, host)
    network.run(network.random.next() % 2000)
    assert.ok(network.act(host, (agent, now) => agent.rollbackRestart(now)))
  }
}

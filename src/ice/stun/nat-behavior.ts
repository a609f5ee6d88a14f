import { sameAddress, type TransportAddress } from '../../base/address.ts'
import { equalBytes } from '../../base/bytes.ts'
import type { RandomSource } from '../../base/environment.ts'
import type { SansIo } from '../../base/machine.ts'
import { Queue } from '../../base/queue.ts'
import type { ChangeRequest } from './attribute-codecs.ts'
import type { BindingTiming } from './client.ts'
import { decodeMessage, encodeMessage, type ReceivedStunMessage, stunMethod } from './message.ts'
import { earliestDeadline, newTransactionId, Retransmission } from './transaction.ts'

/** RFC 4787: on what the public address and port of a socket depend. */
export type NatMapping =
  | 'no-nat'
  | 'endpoint-independent'
  | 'address-dependent'
  | 'address-and-port-dependent'
  | 'unknown'

/** RFC 4787: what a packet must come from to be let in. Without a NAT this is what a firewall does. */
export type NatFiltering = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent' | 'unknown'

/** Why something is unknown. */
export type NatBehaviorObstacle =
  /** The server has not answered: no UDP, or no server. */
  | 'no-answer'
  /** The server has no second address, or does not say so: it is not one of RFC 5780. */
  | 'no-other-address'
  /** The server has not answered at its second address, or from it as it was asked to. */
  | 'other-address-unusable'
  /** The server has answered with an error. */
  | 'refused'

/** How the NATs on the way behave, now and for this server. RFC 5780 §4: they may become more restrictive at any time. */
export interface NatBehavior {
  readonly mapping: NatMapping
  readonly filtering: NatFiltering
  /** Whether a packet to our own public address comes back to us. Absent if it was not tested. */
  readonly hairpinning?: boolean
  /** Our public address, as the server sees the socket `mapping`. */
  readonly mapped?: TransportAddress
  readonly obstacle?: NatBehaviorObstacle
}

export type NatBehaviorEvent = { readonly type: 'result'; readonly behavior: NatBehavior }

/**
 * The sockets of the driver, on one local address. RFC 5780 §4.1: fresh ones, since what was sent before from a socket
 * changes what is let in. For the same reason filtering has a socket that sends nothing to the server's other address.
 */
export type NatSocket = 'mapping' | 'filtering' | 'hairpin'

export interface NatTransmit {
  readonly data: Uint8Array
  readonly to: TransportAddress
  readonly socket: NatSocket
}

export interface NatBehaviorOptions {
  readonly random: RandomSource
  /** A server of RFC 5780, over UDP. */
  readonly server: TransportAddress
  /** The address and port of the socket `mapping`, as this host knows it. */
  readonly local: TransportAddress
  /** Tests hairpinning as well, for which the third socket is needed. */
  readonly hairpin?: boolean
  readonly timing?: BindingTiming
}

/** Less patient than a client: two of the tests find out something by not being answered. */
export const natBehaviorTiming: BindingTiming = { rtoMs: 500, timeoutMs: 7_500 }

/**
 * Finds out how NATs on the way to a server map and filter: RFC 5780 §4.3 and §4.4, and hairpinning, §3.4.
 *
 * For diagnosis: ICE needs none of this. The result comes as one event.
 */
export class NatBehaviorDiscovery implements SansIo<NatBehaviorEvent, NatTransmit> {
  readonly #options: NatBehaviorOptions
  readonly #timing: BindingTiming
  readonly #output = new Queue<NatTransmit>()
  readonly #events = new Queue<NatBehaviorEvent>()
  /** Those that are waiting for their answer: one of each kind at most. */
  #probes: Probe[] = []
  #other: TransportAddress | undefined
  /** What test II has shown, for test III. */
  #mappedByOther: TransportAddress | undefined
  #found: Writable<NatBehavior> = { mapping: 'unknown', filtering: 'unknown' }

  constructor(options: NatBehaviorOptions) {
    this.#options = options
    this.#timing = options.timing ?? natBehaviorTiming
  }

  start(now: number): void {
    this.#probes = []
    this.#found = { mapping: 'unknown', filtering: 'unknown' }
    this.#probe('mapping-1', this.#options.server, now)
  }

  /** Takes what has arrived on one of the sockets. Says whether it was of use. */
  receive(data: Uint8Array, from: TransportAddress, socket: NatSocket, now: number): boolean {
    const message = decodeMessage(data)
    if (message === undefined || message.method !== stunMethod.binding) return false
    const probe = this.#probes.find(({ transactionId }) => equalBytes(transactionId, message.transactionId))
    if (probe === undefined) return false
    if (message.class === 'request') {
      // RFC 5780 §3.4: the NAT hairpins if our own request comes back to us
      if (probe.name !== 'hairpin' || socket !== 'mapping') return false
      this.#found.hairpinning = true
      this.#finish(probe)
      return true
    }
    if (message.class === 'indication' || socketOf(probe.name) !== socket || probe.name === 'hairpin') return false
    // Only where another source was asked for may the answer come from one.
    if (sourceChange[probe.name] === undefined && !sameAddress(from, probe.to)) return false
    this.#answered(probe, message, from, now)
    this.#finish(probe)
    return true
  }

  handleTimeout(now: number): void {
    for (const probe of [...this.#probes]) {
      switch (probe.retransmission.poll(now)) {
        case 'resend':
          this.#output.push({ data: probe.bytes, to: probe.to, socket: socketOf(probe.name) })
          break
        case 'expired':
          this.#unanswered(probe.name, now)
          this.#finish(probe)
      }
    }
  }

  pollTransmit(): NatTransmit | undefined {
    return this.#output.shift()
  }

  pollEvent(): NatBehaviorEvent | undefined {
    return this.#events.shift()
  }

  pollTimeout(): number | undefined {
    return earliestDeadline(this.#probes)
  }

  #probe(name: ProbeName, to: TransportAddress, now: number): void {
    const transactionId = newTransactionId(this.#options.random)
    const changeRequest = sourceChange[name]
    const bytes = encodeMessage({
      class: 'request',
      method: stunMethod.binding,
      transactionId,
      attributes: changeRequest === undefined ? {} : { changeRequest },
    })
    const retransmission = new Retransmission({ now, ...this.#timing })
    this.#probes.push({ name, to, transactionId, bytes, retransmission })
    this.#output.push({ data: bytes, to, socket: socketOf(name) })
  }

  #answered(probe: Probe, response: ReceivedStunMessage, from: TransportAddress, now: number): void {
    const { xorMappedAddress, mappedAddress, otherAddress } = response.attributes
    const mapped = xorMappedAddress ?? mappedAddress
    // RFC 5780 §5: servers without a second address may answer CHANGE-REQUEST with 420
    if (response.class === 'error' || mapped === undefined) this.#note('refused')
    else if (probe.name === 'mapping-1') this.#reached(mapped, otherAddress, now)
    else if (probe.name === 'mapping-2') this.#mappedAgain(mapped, now)
    else if (probe.name === 'mapping-3') this.#mappedThirdTime(mapped)
    else if (probe.name === 'filtering-1') this.#probe('filtering-2', this.#options.server, now)
    else this.#passed(probe.name, from)
  }

  /** RFC 5780 §4.3 and §4.4, test I. */
  #reached(mapped: TransportAddress, other: TransportAddress | undefined, now: number): void {
    const { server, local, hairpin } = this.#options
    this.#found.mapped = mapped
    const isNat = !sameAddress(mapped, local)
    if (!isNat) this.#found.mapping = 'no-nat'
    if (isNat && hairpin === true) {
      this.#found.hairpinning = false
      this.#probe('hairpin', mapped, now)
    }
    if (other === undefined || !isAnother(other, server)) {
      this.#note('no-other-address')
      return
    }
    this.#other = other
    if (isNat) this.#probe('mapping-2', { ...other, port: server.port }, now)
    this.#probe('filtering-1', server, now)
  }

  /** RFC 5780 §4.3, test II. */
  #mappedAgain(mapped: TransportAddress, now: number): void {
    if (this.#found.mapped !== undefined && sameAddress(mapped, this.#found.mapped)) {
      this.#found.mapping = 'endpoint-independent'
      return
    }
    this.#mappedByOther = mapped
    if (this.#other !== undefined) this.#probe('mapping-3', this.#other, now)
  }

  /** RFC 5780 §4.3, test III. */
  #mappedThirdTime(mapped: TransportAddress): void {
    const isSame = this.#mappedByOther !== undefined && sameAddress(mapped, this.#mappedByOther)
    this.#found.mapping = isSame ? 'address-dependent' : 'address-and-port-dependent'
  }

  /** RFC 5780 §4.4: an answer was let in. It says something if it comes from where it was to come from. */
  #passed(name: ProbeName, from: TransportAddress): void {
    const { address, port } = this.#options.server
    if (name === 'filtering-2' && from.address !== address) this.#found.filtering = 'endpoint-independent'
    else if (name === 'filtering-3' && from.address === address && from.port !== port) {
      this.#found.filtering = 'address-dependent'
    } else this.#note('other-address-unusable')
  }

  #unanswered(name: ProbeName, now: number): void {
    if (name === 'mapping-1' || name === 'filtering-1') this.#note('no-answer')
    else if (name === 'mapping-2' || name === 'mapping-3') this.#note('other-address-unusable')
    else if (name === 'filtering-2') this.#probe('filtering-3', this.#options.server, now)
    // RFC 5780 §4.4, test III: not even from the same address and another port
    else if (name === 'filtering-3') this.#found.filtering = 'address-and-port-dependent'
  }

  #note(obstacle: NatBehaviorObstacle): void {
    this.#found.obstacle ??= obstacle
  }

  #finish(probe: Probe): void {
    this.#probes = this.#probes.filter(other => other !== probe)
    if (this.#probes.length === 0) this.#events.push({ type: 'result', behavior: this.#found })
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/** By the test of RFC 5780 that it belongs to. */
type ProbeName = 'mapping-1' | 'mapping-2' | 'mapping-3' | 'filtering-1' | 'filtering-2' | 'filtering-3' | 'hairpin'

interface Probe {
  readonly name: ProbeName
  readonly to: TransportAddress
  readonly transactionId: Uint8Array
  readonly bytes: Uint8Array
  readonly retransmission: Retransmission
}

/** RFC 5780 §4.4: where the answer is to come from, other than from where the request went to. */
const sourceChange: { readonly [Name in ProbeName]?: ChangeRequest } = {
  'filtering-2': { changeIp: true, changePort: true },
  'filtering-3': { changeIp: false, changePort: true },
}

function socketOf(name: ProbeName): NatSocket {
  if (name === 'hairpin') return 'hairpin'
  return name.startsWith('mapping') ? 'mapping' : 'filtering'
}

/** RFC 5780 §7.4: both address and port are others. */
function isAnother(other: TransportAddress, server: TransportAddress): boolean {
  return other.family === server.family && other.address !== server.address && other.port !== server.port
}

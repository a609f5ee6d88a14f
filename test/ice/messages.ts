import { createHmac } from 'node:crypto'
import type { TransportAddress } from '../../src/base/address.ts'
import type { IceCandidate } from '../../src/ice/candidate.ts'
import type { IceParameters } from '../../src/ice/parameters.ts'
import type { StunAttributes } from '../../src/ice/stun/attributes.ts'
import type { StunClass } from '../../src/ice/stun/header.ts'
import { computeFingerprint, shortTermKey } from '../../src/ice/stun/integrity.ts'
import { decodeMessage, encodeMessage, type ReceivedStunMessage, stunMethod } from '../../src/ice/stun/message.ts'
import { addCandidates, address, calm, type Host, Network, type Weather } from './network.ts'

/** A peer that does nothing of its own accord: tests speak in its name. */
export interface Puppet {
  readonly parameters: IceParameters
  readonly address: TransportAddress
}

export const puppet: Puppet = {
  parameters: { usernameFragment: 'puppet', password: 'passwordOfThePuppet12345' },
  address: address('198.51.100.9', 9000),
}

/** The puppet's host candidate, if it signals one. */
export const puppetCandidate: IceCandidate = {
  foundation: '1',
  component: 1,
  protocol: 'udp',
  priority: 2_130_706_431,
  address: puppet.address,
  type: 'host',
}

/** An agent that has one candidate and, unless told otherwise, knows the puppet's parameters. */
export function agentAndPuppet(
  role: 'controlling' | 'controlled',
  options: { readonly seed?: number; readonly knowsPeer?: boolean; readonly weather?: Weather } = {},
): { network: Network; host: Host } {
  const network = new Network(options.seed ?? 1, options.weather ?? calm)
  const host = network.host('agent', ['192.0.2.1'], { role })
  addCandidates(network, host)
  if (options.knowsPeer !== false) {
    network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
  }
  return { network, host }
}

let transactions = 0

/** A check as the puppet would send it; attributes given as undefined are left out. */
export function checkOf(
  host: Host,
  attributes: { readonly [Name in keyof StunAttributes]: StunAttributes[Name] | undefined } = {},
  options: { readonly key?: string | undefined; readonly transactionId?: Uint8Array } = {},
): Uint8Array {
  const { usernameFragment, password } = host.agent.localParameters
  const role = host.agent.role === 'controlling' ? { iceControlled: 1n } : { iceControlling: 1n }
  const all = {
    username: `${usernameFragment}:${puppet.parameters.usernameFragment}`,
    priority: 0x6e00_01ff,
    ...role,
    ...attributes,
  }
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  const key = 'key' in options ? options.key : password
  return encodeMessage(
    {
      class: 'request',
      method: stunMethod.binding,
      transactionId: options.transactionId ?? nextTransactionId(),
      attributes: given as StunAttributes,
    },
    key === undefined ? {} : { key: shortTermKey(key) },
  )
}

/** An answer of the puppet to a request of the agent. @param key null leaves the integrity out */
export function answerTo(
  request: Uint8Array,
  messageClass: StunClass,
  attributes: StunAttributes,
  key: string | null = puppet.parameters.password,
): Uint8Array {
  const { transactionId } = decode(request)
  return encodeMessage(
    { class: messageClass, method: stunMethod.binding, transactionId, attributes },
    key === null ? {} : { key: shortTermKey(key) },
  )
}

export function decode(bytes: Uint8Array): ReceivedStunMessage {
  const message = decodeMessage(bytes)
  if (message === undefined) throw new Error('the agent sent something that is not STUN')
  return message
}

/** What a host has sent of one class, oldest first. */
export function sentBy(host: Host, messageClass: StunClass): ReceivedStunMessage[] {
  return host.sent.map(({ transmit }) => decode(transmit.data)).filter(message => message.class === messageClass)
}

/** The latest request of a host, as bytes. */
export function lastRequest(host: Host): Uint8Array {
  const last = host.sent.findLast(({ transmit }) => decode(transmit.data).class === 'request')
  if (last === undefined) throw new Error('the agent has sent no request')
  return last.transmit.data
}

/** Makes the pair with the puppet valid: its check comes, ours is answered. */
export function validate(network: Network, host: Host, attributes: { readonly useCandidate?: true } = {}): void {
  const before = sentBy(host, 'request').length
  network.inject(checkOf(host, attributes), puppet.address, host)
  network.run(20, () => sentBy(host, 'request').length > before)
  succeed(network, host)
}

/** Answers the latest request of the host with success. */
export function succeed(network: Network, host: Host, from: TransportAddress = puppet.address): unknown {
  const base = host.candidates[0]?.base ?? address('192.0.2.1', 1)
  return network.inject(answerTo(lastRequest(host), 'success', { xorMappedAddress: base }), from, host)
}

/** Ends a message that lacks integrity and fingerprint with both; whatever it holds. */
export function sign(body: Uint8Array, password: string): Uint8Array {
  const signed = Buffer.concat([body, Buffer.from([0x00, 0x08, 0x00, 0x14]), Buffer.alloc(20)])
  signed.writeUint16BE((signed.length - 20) & 0xffff, 2)
  const mac = createHmac('sha1', password).update(signed.subarray(0, body.length)).digest()
  signed.set(mac, body.length + 4)
  return addFingerprint(signed)
}

/** Ends a message that lacks a fingerprint with one. */
export function addFingerprint(body: Uint8Array): Uint8Array {
  const whole = Buffer.concat([body, Buffer.from([0x80, 0x28, 0x00, 0x04]), Buffer.alloc(4)])
  whole.writeUint16BE((whole.length - 20) & 0xffff, 2)
  whole.writeUint32BE(computeFingerprint(whole, body.length), body.length + 4)
  return whole
}

const answered = new WeakMap<Host, number>()

/** Answers every request of the host that was not looked at before, from where it went to, with success. */
export function answerAll(network: Network, host: Host): void {
  for (let index = answered.get(host) ?? 0; index < host.sent.length; index++) {
    const { data, remote, local } = host.sent[index]?.transmit ?? {}
    if (data === undefined || remote === undefined || local === undefined) continue
    answered.set(host, index + 1)
    if (decode(data).class === 'request') {
      network.inject(answerTo(data, 'success', { xorMappedAddress: local }), remote, host, local)
    }
  }
}

/** Runs with a peer that answers everything at once. */
export function runAnswering(network: Network, host: Host, forMs: number): void {
  for (const end = network.now + forMs; network.now < end; ) {
    const before = host.sent.length
    network.run(end - network.now, () => host.sent.length > before)
    answerAll(network, host)
  }
}

function nextTransactionId(): Uint8Array {
  const id = Buffer.alloc(12)
  id.writeUInt32BE(++transactions, 8)
  return id
}

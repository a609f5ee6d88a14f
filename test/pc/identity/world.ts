import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { nobleCryptoProvider } from '../../../src/dtls/noble.ts'
import type { RTCConfiguration } from '../../../src/pc/configuration.ts'
import type { ConnectionExtensions } from '../../../src/pc/connection-extensions.ts'
import type {
  RTCIdentityAssertionResult,
  RTCIdentityProvider,
  RTCIdentityProviderOptions,
  RTCIdentityValidationResult,
} from '../../../src/pc/identity/identity-provider.ts'
import {
  type IdentityProviderRegistration,
  registerIdentityProvider,
} from '../../../src/pc/identity/provider-registry.ts'
import { RTCPeerConnection } from '../../../src/pc/rtc-peer-connection.ts'
import type { RTCSessionDescriptionInit } from '../../../src/pc/rtc-session-description.ts'
import { fixedCertificates } from '../../sim/peers.ts'
import { Simulation } from '../../sim/virtual-environment.ts'

/** Signs what it asserts. */
export class SigningProvider implements RTCIdentityProvider {
  readonly #keys = generateKeyPairSync('ed25519')
  readonly #domain: string
  readonly #protocol: string
  /** Arguments of every call. */
  readonly generated: { contents: string; origin: string; options: RTCIdentityProviderOptions }[] = []
  readonly validated: { assertion: string; origin: string }[] = []
  /** Who is asserted where no hint is given. */
  user: string

  constructor(domain: string, protocol = 'default', user = 'alice') {
    this.#domain = domain
    this.#protocol = protocol
    this.user = user
  }

  async generateAssertion(
    contents: string,
    origin: string,
    options: RTCIdentityProviderOptions,
  ): Promise<RTCIdentityAssertionResult> {
    this.generated.push({ contents, origin, options })
    const identity = options.usernameHint ?? `${this.user}@${this.#domain}`
    const signed = JSON.stringify({ identity, contents })
    const signature = sign(null, Buffer.from(signed), this.#keys.privateKey).toString('base64')
    return {
      idp: { domain: this.#domain, protocol: this.#protocol },
      assertion: JSON.stringify({ signed, signature }),
    }
  }

  async validateAssertion(assertion: string, origin: string): Promise<RTCIdentityValidationResult> {
    this.validated.push({ assertion, origin })
    const { signed, signature } = JSON.parse(assertion) as { signed: string; signature: string }
    if (!verify(null, Buffer.from(signed), this.#keys.publicKey, Buffer.from(signature, 'base64'))) {
      throw Object.assign(new Error('the signature is wrong'), { errorDetail: 'idp-token-invalid' })
    }
    return JSON.parse(signed) as RTCIdentityValidationResult
  }
}

export type Signalled = RTCSessionDescriptionInit & { readonly type: 'offer' | 'answer'; readonly sdp: string }

/** Two peers in a simulation, and providers that end with it. */
export class IdentityWorld {
  readonly sim: Simulation
  readonly alice: RTCPeerConnection
  readonly bob: RTCPeerConnection
  readonly #peers: RTCPeerConnection[] = []
  readonly #ends: (() => void)[] = []
  #serial = 0

  constructor(seed: number, configuration: { alice?: RTCConfiguration; bob?: RTCConfiguration } = {}) {
    this.sim = new Simulation(seed)
    this.alice = this.peer('alice', configuration.alice)
    this.bob = this.peer('bob', configuration.bob)
    this.trickle(this.alice, this.bob)
  }

  peer(name: string, configuration: RTCConfiguration = {}, extensions: ConnectionExtensions = {}): RTCPeerConnection {
    const environment = this.sim.host(`${name}${this.#serial}`, [`192.0.2.${++this.#serial}`])
    const certificate = fixedCertificates()[name === 'bob' ? 1 : 0]
    const peer = new RTCPeerConnection(
      { certificates: [certificate], ...configuration },
      { ...extensions, environment, crypto: nobleCryptoProvider },
    )
    this.#peers.push(peer)
    return peer
  }

  /** Candidates of each go to the other, as soon as it knows what they belong to. */
  trickle(one: RTCPeerConnection, other: RTCPeerConnection): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      from.onicecandidate = ({ candidate }) => {
        if (candidate !== null && to.remoteDescription !== null) void to.addIceCandidate(candidate)
      }
    }
  }

  register(
    domain: string,
    provider: RTCIdentityProvider,
    protocol = 'default',
    options?: IdentityProviderRegistration,
  ): () => void {
    const end = registerIdentityProvider(domain, protocol, provider, options)
    this.#ends.push(end)
    return end
  }

  /** The result, once it is there; virtual time goes by. */
  async result<T>(work: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    work.then(done, done)
    if (!(await this.sim.run(() => settled, limitMs))) throw new Error('it does not settle')
    return work
  }

  async error(work: Promise<unknown>, limitMs?: number): Promise<DOMException & { errorDetail?: string }> {
    try {
      await this.result(work, limitMs)
    } catch (error) {
      return error as DOMException
    }
    throw new Error('it did not fail')
  }

  async isPending(work: Promise<unknown>, forMs = 1_000): Promise<boolean> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    work.then(done, done)
    await this.sim.runFor(forMs)
    return !settled
  }

  async offer(from: RTCPeerConnection = this.alice): Promise<Signalled> {
    await this.result(from.setLocalDescription())
    return described(from)
  }

  async answer(offer: Signalled, by: RTCPeerConnection = this.bob): Promise<Signalled> {
    await this.result(by.setRemoteDescription(offer))
    await this.result(by.setLocalDescription())
    return described(by)
  }

  /** Offer and answer, alice first. */
  async negotiate(from: RTCPeerConnection = this.alice, to: RTCPeerConnection = this.bob): Promise<void> {
    const answer = await this.answer(await this.offer(from), to)
    await this.result(from.setRemoteDescription(answer))
  }

  close(): void {
    for (const peer of this.#peers) peer.close()
    for (const end of this.#ends) end()
  }
}

export function described(peer: RTCPeerConnection): Signalled {
  const { localDescription } = peer
  if (localDescription === null) throw new Error('there is no local description')
  return { type: localDescription.type === 'offer' ? 'offer' : 'answer', sdp: localDescription.sdp }
}

/** The value of a=identity, decoded. */
export function identityOf({ sdp }: { readonly sdp: string }): { idp: object; assertion: string } | undefined {
  const value = /^a=identity:(\S+)/m.exec(sdp)?.[1]
  return value === undefined ? undefined : JSON.parse(Buffer.from(value, 'base64').toString())
}

/** The description with another a=identity, or without. */
export function withIdentity(description: Signalled, value: string | undefined): Signalled {
  const sdp = description.sdp.replace(/^a=identity:.*\r\n/m, '')
  const line = value === undefined ? '' : `a=identity:${value}\r\n`
  return { ...description, sdp: sdp.replace('t=0 0\r\n', `t=0 0\r\n${line}`) }
}

export function encoded(assertion: unknown): string {
  return Buffer.from(JSON.stringify(assertion)).toString('base64')
}

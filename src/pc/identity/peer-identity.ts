import type { Environment } from '../../base/environment.ts'
import type { CryptoProvider } from '../../dtls/crypto/provider.ts'
import { checkFingerprint } from '../../dtls/fingerprint.ts'
import type { Fingerprint } from '../../dtls/index.ts'
import type { SdpSession } from '../../sdp/index.ts'
import { carriedIdentity } from './assertion.ts'
import { refused, type ValidatedIdentity, ValidationFailure, validateAssertion } from './assertion-validation.ts'
import { covers, distinct, fingerprintsOf } from './contents.ts'
import type { ProviderFailure } from './provider-call.ts'
import { isSameIdentity } from './provider-name.ts'
import { RTCIdentityAssertion } from './rtc-identity-assertion.ts'

/** A DTLS association of the connection, there or to come. */
export interface SecuredPath {
  /** The peer's certificate in DER; undefined before the handshake. */
  readonly certificate: Uint8Array | undefined
  /** Those that its certificate has to match. */
  readonly expected: readonly Fingerprint[]
}

export interface PeerIdentityOptions {
  readonly environment: Pick<Environment, 'timers'>
  readonly crypto: CryptoProvider
  readonly origin: string
  /** Of the configuration. */
  readonly target: string | undefined
  readonly paths: () => readonly SecuredPath[]
  readonly failed: (failure: ProviderFailure) => void
}

/** Who the peer is: webrtc-identity §7 and §9.7. */
export class PeerIdentity {
  readonly #options: PeerIdentityOptions
  readonly #closing = new AbortController()
  #promise: Promise<RTCIdentityAssertion>
  #settle: PromiseSettlers | undefined
  #target: string | undefined
  /** Of the identity that was established. */
  #covered: readonly Fingerprint[] = []
  /** What was in use then: the description with the others may never be answered. */
  #before: readonly Fingerprint[] = []
  /** Was validated for the description that is being applied. */
  #admitted: ValidatedIdentity | undefined
  #running: Promise<void> | undefined

  constructor(options: PeerIdentityOptions) {
    this.#options = options
    this.#target = options.target
    this.#promise = this.#unsettled()
  }

  get promise(): Promise<RTCIdentityAssertion> {
    return this.#promise
  }

  /** The target peer identity: whom the connection is with, or with nobody. */
  get target(): string | undefined {
    return this.#target
  }

  /** Whether the peer has proved to be of this name. */
  isEstablished(name: string): boolean {
    return this.#covered.length > 0 && this.#target !== undefined && isSameIdentity(this.#target, name)
  }

  /** Whether {@link admit} has anything to see to before a description may be applied. */
  get guards(): boolean {
    return this.#target !== undefined || this.#running !== undefined
  }

  /**
   * Before a remote description is applied: nothing of one that fails here ever is.
   *
   * @throws {DOMException} OperationError if there is a target peer identity, and it is not that of the description
   */
  async admit(session: SdpSession): Promise<void> {
    this.#admitted = undefined
    // webrtc-identity §7, step 1: one after the other. The one before may establish whom this description has to be from.
    await this.#running
    if (this.#target === undefined) return
    const result = await this.#judge(session)
    if (result === undefined) return
    if (result instanceof ValidationFailure) throw this.#fail(result)
    this.#admitted = result
  }

  /** A remote description was applied. */
  applied(session: SdpSession): void {
    const admitted = this.#admitted
    this.#admitted = undefined
    if (admitted !== undefined) this.#establish(admitted)
    // webrtc-identity §9.7: without a target peer identity setRemoteDescription does not wait for the validation
    else if (this.#target === undefined && carriedIdentity(session) !== undefined) {
      this.#running = this.#validateLater(session)
    }
  }

  /** Nothing settles any more. */
  close(): void {
    this.#closing.abort()
  }

  async #validateLater(session: SdpSession): Promise<void> {
    const result = await this.#judge(session)
    this.#running = undefined
    if (result === undefined || this.#closing.signal.aborted) return
    if (result instanceof ValidationFailure) this.#fail(result)
    else this.#establish(result)
  }

  /** What a description says of the peer; undefined: nothing, and it need not. */
  async #judge(session: SdpSession): Promise<ValidatedIdentity | ValidationFailure | undefined> {
    const value = carriedIdentity(session)
    const fingerprints = fingerprintsOf(session)
    if (value === undefined) {
      // RFC 8827 §5.1.4: an established identity goes for every description with its fingerprints
      const isKnown = this.#covered.length > 0 && covers(this.#known(), fingerprints)
      return isKnown ? undefined : refused('the peer does not say who it is')
    }
    const { environment, origin } = this.#options
    const { signal } = this.#closing
    const result = await validateAssertion(value, { timers: environment.timers, signal, origin, fingerprints })
    if (result instanceof ValidationFailure) return result
    if (this.#target !== undefined && !isSameIdentity(result.name, this.#target)) {
      return refused('the peer is not the one that the connection is to be with')
    }
    return this.#coversPaths(result) ? result : refused('the identity assertion is for another certificate than in use')
  }

  /**
   * RFC 8827 §7.4.1: the certificates in use are among those that the assertion covers, or the one before of the same peer:
   * a description with others replaces the association once it is answered.
   */
  #coversPaths(identity: ValidatedIdentity): boolean {
    // One by one: the most preferred hash function of a list decides alone.
    const lists = [identity.covered, this.#covered, this.#inUse(this.#before)]
    return this.#options.paths().every(path => lists.some(each => this.#isOf(path, each)))
  }

  #isOf({ certificate, expected }: SecuredPath, covered: readonly Fingerprint[]): boolean {
    if (certificate === undefined) return covers(covered, expected)
    try {
      checkFingerprint(certificate, covered, this.#options.crypto)
      return true
    } catch {
      return false
    }
  }

  /** RFC 8827 §5.1.4: what was covered before goes as long as it is in use, until other fingerprints take its place. */
  #known(): readonly Fingerprint[] {
    return [...this.#covered, ...this.#inUse(this.#before)]
  }

  #inUse(fingerprints: readonly Fingerprint[]): readonly Fingerprint[] {
    const used = this.#options.paths().filter(({ expected }) => covers(fingerprints, expected))
    return distinct(used.flatMap(({ expected }) => expected))
  }

  #establish({ idp, name, covered }: ValidatedIdentity): void {
    this.#before = this.#inUse(this.#known())
    this.#covered = covered
    // webrtc-identity §9.7: the target peer identity cannot be changed once set
    this.#target ??= name
    // webrtc-identity §7, step 11
    this.#settle?.resolve(new RTCIdentityAssertion(idp, name))
    this.#settle = undefined
  }

  /** webrtc-identity §7: identity validation has failed. */
  #fail({ error, provider }: ValidationFailure): DOMException {
    if (provider !== undefined) this.#options.failed(provider)
    this.#settle?.reject(error)
    this.#settle = undefined
    // webrtc-identity §7: another description may do better, unless there is a target peer identity
    if (this.#target === undefined) this.#promise = this.#unsettled()
    return error
  }

  #unsettled(): Promise<RTCIdentityAssertion> {
    const promise = new Promise<RTCIdentityAssertion>((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    // Node ends the process where nobody looks at it.
    promise.catch(() => undefined)
    return promise
  }
}

interface PromiseSettlers {
  readonly resolve: (assertion: RTCIdentityAssertion) => void
  readonly reject: (error: DOMException) => void
}

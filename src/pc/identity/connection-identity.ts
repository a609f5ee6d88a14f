import type { Environment } from '../../base/environment.ts'
import type { CryptoProvider } from '../../dtls/crypto/provider.ts'
import type { SdpFingerprint, SdpSession } from '../../sdp/index.ts'
import { type ChosenProvider, requestAssertion } from './assertion-request.ts'
import type { RTCIdentityProviderOptions } from './identity-provider.ts'
import { PeerIdentity, type SecuredPath } from './peer-identity.ts'
import { ProviderFailure } from './provider-call.ts'
import { hasSeparator } from './provider-name.ts'
import type { RTCIdentityAssertion } from './rtc-identity-assertion.ts'

/** Providers that may take one another's place while an assertion is waited for: one may set the next each time it is asked. */
export const maxProviderChanges = 16

export interface ConnectionIdentityOptions {
  readonly environment: Environment
  readonly crypto: CryptoProvider
  /** What providers are told that the connection belongs to. */
  readonly origin: string
  /** RTCConfiguration.peerIdentity */
  readonly target: string | undefined
  /** Ours: what an assertion is to cover. */
  readonly fingerprints: () => readonly SdpFingerprint[]
  /** The DTLS associations that there are, or that wait for a path. */
  readonly paths: () => readonly SecuredPath[]
}

/** Who we say we are, and who the peer proves to be: what webrtc-identity §9 adds to a connection. */
export class ConnectionIdentity {
  readonly #options: ConnectionIdentityOptions
  readonly #peer: PeerIdentity
  readonly #closing = new AbortController()
  #provider: ChosenProvider | undefined
  /** The assertion of the provider, or the request for it. */
  #assertion: Promise<string | ProviderFailure> | undefined
  #loginUrl: string | null = null
  #errorInfo: string | null = null

  constructor(options: ConnectionIdentityOptions) {
    this.#options = options
    this.#peer = new PeerIdentity({ ...options, failed: failure => this.#tell(failure) })
  }

  get peerIdentity(): Promise<RTCIdentityAssertion> {
    return this.#peer.promise
  }

  get idpLoginUrl(): string | null {
    return this.#loginUrl
  }

  get idpErrorInfo(): string | null {
    return this.#errorInfo
  }

  /** Whether descriptions are to have an assertion. */
  get asserts(): boolean {
    return this.#provider !== undefined
  }

  /** See {@link PeerIdentity}. */
  get peer(): PeerIdentity {
    return this.#peer
  }

  /**
   * webrtc-identity §9 setIdentityProvider, steps 2 to 4.
   *
   * @throws {DOMException} SyntaxError
   */
  setProvider(domain: string, options: RTCIdentityProviderOptions & { readonly protocol: string }): void {
    if (hasSeparator(options.protocol)) throw new DOMException('a protocol has no / and no \\', 'SyntaxError')
    const before = this.#provider
    this.#provider = { domain, options }
    // webrtc-identity §9 setIdentityProvider, step 4
    if (before === undefined || !isSame(before, this.#provider)) this.#assertion = undefined
  }

  /**
   * webrtc-identity §6: the value of `a=identity`; requested once, and used for all descriptions.
   *
   * @throws {DOMException} InvalidStateError without a provider, OperationError if its answer is not valid
   * @throws {RTCError} if the provider has failed; it is asked anew the next time
   */
  async assertion(): Promise<string> {
    for (let changes = 0; changes <= maxProviderChanges; changes++) {
      if (this.#provider === undefined) throw new DOMException('there is no identity provider', 'InvalidStateError')
      const request = (this.#assertion ??= this.#request(this.#provider))
      const result = await request
      // Another provider was set meanwhile.
      if (request !== this.#assertion) continue
      if (!(result instanceof ProviderFailure)) return result
      this.#assertion = undefined
      this.#tell(result)
      throw result.error
    }
    throw new DOMException('the identity provider is changed again and again', 'OperationError')
  }

  /**
   * The same for an offer or an answer.
   *
   * @throws {DOMException} OperationError, with the error of the provider as its cause
   */
  async assertionForDescription(): Promise<string> {
    try {
      return await this.assertion()
    } catch (cause) {
      // webrtc-identity §6: a newly created OperationError
      throw new DOMException((cause as DOMException).message, { name: 'OperationError', cause })
    }
  }

  /**
   * webrtc-identity §9.4, step 2. @throws {DOMException} InvalidModificationError
   */
  checkTarget(peerIdentity: string | undefined): void {
    if (peerIdentity === undefined || peerIdentity === this.#peer.target) return
    throw new DOMException('the target peer identity cannot be changed', 'InvalidModificationError')
  }

  /** Before a remote description is applied; see {@link PeerIdentity.admit}. */
  async admit(session: SdpSession | undefined): Promise<void> {
    if (session !== undefined) await this.#peer.admit(session)
  }

  /** Nothing settles any more. */
  close(): void {
    this.#closing.abort()
    this.#peer.close()
  }

  #request(provider: ChosenProvider): Promise<string | ProviderFailure> {
    const { environment, origin, fingerprints } = this.#options
    this.#loginUrl = null
    this.#errorInfo = null
    return requestAssertion(provider, {
      timers: environment.timers,
      signal: this.#closing.signal,
      origin,
      target: this.#peer.target,
      fingerprints: fingerprints(),
    })
  }

  #tell({ loginUrl, info }: ProviderFailure): void {
    this.#loginUrl = loginUrl
    this.#errorInfo = info
  }
}

function isSame(a: ChosenProvider, b: ChosenProvider): boolean {
  return (
    a.domain === b.domain &&
    a.options.protocol === b.options.protocol &&
    a.options.usernameHint === b.options.usernameHint &&
    a.options.peerIdentity === b.options.peerIdentity
  )
}

import type { Timers } from '../../base/environment.ts'
import type { Fingerprint } from '../../dtls/index.ts'
import type { SdpFingerprint } from '../../sdp/index.ts'
import { decodeAssertion } from './assertion.ts'
import { covers, decodeContents } from './contents.ts'
import { type RTCIdentityValidationResult, toValidationResult } from './identity-provider.ts'
import { askProvider, ProviderFailure } from './provider-call.ts'
import { type ProviderName, parseIdentity, parseProviderName } from './provider-name.ts'
import type { FoundProvider } from './provider-registry.ts'

export interface ValidationOptions {
  readonly timers: Timers
  readonly signal: AbortSignal
  readonly origin: string
  /** All of the description that the assertion came with. */
  readonly fingerprints: readonly SdpFingerprint[]
}

/** An assertion that has proved true. */
export interface ValidatedIdentity {
  /** The domain name of the provider, with its port if that is not the one of HTTPS. */
  readonly idp: string
  /** `<user>@<domain>` */
  readonly name: string
  /** What the assertion covers. */
  readonly covered: readonly Fingerprint[]
}

/** Why an assertion is worth nothing. */
export class ValidationFailure {
  readonly error: DOMException
  readonly provider: ProviderFailure | undefined

  constructor(error: DOMException, provider?: ProviderFailure) {
    this.error = error
    this.provider = provider
  }
}

/**
 * webrtc-identity §7: what an assertion says.
 *
 * @param value that of `a=identity`
 */
export async function validateAssertion(
  value: string,
  { timers, signal, origin, fingerprints }: ValidationOptions,
): Promise<ValidatedIdentity | ValidationFailure> {
  // webrtc-identity §7, steps 2 and 3
  const carried = decodeAssertion(value)
  const name = carried && parseProviderName(carried.domain, carried.protocol)
  if (carried === undefined || name === undefined) return refused('the identity assertion is malformed')
  // webrtc-identity §7, steps 4 to 8
  const { assertion } = carried
  const result = await askProvider(
    name,
    {
      ask: provider => provider.validateAssertion(assertion, origin),
      read: answer => toValidationResult(answer, 'RTCIdentityValidationResult'),
    },
    timers,
    signal,
  )
  if (result instanceof ProviderFailure) return new ValidationFailure(result.error, result)
  return judge(result.answer, name, result.from, fingerprints)
}

/** What is left to be checked when the provider has said yes. */
function judge(
  { contents, identity }: RTCIdentityValidationResult,
  { domain, authority }: ProviderName,
  { thirdPartyDomains }: FoundProvider,
  fingerprints: readonly SdpFingerprint[],
): ValidatedIdentity | ValidationFailure {
  // webrtc-identity §7, step 9: every fingerprint of the description is covered; one without any m= section has none
  const covered = decodeContents(contents)
  if (covered === undefined) return refused('the contents of the identity assertion are malformed')
  if (covered.length === 0 || !covers(covered, fingerprints)) {
    return refused('the identity assertion is for another certificate than that of the description')
  }
  // webrtc-identity §7, step 10; RFC 8827 §8.1: the provider speaks for its own domain, or is trusted with the other one
  const peer = parseIdentity(identity)
  if (peer === undefined || !(peer.domain === domain || thirdPartyDomains.has(peer.domain))) {
    return refused('the identity is none that the identity provider may speak for')
  }
  return { idp: authority, name: identity, covered }
}

export function refused(message: string): ValidationFailure {
  return new ValidationFailure(new DOMException(message, 'OperationError'))
}

import type { Timers } from '../../base/environment.ts'
import type { SdpFingerprint } from '../../sdp/index.ts'
import { rtcError } from '../rtc-error.ts'
import { encodeAssertion } from './assertion.ts'
import { encodeContents } from './contents.ts'
import { type RTCIdentityProviderOptions, toAssertionResult } from './identity-provider.ts'
import { askProvider, ProviderFailure } from './provider-call.ts'
import { parseProviderName } from './provider-name.ts'

/** The identity provider that was set. */
export interface ChosenProvider {
  readonly domain: string
  readonly options: RTCIdentityProviderOptions & { readonly protocol: string }
}

export interface AssertionRequestOptions {
  readonly timers: Timers
  readonly signal: AbortSignal
  readonly origin: string
  /** The target peer identity of the connection, or undefined. */
  readonly target: string | undefined
  readonly fingerprints: readonly SdpFingerprint[]
}

/**
 * webrtc-identity §6: has an assertion generated that covers our fingerprints.
 *
 * @returns the value of `a=identity`
 */
export async function requestAssertion(
  { domain, options: { protocol, usernameHint, peerIdentity } }: ChosenProvider,
  { timers, signal, origin, target, fingerprints }: AssertionRequestOptions,
): Promise<string | ProviderFailure> {
  const name = parseProviderName(domain, protocol)
  if (name === undefined) {
    return new ProviderFailure(rtcError('idp-load-failure', 'not a domain and protocol of an identity provider'))
  }
  // webrtc-identity §9.2: the peer identity of the configuration, if the options have none
  const peer = peerIdentity ?? target
  const options = {
    protocol,
    ...(usernameHint === undefined ? {} : { usernameHint }),
    ...(peer === undefined ? {} : { peerIdentity: peer }),
  }
  // webrtc-identity §6, step 3
  const contents = encodeContents(fingerprints)
  const result = await askProvider(
    name,
    { ask: provider => provider.generateAssertion(contents, origin, options), read: toCarried },
    timers,
    signal,
  )
  return result instanceof ProviderFailure ? result : result.answer
}

/** @throws {TypeError} webrtc-identity §6, step 5: for what is no valid result */
function toCarried(result: unknown): string {
  const { idp, assertion } = toAssertionResult(result, 'RTCIdentityAssertionResult')
  if (parseProviderName(idp.domain, idp.protocol) === undefined) throw new TypeError('it names no identity provider')
  const carried = encodeAssertion({ ...idp, assertion })
  if (carried === undefined) throw new TypeError('its assertion is too long')
  return carried
}

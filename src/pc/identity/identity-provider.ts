import { type Converter, dictionary, domString, optional, required, withDefault } from '../webidl.ts'
import { isRecord } from './assertion.ts'

/** webrtc-identity §9.2 */
export interface RTCIdentityProviderOptions {
  /** `default` if not given. */
  protocol?: string
  /** Which of the user's identities is meant. */
  usernameHint?: string
  /** Who the assertion is for; the target peer identity of the connection if not given. */
  peerIdentity?: string
}

/** webrtc-identity §5.2 */
export interface RTCIdentityProviderDetails {
  domain: string
  protocol?: string
}

/** webrtc-identity §5.2 */
export interface RTCIdentityAssertionResult {
  /** Who validates the assertion. */
  idp: RTCIdentityProviderDetails
  assertion: string
}

/** webrtc-identity §5.2 */
export interface RTCIdentityValidationResult {
  /** `<user>@<domain>` */
  identity: string
  /** What the assertion was generated for, unchanged. */
  contents: string
}

/** webrtc-identity §5.1: generates and validates assertions. */
export interface RTCIdentityProvider {
  generateAssertion(
    contents: string,
    origin: string,
    options: RTCIdentityProviderOptions,
  ): Promise<RTCIdentityAssertionResult> | RTCIdentityAssertionResult
  validateAssertion(
    assertion: string,
    origin: string,
  ): Promise<RTCIdentityValidationResult> | RTCIdentityValidationResult
}

export const toProviderOptions: Converter<RTCIdentityProviderOptions & { protocol: string }> = dictionary(
  'RTCIdentityProviderOptions',
  {
    peerIdentity: optional(domString),
    protocol: withDefault(domString, 'default'),
    usernameHint: optional(domString),
  },
)

const toDetails: Converter<Required<RTCIdentityProviderDetails>> = dictionary('RTCIdentityProviderDetails', {
  domain: required(domString),
  protocol: withDefault(domString, 'default'),
})

export const toAssertionResult: Converter<{ idp: Required<RTCIdentityProviderDetails>; assertion: string }> =
  dictionary('RTCIdentityAssertionResult', { assertion: required(domString), idp: required(toDetails) })

export const toValidationResult: Converter<RTCIdentityValidationResult> = dictionary('RTCIdentityValidationResult', {
  contents: required(domString),
  identity: required(domString),
})

/** Whether it has the methods of a provider. */
export function isIdentityProvider(value: unknown): value is RTCIdentityProvider {
  if (!isRecord(value)) return false
  return typeof value.generateAssertion === 'function' && typeof value.validateAssertion === 'function'
}

/** Identity providers of WebRTC in Node: `icefloe/identity`. */

export type {
  RTCIdentityAssertionResult,
  RTCIdentityProvider,
  RTCIdentityProviderDetails,
  RTCIdentityProviderOptions,
  RTCIdentityValidationResult,
} from './identity-provider.ts'
export { type IdentityProviderLoading, loadIdentityProviders } from './loader/load-identity-providers.ts'
export { type IdentityProviderRegistration, registerIdentityProvider } from './provider-registry.ts'
export { RTCIdentityAssertion } from './rtc-identity-assertion.ts'

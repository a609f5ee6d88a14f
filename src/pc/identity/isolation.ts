import type { ApplicationProtocols } from '../../dtls/application-protocol.ts'

/** RFC 8833 §2: the peers agree to keep the media that they receive from their applications. */
export const confidentialProtocol = 'c-webrtc'

/** What a transport has agreed on about the isolation of media: webrtc-identity §11.1.2. */
export interface Isolation {
  /** What is received here is not for the application. */
  readonly isConfidential: boolean
  /** Whether media that is for this peer alone may leave here. */
  maySendTo(peerIdentity: string): boolean
}

/**
 * RFC 8833 §2: who knows of no need for confidentiality offers both, and prefers to do without; who needs it takes nothing
 * else.
 */
export function mediaProtocols(needsConfidentiality: boolean): ApplicationProtocols {
  return needsConfidentiality
    ? { names: [confidentialProtocol], required: true }
    : { names: ['webrtc', confidentialProtocol], required: false }
}

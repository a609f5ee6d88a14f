import { parseServerUrl, type ServerUrl } from '../ice/index.ts'
import { opaqueString } from '../ice/stun/opaque-string.ts'
import { isCertificate, type RTCCertificate } from './rtc-certificate.ts'
import {
  boolean,
  type Converter,
  dictionary,
  domString,
  enforceRange,
  enumeration,
  instance,
  optional,
  required,
  sequence,
  usvString,
  withDefault,
} from './webidl.ts'

export type RTCIceTransportPolicy = 'relay' | 'all'
export type RTCBundlePolicy = 'balanced' | 'max-compat' | 'max-bundle'
/** The W3C has kept `require` alone; `negotiate` is that of RFC 8829 §4.1.1. */
export type RTCRtcpMuxPolicy = 'negotiate' | 'require'

/** webrtc-extensions §12.1 */
export type RTCRtpHeaderEncryptionPolicy = 'negotiate' | 'require'
/** webrtc-extensions §18 */
export type RTCConfigurationTargetLatency = 'lowest' | 'none'

export interface RTCIceServer {
  urls: string | string[]
  username?: string
  credential?: string
}

/** webrtc-pc §4.2.1. Every member acts or throws: see docs/configuration.md. */
export interface RTCConfiguration {
  iceServers?: RTCIceServer[]
  iceTransportPolicy?: RTCIceTransportPolicy
  bundlePolicy?: RTCBundlePolicy
  rtcpMuxPolicy?: RTCRtcpMuxPolicy
  certificates?: RTCCertificate[]
  iceCandidatePoolSize?: number
  /** webrtc-identity §9.1: whom the connection is to be with, `<user>@<domain>`, and with nobody else. */
  peerIdentity?: string
  /** webrtc-extensions §15.1: every first offer has a section for data channels, before those for media. */
  alwaysNegotiateDataChannels?: boolean
  /** webrtc-extensions §12.3: `require` refuses a peer that does not encrypt the header extensions of RTP (RFC 9335). */
  rtpHeaderEncryptionPolicy?: RTCRtpHeaderEncryptionPolicy
  /** webrtc-extensions §18.1: `none` has ICE check with fewer packets, and take longer for it. */
  targetLatency?: RTCConfigurationTargetLatency
}

/** What getConfiguration() gives: a configuration with its defaults. */
export interface HeldConfiguration extends Omit<RTCConfiguration, 'rtcpMuxPolicy'> {
  /** An {@link RTCRtcpMuxPolicy}. TypeScript's lib.dom knows `require` alone, and where it wants a connection must take ours. */
  // biome-ignore lint/suspicious/noExplicitAny: no other type is both what we have and what lib.dom wants
  rtcpMuxPolicy?: any
}

/** A configuration with every default filled in and every value checked. */
export interface CompleteConfiguration
  extends Required<Omit<RTCConfiguration, 'peerIdentity'>>,
    Pick<RTCConfiguration, 'peerIdentity'> {
  iceServers: CompleteIceServer[]
}

export interface CompleteIceServer extends RTCIceServer {
  urls: string[]
}

const urls: Converter<string[]> = (value, context) =>
  typeof value === 'object' && value !== null ? sequence(usvString)(value, context) : [usvString(value, context)]

const iceServer: Converter<CompleteIceServer> = dictionary('RTCIceServer', {
  credential: optional(domString),
  urls: required(urls),
  username: optional(domString),
})

const certificate = instance('RTCCertificate', isCertificate)

const bundlePolicy = enumeration<RTCBundlePolicy>('RTCBundlePolicy', ['balanced', 'max-compat', 'max-bundle'])
const iceTransportPolicy = enumeration<RTCIceTransportPolicy>('RTCIceTransportPolicy', ['relay', 'all'])
const rtcpMuxPolicy = enumeration<RTCRtcpMuxPolicy>('RTCRtcpMuxPolicy', ['negotiate', 'require'])
const rtpHeaderEncryptionPolicy = enumeration<RTCRtpHeaderEncryptionPolicy>('RTCRtpHeaderEncryptionPolicy', [
  'negotiate',
  'require',
])
const targetLatency = enumeration<RTCConfigurationTargetLatency>('RTCConfigurationTargetLatency', ['lowest', 'none'])

const rtcConfiguration = dictionary('RTCConfiguration', {
  alwaysNegotiateDataChannels: withDefault(boolean, false),
  bundlePolicy: withDefault(bundlePolicy, 'balanced'),
  certificates: withDefault(sequence(certificate), []),
  iceCandidatePoolSize: withDefault(enforceRange.octet, 0),
  iceServers: withDefault(sequence(iceServer), []),
  iceTransportPolicy: withDefault(iceTransportPolicy, 'all'),
  peerIdentity: optional(domString),
  rtcpMuxPolicy: withDefault(rtcpMuxPolicy, 'require'),
  rtpHeaderEncryptionPolicy: withDefault(rtpHeaderEncryptionPolicy, 'negotiate'),
  targetLatency: withDefault(targetLatency, 'lowest'),
})

// RFC 8489 §14.3: a user name has fewer than 509 bytes; RFC 8265 §4.1 sets the same bound in practice for passwords
const maxCredentialBytes = 508

/** @throws {TypeError | DOMException} as WebIDL and webrtc-pc §4.4.1.5 say */
export function toConfiguration(value: unknown): CompleteConfiguration {
  const configuration = convertConfiguration(value)
  validateIceServers(configuration)
  return configuration
}

/**
 * What WebIDL does, before any step of an algorithm.
 *
 * @throws {TypeError}
 */
export function convertConfiguration(value: unknown): CompleteConfiguration {
  return rtcConfiguration(value, 'RTCConfiguration')
}

/**
 * webrtc-pc §4.4.1.5, step 6.
 *
 * @throws {DOMException} SyntaxError, NotSupportedError or InvalidAccessError
 */
export function validateIceServers({ iceServers }: CompleteConfiguration): void {
  iceServers.forEach(validateIceServer)
}

/**
 * What may change after construction, and what may not.
 *
 * @throws {DOMException} InvalidModificationError
 */
export function checkModification(
  before: CompleteConfiguration,
  after: CompleteConfiguration,
  localSet: boolean,
): void {
  // webrtc-pc §4.4.1.5, step 3
  const sameCertificates =
    before.certificates.length === after.certificates.length &&
    before.certificates.every((certificate, index) => certificate === after.certificates[index])
  if (!sameCertificates) throw modification('certificates')
  if (before.bundlePolicy !== after.bundlePolicy) throw modification('bundlePolicy')
  if (before.rtcpMuxPolicy !== after.rtcpMuxPolicy) throw modification('rtcpMuxPolicy')
  if (localSet && before.iceCandidatePoolSize !== after.iceCandidatePoolSize) throw modification('iceCandidatePoolSize')
}

function modification(member: string): DOMException {
  return new DOMException(`${member} cannot be changed any more`, 'InvalidModificationError')
}

/** webrtc-pc §4.4.1.5, steps 6.3 and 6.4 */
function validateIceServer(server: CompleteIceServer): void {
  if (server.urls.length === 0) throw syntax('an ICE server has no URL')
  for (const url of server.urls) validateUrl(url, server)
}

/** webrtc-pc §4.4.1.5: validate an ICE server URL */
function validateUrl(url: string, server: CompleteIceServer): void {
  const { scheme, transport } = parseUrl(url)
  // step 3; RFC 7350 has STUN and TURN over DTLS, which hardly any server speaks
  if (transport === 'dtls') throw new DOMException(`TURN over DTLS is not spoken: ${url}`, 'NotSupportedError')
  // step 7
  if (scheme !== 'turn' && scheme !== 'turns') return
  if (!isCredential(server.username) || !isCredential(server.credential)) {
    throw new DOMException('a TURN server needs a user name and a credential', 'InvalidAccessError')
  }
}

function parseUrl(url: string): ServerUrl {
  try {
    return parseServerUrl(url)
  } catch (error) {
    throw syntax(`${JSON.stringify(url)} is not the URL of a STUN or TURN server: ${(error as Error).message}`)
  }
}

/** Of a length that a server must take, and fit for what it is hashed with: RFC 8489 §14.3, RFC 8265 §4.1. */
function isCredential(text: string | undefined): boolean {
  const prepared = text === undefined ? undefined : opaqueString(text)
  return prepared !== undefined && Buffer.byteLength(prepared) <= maxCredentialBytes
}

function syntax(message: string): DOMException {
  return new DOMException(message, 'SyntaxError')
}

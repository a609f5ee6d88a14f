import { selectProtocol } from '../application-protocol.ts'
import { negotiateConnectionIds } from '../connection-id.ts'
import { DtlsError } from '../errors.ts'
import { decodeCodePoints, type Extensions, ExtensionType } from '../extensions.ts'
import type { Handshake, HandshakeState } from '../handshake.ts'
import type { HandshakeConfig } from '../handshake-config.ts'
import { type ClientHello, encodeServerHello, Version } from '../hello.ts'
import { encodeMessage, type HandshakeMessage, HandshakeType } from '../messages.ts'
import { selectSrtpProfile } from '../srtp-profile.ts'
import { selectIdentity13 } from './authentication.ts'
import { cipherSuites13 } from './cipher-suites.ts'
import type { Retry, RetryCookies } from './cookies.ts'
import { decodeClientShares, decodeCookie, encodeCookie, encodeNumber, type KeyShareEntry } from './extensions.ts'
import { type KeyExchangeGroup, keyExchangeGroups } from './key-exchange.ts'
import { helloRetryRandom } from './messages.ts'
import { type Answer13, sendServerFlight13 } from './server-states.ts'

/**
 * Answers a ClientHello that offers DTLS 1.3, or asks for another one; that keeps nothing, and its result is undefined.
 *
 * RFC 8446 §4.1.4: another one is asked for where no share is of a group that both sides can use.
 * RFC 9147 §5.1: and where the client has yet to show that it can receive at its address.
 *
 * @throws {DtlsError} if there is nothing in common, or the client breaks the rules
 */
export function answerClientHello13(
  message: HandshakeMessage,
  hello: ClientHello,
  cookies: RetryCookies,
  handshake: Handshake,
): HandshakeState | undefined {
  const { config } = handshake
  const answer = negotiate13(hello, config)
  const data = hello.extensions.get(ExtensionType.cookie)
  if (data === undefined) {
    if (config.peerAddressValidated && answer.clientShare !== undefined) return begin(message, answer, handshake)
    const retry = retryOf(message, answer, config)
    const body = helloRetryRequest(retry, cookies.bake(retry, hello))
    handshake.sendStateless(HandshakeType.serverHello, message.sequence, body)
    return undefined
  }
  const cookie = decodeCookie(data)
  const retry = cookies.open(cookie, hello)
  // RFC 8446 §4.1.4: the client must have done as it was told.
  if (retry.suite !== answer.suite.id || (retry.group !== 0 && retry.group !== answer.group.id)) {
    throw new DtlsError('illegal-parameter', 'the second ClientHello differs from the first')
  }
  const request = { type: HandshakeType.serverHello, sequence: 0, epoch: 0, body: helloRetryRequest(retry, cookie) }
  return begin(message, answer, handshake, { helloHash: retry.helloHash, request })
}

/** What the transcript begins with if there was a HelloRetryRequest. */
interface BeforeHello {
  readonly helloHash: Uint8Array
  readonly request: HandshakeMessage
}

/** Whatever can be wrong with the hello is found out first: another one, with the same number, may be the real one. */
function begin(
  message: HandshakeMessage,
  answer: Answer13,
  handshake: Handshake,
  before?: BeforeHello,
): HandshakeState {
  const { crypto, random } = handshake.config
  const { clientShare, group } = answer
  if (clientShare === undefined) throw new DtlsError('illegal-parameter', 'the client sent no share of that group')
  const keys = group.answer(clientShare, crypto, random)
  handshake.countFrom(message)
  const { transcript } = handshake
  if (before !== undefined) {
    transcript.beginWithHash(before.helloHash)
    transcript.add(before.request)
  }
  transcript.add(message)
  return sendServerFlight13(answer, keys, handshake)
}

/**
 * Chooses suite, group, certificate and SRTP profile.
 *
 * @throws {DtlsError} if there is nothing in common, or the client breaks the rules
 */
function negotiate13(hello: ClientHello, config: HandshakeConfig): Answer13 {
  const { extensions } = hello
  // RFC 9147 §5.3: the cookie of DTLS 1.2 must be empty. RFC 8446 §4.1.2: and nothing but the null compression there.
  if (hello.cookie.length > 0 || hello.compressionMethods.length !== 1 || hello.compressionMethods[0] !== 0) {
    throw new DtlsError('illegal-parameter', 'the client sent a cookie or compression of earlier versions')
  }
  const suite = cipherSuites13.find(({ id }) => hello.cipherSuites.includes(id))
  if (suite === undefined) throw new DtlsError('no-common-cipher-suite', 'no cipher suite that both sides can use')
  const agreed = selectGroup(extensions, config)
  const identity = selectIdentity13(extensions, config)
  if (identity === undefined) {
    throw new DtlsError('no-common-cipher-suite', 'no certificate that the client can verify')
  }
  return {
    ...identity,
    ...agreed,
    clientRandom: hello.random,
    suite,
    srtpProfile: selectSrtpProfile(extensions, config),
    connectionIds: negotiateConnectionIds(extensions, config),
    applicationProtocol: selectProtocol(extensions, config.protocols),
  }
}

/** Our favourite of the groups with a share; without one, of those that the client supports. */
function selectGroup(
  extensions: Extensions,
  config: HandshakeConfig,
): { group: KeyExchangeGroup; clientShare: Uint8Array | undefined } {
  const groups = extensions.get(ExtensionType.supportedGroups)
  const shares = extensions.get(ExtensionType.keyShare)
  // RFC 8446 §9.2: both, or missing_extension.
  if (groups === undefined || shares === undefined) {
    throw new DtlsError('missing-extension', 'the client sent no groups, or no shares')
  }
  const supported = decodeCodePoints(groups, 'supported_groups')
  const entries = decodeClientShares(shares)
  checkShares(entries, supported)
  const common = keyExchangeGroups(config).filter(({ id }) => supported.includes(id))
  for (const group of common) {
    const entry = entries.find(each => each.group === group.id)
    if (entry !== undefined) return { group, clientShare: entry.key }
  }
  const [group] = common
  if (group === undefined) throw new DtlsError('no-common-group', 'no key exchange group that both sides can use')
  return { group, clientShare: undefined }
}

/** RFC 8446 §4.2.8: one share of a group at most, and of none that is not in supported_groups. */
function checkShares(entries: readonly KeyShareEntry[], supported: readonly number[]): void {
  const seen = new Set<number>()
  for (const { group } of entries) {
    if (seen.has(group) || !supported.includes(group)) {
      throw new DtlsError('illegal-parameter', 'the client sent a share twice, or of a group that it does not list')
    }
    seen.add(group)
  }
}

/** RFC 8446 §4.4.1: of the first ClientHello, only the hash is needed again. */
function retryOf(message: HandshakeMessage, { suite, group, clientShare }: Answer13, config: HandshakeConfig): Retry {
  // The header of TLS 1.3 has no fields between the length and the body.
  const header = encodeMessage(message).subarray(0, 4)
  const helloHash = config.crypto.hash(suite.hash, Buffer.concat([header, message.body]))
  return { helloHash, suite: suite.id, group: clientShare === undefined ? group.id : 0 }
}

/** RFC 8446 §4.1.4: the same for the same cookie. */
function helloRetryRequest({ suite, group }: Retry, cookie: Uint8Array): Uint8Array {
  const extensions = new Map<number, Uint8Array>([[ExtensionType.supportedVersions, encodeNumber(Version.dtls13)]])
  if (group !== 0) extensions.set(ExtensionType.keyShare, encodeNumber(group))
  extensions.set(ExtensionType.cookie, encodeCookie(cookie))
  return encodeServerHello({
    // RFC 9147 §5.4: legacy_version is that of DTLS 1.2.
    version: Version.dtls12,
    random: helloRetryRandom,
    sessionId: new Uint8Array(),
    cipherSuite: suite,
    compressionMethod: 0,
    extensions,
  })
}

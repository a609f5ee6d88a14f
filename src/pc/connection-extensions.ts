import type { Environment } from '../base/environment.ts'
import { parseIp } from '../base/ip.ts'
import { checkConnectionIdOptions } from '../dtls/connection-id.ts'
import { type CryptoProvider, type KeyLog, nodeCryptoProvider } from '../dtls/index.ts'
import { keyExchangeNames } from '../dtls/options.ts'
import type { IceParameters } from '../ice/index.ts'
import { keyLogOfEnvironment, warnOfKeyLog } from '../net/key-log-file.ts'
import { createSystemEnvironment } from '../net/system-environment.ts'
import { srtpProfiles as knownSrtpProfiles } from '../srtp/index.ts'
import type { CompleteConfiguration, RTCRtcpMuxPolicy } from './configuration.ts'
import type { ConnectionOptions } from './connection.ts'
import { checkExtensions } from './connection-extension-checks.ts'
import type { DtlsChoices } from './dtls-link.ts'
import type { NatMapping, TcpCandidateType } from './gathering/host-options.ts'
import { IcePort } from './gathering/ice-port.ts'
import type { PortRange } from './gathering/ports.ts'

/** Messages up to this size are taken; RFC 8841 §6 tells it to the peer. */
const defaultMaxMessageSize = 1024 * 1024

/** What icefloe adds to the W3C constructor, as a second argument: how the connection meets its host. */
export interface ConnectionExtensions {
  /** Clock, timers, randomness, network and names; the system's by default. */
  readonly environment?: Environment
  /** Signatures, key agreement and hashes of the DTLS handshake; `node:crypto` by default. */
  readonly crypto?: CryptoProvider
  /**
   * Is given the secrets of the connection, line by line as in a file that SSLKEYLOGFILE names, so that recorded traffic can
   * be decrypted: for debugging alone. Without it, a file that this environment variable names is written.
   */
  readonly keyLog?: KeyLog
  /**
   * The lowest and the highest version of DTLS, and the key exchanges, most preferred first. All there are by default: DTLS
   * 1.3 with X25519MLKEM768 where the peer has it, DTLS 1.2 where it has not. Connection IDs are not offered by default.
   * `srtpProfiles` are those of RFC 5764 §4.1.2 and RFC 7714 §14.2 by their numbers, most preferred first; without any,
   * media cannot be sent.
   */
  readonly dtls?: DtlsChoices
  /** The largest message taken, in bytes; the peer is told. 1 MiB by default. */
  readonly maxMessageSize?: number
  /** Gathers loopback addresses even where there are others. */
  readonly gatherLoopback?: boolean
  /** The local ports that candidates may have, both included; any by default. */
  readonly portRange?: PortRange
  /** Tells multicast DNS names in place of this host's addresses, as browsers do. False by default. */
  readonly hideHostAddresses?: boolean
  /** Public addresses that a NAT translates one to one to addresses of this host. */
  readonly natMappings?: readonly NatMapping[]
  /**
   * RFC 6544: TCP candidates that open connections, take them, or open them at the same time as the peer; `['active']` by
   * default. The last, `so`, is left out where the operating system does not allow it.
   */
  readonly tcpCandidates?: readonly TcpCandidateType[]
  /** Certificates (PEM) that TURN servers over TLS are verified with, in place of those that Node trusts. */
  readonly tlsCa?: string
  /** RFC 8445 §2.5: an agent that only answers, for servers with a public address. False by default. */
  readonly iceLite?: boolean
  /** Moves to a better path later, if the peer can do that too: draft-thatcher-ice-renomination. False by default. */
  readonly iceRenomination?: boolean
  /** One port for many connections, in place of sockets of its own. */
  readonly icePort?: IcePort
  /** User name fragment and password of the first ICE generation; random ones by default. RFC 8839 §5.4 */
  readonly iceParameters?: { readonly usernameFragment: string; readonly password: string }
  /**
   * What identity providers are told as the origin of the connection. By default that of `globalThis.location`, where a
   * program has one, and `null` otherwise, as of a document without one.
   */
  readonly origin?: string
}

const tcpCandidateTypes: readonly TcpCandidateType[] = ['active', 'passive', 'so']

/** One for all connections: they share the resolver and its socket. */
const systemEnvironment = createSystemEnvironment()

/** @throws {TypeError | RangeError} for values that cannot be meant */
export function toConnectionOptions(
  extensions: ConnectionExtensions,
  { iceServers, iceTransportPolicy, rtcpMuxPolicy }: CompleteConfiguration,
): ConnectionOptions {
  checkExtensions(extensions)
  const { portRange, natMappings = [], tcpCandidates = ['active'], iceLite = false, iceParameters } = extensions
  if (portRange !== undefined) checkPortRange(portRange)
  for (const mapping of natMappings) checkNatMapping(mapping)
  for (const type of tcpCandidates) {
    if (!tcpCandidateTypes.includes(type)) throw new TypeError(`tcpCandidates: not a type: ${String(type)}`)
  }
  if (extensions.icePort !== undefined) checkIcePort(extensions.icePort, extensions, rtcpMuxPolicy)
  if (iceParameters !== undefined) checkIceParameters(iceParameters)
  // RFC 8445 §5.2: a lite agent has host candidates alone
  if (iceLite && (iceServers.length > 0 || iceTransportPolicy === 'relay')) {
    throw new TypeError('iceLite: a lite agent uses neither servers nor relays')
  }
  return {
    environment: extensions.environment ?? systemEnvironment,
    crypto: extensions.crypto ?? nodeCryptoProvider,
    keyLog: toKeyLog(extensions.keyLog),
    dtls: toDtlsChoices(extensions.dtls),
    maxMessageSize: extensions.maxMessageSize ?? defaultMaxMessageSize,
    host: {
      gatherLoopback: extensions.gatherLoopback ?? false,
      portRange,
      hideHostAddresses: extensions.hideHostAddresses ?? false,
      natMappings,
      // RFC 8445 §2.5: a lite agent does not open connections: it waits for them
      tcpCandidates: iceLite ? tcpCandidates.filter(type => type === 'passive') : tcpCandidates,
    },
    tlsCa: extensions.tlsCa,
    icePort: extensions.icePort,
    iceLite,
    iceRenomination: extensions.iceRenomination ?? false,
    iceParameters,
    origin: String(extensions.origin ?? originOfProgram() ?? 'null'),
  }
}

/** webrtc-identity §6, step 3: of the script. Node has none; who runs code for browsers may have given it one. */
function originOfProgram(): unknown {
  return (globalThis as { location?: { origin?: unknown } | null }).location?.origin
}

function toKeyLog(given: KeyLog | undefined): KeyLog | undefined {
  if (given !== undefined && typeof given !== 'function') throw new TypeError('keyLog: not a function')
  const keyLog = given ?? keyLogOfEnvironment()
  if (keyLog !== undefined) warnOfKeyLog()
  return keyLog
}

/** That nothing is left to negotiate is found out here rather than in every handshake. */
function toDtlsChoices(given: DtlsChoices = {}): DtlsChoices {
  const { minVersion = '1.2', maxVersion = '1.3', groups, connectionId, srtpProfiles } = given
  for (const version of [minVersion, maxVersion]) {
    if (version !== '1.2' && version !== '1.3') throw new TypeError(`dtls: not a version: ${String(version)}`)
  }
  if (minVersion > maxVersion) throw new RangeError(`dtls: no version from ${minVersion} to ${maxVersion}`)
  for (const group of groups ?? []) {
    if (!keyExchangeNames.includes(group)) throw new TypeError(`dtls: not a key exchange: ${String(group)}`)
  }
  const usable = groups?.filter(group => maxVersion === '1.3' || group !== 'x25519mlkem768')
  if (usable?.length === 0) throw new RangeError(`dtls: no key exchange for a version up to ${maxVersion}`)
  if (connectionId !== undefined) checkConnectionIdOptions(connectionId)
  for (const profile of srtpProfiles ?? []) {
    if (!knownSrtpProfiles.has(profile)) throw new TypeError(`dtls: not an SRTP profile: ${String(profile)}`)
  }
  return {
    minVersion,
    maxVersion,
    ...(groups === undefined ? {} : { groups }),
    ...(connectionId === undefined ? {} : { connectionId: { length: connectionId.length } }),
    ...(srtpProfiles === undefined ? {} : { srtpProfiles: [...srtpProfiles] }),
  }
}

function checkPortRange({ min, max }: PortRange): void {
  const valid = Number.isInteger(min) && Number.isInteger(max) && min >= 1 && min <= max && max <= 65_535
  if (!valid) throw new RangeError(`portRange: not a range of ports: ${min} to ${max}`)
}

function checkNatMapping({ internal, external, as = 'host' }: NatMapping): void {
  const outside = parseIp(external)
  if (outside === undefined) throw new TypeError(`natMappings: not an IP address: ${String(external)}`)
  if (as !== 'host' && as !== 'srflx') throw new TypeError(`natMappings: neither host nor srflx: ${String(as)}`)
  if (internal === undefined) return
  const inside = parseIp(internal)
  if (inside?.family !== outside.family) {
    throw new TypeError(`natMappings: not an address of the family of ${external}: ${String(internal)}`)
  }
}

/** Peers find a shared port by its address, and it has sockets of its own. */
function checkIcePort(
  icePort: IcePort,
  { hideHostAddresses, portRange, tcpCandidates = [] }: ConnectionExtensions,
  rtcpMuxPolicy: RTCRtcpMuxPolicy,
): void {
  if (!(icePort instanceof IcePort)) throw new TypeError('icePort: not an IcePort')
  // RFC 8839 §5.4: both components have one user name fragment, by which the port tells its connections apart
  if (rtcpMuxPolicy !== 'require') throw new TypeError('icePort: cannot be had without rtcpMuxPolicy require')
  if (hideHostAddresses) throw new TypeError('icePort: cannot be had together with hideHostAddresses')
  if (portRange !== undefined) throw new TypeError('icePort: cannot be had together with portRange')
  if (tcpCandidates.includes('passive') && !icePort.hasTcp)
    throw new TypeError('icePort: it does not take TCP connections')
  // It would have to stop listening for others to connect from there.
  if (tcpCandidates.includes('so'))
    throw new TypeError('icePort: cannot be had together with simultaneous-open candidates')
}

/** RFC 8839 §5.4: the characters and lengths of the two. */
function checkIceParameters({ usernameFragment, password }: IceParameters): void {
  if (!/^[A-Za-z0-9+/]{4,256}$/.test(usernameFragment)) throw new TypeError('iceParameters: not a user name fragment')
  if (!/^[A-Za-z0-9+/]{22,256}$/.test(password)) throw new TypeError('iceParameters: not a password')
}

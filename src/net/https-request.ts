import { lookup as resolve } from 'node:dns'
import { request } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'

export interface HttpsRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Bytes of the answer; more is a failure. */
  readonly maxBytes: number
  /** Authorities (PEM) in place of those that Node trusts. */
  readonly ca: string | undefined
  /** Addresses of this host and of private networks are not connected to. */
  readonly publicOnly: boolean
  readonly signal: AbortSignal
}

export interface HttpsResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export class HttpsFailure extends Error {
  override readonly name = 'HttpsFailure'
  /** `tls`: the certificate of the server is not trusted. */
  readonly kind: 'tls' | 'address' | 'size' | 'network'

  constructor(kind: HttpsFailure['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

/**
 * One request, without following redirects. The certificate of the server is verified. The answer may take any time: it is
 * `signal` that ends the waiting.
 *
 * @throws {HttpsFailure}
 */
export function requestHttps(options: HttpsRequest): Promise<HttpsResponse> {
  const { url, method, headers, ca, publicOnly, signal } = options
  return new Promise((settle, reject) => {
    const fail = (error: unknown): void => reject(toFailure(error))
    // What is an address already is not looked up.
    if (publicOnly && isSpecialHost(url.hostname)) {
      fail(notPublic())
      return
    }
    const outgoing = request(url, {
      method,
      headers: { ...headers, 'accept-encoding': 'identity' },
      agent: false,
      signal,
      maxHeaderSize: 16_384,
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca }),
      ...(publicOnly ? { lookup: publicLookup } : {}),
    })
    outgoing.on('error', fail)
    outgoing.on('response', incoming => {
      const chunks: Buffer[] = []
      let size = 0
      incoming.on('error', fail)
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > options.maxBytes) outgoing.destroy(new HttpsFailure('size', 'the answer is too long'))
        else chunks.push(chunk)
      })
      incoming.on('end', () => {
        const told = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as const)
        settle({ status: incoming.statusCode ?? 0, headers: Object.fromEntries(told), body: Buffer.concat(chunks) })
      })
    })
    outgoing.end(options.body)
  })
}

/** RFC 6890: what is of this host, this link or this network, and what is no address of a host at all. */
const special = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  special.addSubnet(net, prefix, 'ipv4')
  special.addSubnet(`::ffff:${net}`, 96 + prefix, 'ipv6')
  special.addSubnet(`64:ff9b::${net}`, 96 + prefix, 'ipv6')
}
for (const [net, prefix] of [
  // Unspecified, loopback, and IPv4 in the forms that are not used any more.
  ['::', 96],
  ['::ffff:0:0:0', 96],
  // Translation inside of a network: RFC 8215.
  ['64:ff9b:1::', 48],
  ['100::', 64],
  // Tunnels, whose IPv4 address may be any: RFC 4380, RFC 3056.
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  special.addSubnet(net, prefix, 'ipv6')
}

/** Whether an address is one that anybody on the Internet may be asked to connect to. */
export function isPublicAddress(address: string, family: 4 | 6): boolean {
  return !special.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/** @param hostname of a URL: an address of IPv6 is in brackets */
function isSpecialHost(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '')
  const family = isIP(address)
  return family !== 0 && !isPublicAddress(address, family === 4 ? 4 : 6)
}

function notPublic(): HttpsFailure {
  return new HttpsFailure('address', 'the server is not on the public Internet')
}

/** What is connected to is what was checked: the name is looked up once. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    const allowed =
      error === null ? addresses.filter(each => isPublicAddress(each.address, each.family === 4 ? 4 : 6)) : []
    const [first] = allowed
    if (error !== null) callback(error, '', 4)
    else if (first === undefined) callback(notPublic(), '', 4)
    else if (options.all === true) callback(null, allowed)
    else callback(null, first.address, first.family)
  })
}

/** Codes of Node and OpenSSL for certificates that do not verify. */
const tlsCodes = /^(?:ERR_TLS_|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA|ERR_SSL_)/

function toFailure(error: unknown): HttpsFailure {
  if (error instanceof HttpsFailure) return error
  const code = String((error as { code?: unknown }).code ?? '')
  return new HttpsFailure(tlsCodes.test(code) ? 'tls' : 'network', code || 'the request has failed')
}

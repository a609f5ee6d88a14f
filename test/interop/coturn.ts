import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, Program, requireProgram } from '../dtls/program.ts'
import { createAuthority } from './authority.ts'
import { iceServerOf, type RelayServer, relayAddress } from './relay-server.ts'

export interface CoturnOptions {
  /** Where it listens; 127.0.0.1 if absent. */
  readonly address?: string
  /** Where it relays; {@link relayAddress} if absent. */
  readonly relayOn?: string
  /** More of the program's arguments, such as `--stale-nonce=5`. */
  readonly args?: readonly string[]
}

/** A running coturn: a TURN server that is not ours. */
export interface Coturn extends RelayServer {
  readonly address: string
  /** For UDP and TCP. */
  readonly port: number
  readonly tlsPort: number
  readonly realm: string
  readonly username: string
  readonly credential: string
  /** The authority of the certificate, as a file. */
  readonly caPath: string
  /** All that it has written. */
  readonly log: string
}

const realm = 'icefloe.test'
const username = 'alice'
const credential = 'a long way to the floe'
const attempts = 3

/**
 * Starts coturn on free ports, and waits until it answers on all of them. It ends with this process, however that ends.
 *
 * Where it is not installed the test is skipped, and says so; in CI it fails.
 */
export async function startCoturn(context: Mocha.Context, options: CoturnOptions = {}): Promise<Coturn> {
  requireProgram(context, 'turnserver')
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(options)
    } catch (error) {
      // Between finding a port free and taking it another program may have taken it.
      if (attempt === attempts) throw error
    }
  }
}

/** Runs a program until its own input ends, as it does when the test's process does; then cleans up in `$0`. */
const guard = '"$@" & read -r line; kill -9 $!; wait $! 2> /dev/null; rm -rf "$0"; echo ended'

async function start({ address = '127.0.0.1', relayOn = relayAddress(), args = [] }: CoturnOptions): Promise<Coturn> {
  const directory = mkdtempSync(join(tmpdir(), 'icefloe-coturn-'))
  const ca = writeIdentity(directory, address)
  const [port, tlsPort] = [await freePort(address), await freePort(address)]
  const own = argumentsFor(directory, address, port, tlsPort)
  const program = new Program('sh', ['-c', guard, directory, 'turnserver', ...own, '--relay-ip', relayOn, ...args])
  const stop = async () => {
    program.write('\n')
    await program.find(/^ended$/m)
    await program.stop()
  }
  try {
    await Promise.all([answersUdp(address, port), takesTcp(address, port), takesTcp(address, tlsPort)])
  } catch (error) {
    await stop()
    throw new Error(`coturn does not start:\n${program.output}`, { cause: error })
  }
  const ports = { udp: port, tcp: port, tls: tlsPort }
  return {
    ...{ name: 'coturn', address, port, tlsPort, realm, username, credential, ca, caPath: join(directory, 'ca.pem') },
    iceServer: (...transports) => iceServerOf(transports, address, ports, { username, credential }),
    allocations: () => count(program.output, ': new, realm=') - count(program.output, ': delete: realm='),
    get log() {
      return program.output
    },
    stop,
  }
}

function writeIdentity(directory: string, address: string): string {
  const { ca, certificate, key } = createAuthority(['localhost'], [address])
  for (const [name, pem] of Object.entries({ ca, certificate, key })) writeFileSync(join(directory, `${name}.pem`), pem)
  return ca
}

function argumentsFor(directory: string, address: string, port: number, tlsPort: number): readonly string[] {
  return [
    ...['-n', '--listening-ip', address, '--allow-loopback-peers', '--no-rfc5780', '--no-cli'],
    ...['--listening-port', String(port), '--tls-listening-port', String(tlsPort)],
    ...['--cert', join(directory, 'certificate.pem'), '--pkey', join(directory, 'key.pem')],
    ...['--lt-cred-mech', '--user', `${username}:${credential}`, '--realm', realm],
    ...['--userdb', join(directory, 'users'), '--pidfile', join(directory, 'pid')],
    ...['--log-file', 'stdout', '--simple-log', '--verbose'],
  ]
}

/** A port that is free for UDP and TCP, or was a moment ago. */
async function freePort(address: string): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, address)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const free = await new Promise<boolean>(resolve => {
      socket.once('error', () => resolve(false))
      socket.bind(port, address, () => resolve(true))
    })
    await Promise.all([free && closed(socket), closed(server)])
    if (free) return port
  }
}

async function closed(socket: { close(callback: () => void): unknown }): Promise<void> {
  await new Promise<void>(resolve => {
    socket.close(resolve)
  })
}

/** A Binding request without attributes: message type, length, magic cookie, transaction id. */
const bindingRequest = Buffer.from('000100002112a442' + '0123456789abcdef01234567', 'hex')

async function answersUdp(address: string, port: number): Promise<void> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  let answered = false
  socket.on('message', () => {
    answered = true
  })
  // A port where nobody listens yet; the next request may find somebody.
  socket.on('error', () => {})
  const asking = setInterval(() => socket.send(bindingRequest, port, address), 25)
  try {
    await eventually(() => answered, 'an answer over UDP')
  } finally {
    clearInterval(asking)
    await closed(socket)
  }
}

async function takesTcp(address: string, port: number): Promise<void> {
  let taken = false
  const attempt = () => {
    const socket = connect(port, address, () => {
      taken = true
      socket.destroy()
    })
    socket.on('error', () => {})
  }
  const asking = setInterval(attempt, 25)
  try {
    await eventually(() => taken, 'a connection over TCP')
  } finally {
    clearInterval(asking)
  }
}

function isIPv6(address: string): boolean {
  return address.includes(':')
}

function count(text: string, part: string): number {
  return text.split(part).length - 1
}

import { connect, type Socket } from 'node:net'
import { DtlsConnection } from '../../src/dtls/connection.ts'
import { helloGraceMs } from '../../src/dtls/doubts.ts'
import type { DtlsError } from '../../src/dtls/errors.ts'
import { firstTimerMs, toOptions } from './configuration.ts'
import type { Witness } from './credentials.ts'
import { disappointment, RetryDetector } from './expectations.ts'
import { parseFlags, type ShimFlags } from './flags.ts'
import { encodePacket, type Order, OrderReader, timeoutAck } from './packets.ts'
import { exitUnimplemented, Unimplemented } from './unimplemented.ts'

/**
 * One end of a connection, as the runner wants it: connects, does what the flags say, and sends back whatever is
 * received, inverted.
 */
class Shim {
  readonly #flags: ShimFlags
  readonly #socket: Socket
  readonly #connection: DtlsConnection
  readonly #witness: Witness = { signedWith: undefined, verified: undefined }
  readonly #retry = new RetryDetector()
  readonly #orders = new OrderReader()
  readonly #firstTimerMs: number
  #now = 0
  #ended = false
  #waitsForHello: boolean

  constructor(flags: ShimFlags) {
    this.#flags = flags
    this.#firstTimerMs = firstTimerMs(flags)
    this.#connection = new DtlsConnection(toOptions(flags, this.#witness))
    this.#waitsForHello = flags.switches.has('-server')
    const host = flags.switches.has('-ipv6') ? '::1' : '127.0.0.1'
    this.#socket = connect({ port: Number(flags.values.get('-port')), host, noDelay: true })
    this.#socket.on('connect', () => this.#start())
    this.#socket.on('data', bytes => this.#receive(bytes))
    this.#socket.on('end', () => this.#peerIsGone())
    this.#socket.on('error', () => this.#peerIsGone())
  }

  #start(): void {
    const id = Buffer.alloc(8)
    id.writeBigUInt64LE(BigInt(this.#flags.values.get('-shim-id') ?? 0))
    this.#socket.write(id)
    this.#connection.start(this.#now)
    this.#follow()
  }

  #receive(bytes: Uint8Array): void {
    this.#orders.push(bytes)
    for (let order = this.#orders.next(); order !== undefined && !this.#ended; order = this.#orders.next()) {
      this.#obey(order)
    }
  }

  #obey(order: Order): void {
    switch (order.kind) {
      case 'packet':
        this.#retry.look(order.datagram)
        this.#connection.receive(order.datagram, this.#now)
        this.#follow()
        this.#skipHelloGrace()
        return
      case 'timeout':
        this.#socket.write(timeoutAck)
        this.#passTime(order.ms)
        return
      case 'expect-timeout':
        this.#checkTimer(order.ms !== undefined)
        return
      case 'mtu':
        exitUnimplemented('a path that becomes narrower during the handshake')
    }
  }

  /**
   * How long a timer is, is for each implementation to choose (RFC 9147 §5.8.2): this one does not wait minutes between two
   * flights, gives up after 30 s, and keeps a longer timer after a loss. So where the runner lets its own timer expire, ours
   * expires, and time goes no further than that.
   */
  #passTime(ms: number): void {
    const deadline = this.#connection.pollTimeout()
    const expires = deadline !== undefined && (ms >= this.#firstTimerMs || deadline <= this.#now + ms)
    this.#now = expires ? Math.max(this.#now, deadline) : this.#now + ms
    this.#connection.handleTimeout(this.#now)
    this.#follow()
  }

  #checkTimer(expected: boolean): void {
    // RFC 9147 §5.1: until a server has a ClientHello that it can answer, it keeps nothing and repeats nothing.
    if (this.#waitsForHello) return
    const actual = this.#connection.pollTimeout() !== undefined
    if (actual !== expected) this.#fail(`a timer is ${actual ? '' : 'not '}set`)
  }

  /** A server waits for a better ClientHello where the first was no good; the runner sends only one. */
  #skipHelloGrace(): void {
    const deadline = this.#connection.pollTimeout()
    if (!this.#waitsForHello || deadline === undefined) return
    this.#waitsForHello = false
    if (deadline === this.#now + helloGraceMs) this.#passTime(helloGraceMs)
  }

  /** Does what the connection says, then sends what it has to send. */
  #follow(): void {
    for (let event = this.#connection.pollEvent(); event !== undefined; event = this.#connection.pollEvent()) {
      if (event.type === 'connected') this.#useConnection()
      else if (event.type === 'data') this.#reply(event.data)
      else if (event.type === 'failed') this.#failWith(event.error)
      else this.#end(0)
    }
    this.#transmit()
  }

  #transmit(): void {
    for (let datagram = this.#connection.pollTransmit(); datagram; datagram = this.#connection.pollTransmit()) {
      this.#retry.look(datagram)
      this.#socket.write(encodePacket(datagram))
    }
  }

  #useConnection(): void {
    const { switches, values } = this.#flags
    this.#transmit()
    const wrong = disappointment(this.#flags, this.#connection, this.#witness, this.#retry)
    if (wrong !== undefined) {
      this.#fail(wrong)
      return
    }
    const exported = Number(values.get('-export-keying-material') ?? 0)
    if (exported > 0) {
      const text = new TextEncoder().encode(values.get('-export-context') ?? '')
      const context = switches.has('-use-export-context') ? text : undefined
      this.#send(this.#connection.exportKeyingMaterial(values.get('-export-label') ?? '', exported, context))
    }
    if (switches.has('-shim-writes-first')) this.#send(new TextEncoder().encode('hello'))
    if (switches.has('-shim-shuts-down')) {
      this.#connection.close(this.#now)
      this.#transmit()
      this.#end(0)
    } else if (switches.has('-key-update-before-read')) this.#updateKeys()
  }

  #reply(data: Uint8Array): void {
    const { switches } = this.#flags
    if (switches.has('-key-update')) this.#updateKeys()
    this.#send(data.map(byte => byte ^ 0xff))
    if (switches.has('-key-update-before-read')) this.#updateKeys()
  }

  #updateKeys(): void {
    this.#connection.updateKeys(this.#now)
    this.#transmit()
  }

  #send(data: Uint8Array): void {
    this.#transmit()
    this.#socket.write(encodePacket(this.#connection.seal(data)))
  }

  /** Nothing more will come: time passes until the connection finds out. */
  #peerIsGone(): void {
    while (!this.#ended && this.#connection.state === 'connecting') {
      const deadline = this.#connection.pollTimeout()
      if (deadline === undefined) this.#fail('the runner hung up during the handshake')
      else {
        this.#now = deadline
        this.#connection.handleTimeout(deadline)
        this.#follow()
      }
    }
    this.#end(0)
    this.#socket.destroy()
  }

  #failWith(error: DtlsError): void {
    const needsCertificate = this.#flags.switches.has('-require-any-client-certificate')
    if (error.code === 'missing-certificate' && this.#flags.switches.has('-server') && !needsCertificate) {
      exitUnimplemented('clients without a certificate')
    }
    const alert = error.receivedAlert === undefined ? '' : ` alert-${error.receivedAlert}`
    this.#fail(`${error.code}${alert}: ${error.message}`)
    if (error.code === 'internal-error') console.error(error.cause)
  }

  #fail(text: string): void {
    console.error(text)
    this.#end(1)
  }

  /** Says goodbye, and reads on until the runner has, too: it does not like to write in vain. */
  #end(exitCode: number): void {
    if (this.#ended) return
    this.#ended = true
    process.exitCode = exitCode
    this.#transmit()
    this.#socket.end()
    this.#socket.resume()
  }
}

function main(): void {
  const args = process.argv.slice(2)
  // The runner asks whether its tests can be run a second time with the handshake in another process.
  if (args.includes('-is-handshaker-supported')) {
    console.log('No')
    return
  }
  try {
    if (!args.includes('-dtls')) throw new Unimplemented('TLS over TCP')
    new Shim(parseFlags(args))
  } catch (error) {
    if (error instanceof Unimplemented) exitUnimplemented(error.reason)
    throw error
  }
}

main()

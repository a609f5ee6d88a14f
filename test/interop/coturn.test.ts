import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { connect } from 'node:tls'
import { Program } from '../dtls/program.ts'
import { type Coturn, startCoturn } from './coturn.ts'

describe('coturn, as the tests start it', function () {
  this.timeout(30_000)
  let coturn: Coturn
  const running: Program[] = []

  before(async function () {
    coturn = await startCoturn(this)
  })
  after(async () => {
    for (const each of running) await each.stop()
    await coturn?.stop()
  })

  /** coturn's own client: two allocations, which send to each other through channels. */
  function client(port: number, password: string, ...args: readonly string[]): Program {
    const identity = ['-p', String(port), '-u', coturn.username, '-w', password, '-E', coturn.caPath]
    const program = new Program('turnutils_uclient', [...identity, '-y', '-c', '-n', '1', ...args, coturn.address])
    running.push(program)
    return program
  }

  it('relays for its own client over UDP, TCP and TLS', async () => {
    const clients = {
      UDP: client(coturn.port, coturn.credential),
      TCP: client(coturn.port, coturn.credential, '-t'),
      TLS: client(coturn.tlsPort, coturn.credential, '-t', '-S'),
    }
    for (const [transport, program] of Object.entries(clients)) {
      const [, sent, received] = await program.find(
        /tot_send_msgs=([1-9]\d*), tot_recv_msgs=(\d+)\n.*\n.*Total/,
        20_000,
      )
      assert.equal(received, sent, transport)
    }
    for (const packet of ['ALLOCATE', 'CHANNEL_BIND', 'REFRESH']) {
      assert.ok(
        coturn.log.includes(`realm <${coturn.realm}> user <alice>: incoming packet ${packet} processed, success`),
      )
    }
  })

  it('refuses a client with another password', async () => {
    await client(coturn.port, 'guessed').find(/Cannot complete Allocation/)
  })

  it('shows a certificate that the authority has signed for the name and for the address', async () => {
    for (const name of ['localhost', coturn.address]) {
      const socket = connect({ host: coturn.address, port: coturn.tlsPort, ca: coturn.ca, servername: nameOnly(name) })
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
      assert.equal(socket.authorized, true)
      socket.destroy()
    }
  })

  it('ends without leaving anything, and frees its ports for the next', async function () {
    const other = await startCoturn(this)
    assert.ok(existsSync(other.caPath))
    await other.stop()
    assert.equal(existsSync(other.caPath), false)
    const refused = new Promise<boolean>(resolve => {
      connect({ host: other.address, port: other.tlsPort }).once('error', ({ message }) => {
        resolve(message.includes('ECONNREFUSED'))
      })
    })
    assert.equal(await refused, true)
  })
})

/** TLS sends names only: RFC 6066 §3. */
function nameOnly(name: string): string {
  return /^[\d.]+$/.test(name) ? '' : name
}

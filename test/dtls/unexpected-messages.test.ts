import assert from 'node:assert/strict'
import { Handshake, handshakeTimeoutMs } from '../../src/dtls/handshake.ts'
import { DtlsError } from '../../src/dtls/index.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { createPair, type Endpoint, exchange, type Pair, start } from './support.ts'

/** Every type of either version, and some of none. */
const types = [...Object.values(HandshakeType), 5, 6, 9, 10, 21, 22, 23, 25, 67, 255]

/** More messages than an end writes in any handshake. */
const maxWritten = 7

type Role = 'client' | 'server'

/**
 * A handshake in which the message that `role` writes at this place has another type; or in which one stands in front of
 * it. Returns undefined where so many messages are never written.
 */
function disturbed(
  version: '1.2' | '1.3',
  role: Role,
  place: number,
  type: number,
  inserted: boolean,
): Pair | undefined {
  const pair = createPair({ options: { maxVersion: version, groups: ['x25519', 'secp256r1'] } })
  const genuine = Handshake.prototype.write
  let written = 0
  let changed = false
  Handshake.prototype.write = function (own: number, body: Uint8Array) {
    if (this.config.role === role && written++ === place) {
      changed = inserted || own !== type
      if (inserted) genuine.call(this, type, new Uint8Array(4))
      genuine.call(this, inserted ? own : type, body)
    } else {
      genuine.call(this, own, body)
    }
  }
  try {
    start(pair)
    exchange(pair)
  } finally {
    Handshake.prototype.write = genuine
  }
  return changed ? pair : undefined
}

/** Lets the time pass that a handshake has, and looks at how it ended. */
function assertEndedClear({ dtls, events }: Endpoint, what: string): void {
  for (let n = 0; dtls.state === 'connecting' && n < 200; n++) {
    const now = dtls.pollTimeout()
    if (now === undefined) break
    dtls.handleTimeout(now)
    while (dtls.pollTransmit() !== undefined);
    for (let event = dtls.pollEvent(); event !== undefined; event = dtls.pollEvent()) events.push(event)
  }
  for (const event of events) {
    if (event.type !== 'failed') continue
    assert.ok(event.error instanceof DtlsError, what)
    assert.notEqual(event.error.code, 'internal-error', `${what}: ${event.error.cause}`)
  }
  assert.ok(!events.some(({ type }) => type === 'data'), what)
  if (dtls.state === 'failed') assert.throws(() => dtls.seal(Buffer.from('x')), { code: 'not-connected' }, what)
}

describe('A handshake message that is not due', function () {
  this.timeout(60_000)

  for (const version of ['1.2', '1.3'] as const) {
    for (const role of ['client', 'server'] as const) {
      for (const inserted of [false, true]) {
        const how = inserted ? 'in front of any message' : 'in the place of any message'
        it(`of every type, ${how} of a ${role} of DTLS ${version}, ends in a clear error`, () => {
          let disturbances = 0
          for (let place = 0; place < maxWritten; place++) {
            for (const type of types) {
              const pair = disturbed(version, role, place, type, inserted)
              if (pair === undefined) continue
              disturbances++
              const what = `type ${type} at ${place}`
              const victim = role === 'client' ? pair.server : pair.client
              assertEndedClear(pair.client, what)
              assertEndedClear(pair.server, what)
              // A server to which no ClientHello ever came goes on waiting; nobody finishes such a handshake.
              const isWaiting = role === 'client' && place === 0 && victim.dtls.state === 'connecting'
              assert.ok(isWaiting || victim.dtls.state === 'failed', `${what}: ${victim.dtls.state}`)
              assert.ok(!victim.types.includes('connected'), what)
            }
          }
          assert.ok(disturbances > 3 * types.length - 10, `${disturbances}`)
        })
      }
    }
  }

  it('is answered with an alert, which ends the other side as well', () => {
    for (const version of ['1.2', '1.3'] as const) {
      // The second message of the server, which in DTLS 1.3 is the first that is protected.
      const pair = disturbed(version, 'server', 1, HandshakeType.serverHelloDone, false)
      assert.equal(pair?.client.failure, 'unexpected-message')
      pair?.server.dtls.handleTimeout(handshakeTimeoutMs)
      pair?.server.drainEvents()
      assert.equal(pair?.server.failure, 'peer-alert')
    }
  })
})

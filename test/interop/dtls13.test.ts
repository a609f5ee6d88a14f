import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { DtlsConnection, type DtlsOptions } from '../../src/dtls/index.ts'
import type { Pair } from './browser-pair.ts'
import { type BrowserUnderTest, exchangesMessages, offerers, withBrowser, withPair } from './browser-suites.ts'
import { openChromium } from './chromium.ts'
import { openFirefox } from './firefox.ts'

type Choices = Pick<DtlsOptions, 'minVersion' | 'maxVersion' | 'groups'>

for (const [name, open] of [
  ['Chromium', openChromium],
  ['Firefox', openFirefox],
] as const) {
  describe(`DTLS 1.3 with ${name}`, function () {
    this.timeout(60_000)
    const browser = withBrowser(name, open)

    for (const offerer of offerers) {
      const role = offerer === 'browser' ? 'client' : 'server'
      const run = (choices: Choices, use: (pair: Pair, dtls: DtlsConnection) => Promise<void>): Promise<void> =>
        connect(browser, offerer, choices, use)

      it(`goes on with new keys, with icefloe as the ${role}`, async () => {
        await run({}, async (pair, dtls) => {
          for (let epoch = 4; epoch < 9; epoch++) {
            dtls.updateKeys(performance.now(), true)
            // RFC 9147 §8: the new keys wait for the ACK, and the browser may send data before it.
            while (((dtls.seal(new Uint8Array())[0] ?? 0) & 3) !== epoch % 4) await delay(5)
            await exchangesMessages(pair)
          }
          assert.equal(dtls.drops['bad-record-mac'], 0)
        })
      })

      // Firefox prefers the hybrid: as a client, icefloe is asked for another share.
      it(`speaks with P-384 rather than others, with icefloe as the ${role}`, async () => {
        await run({ groups: ['secp384r1', 'x25519mlkem768'] }, async (pair, dtls) => {
          assert.equal(dtls.session?.version, 'FEFC')
          await exchangesMessages(pair)
        })
      })

      it(`connects whichever of the first datagrams is lost, with icefloe as the ${role}`, async () => {
        for (const direction of ['out', 'in'] as const) {
          for (let lost = 0; lost < 5; lost++) {
            await withLoss(direction, lost, async () => {
              await run({ minVersion: '1.3' }, exchangesMessages)
            })
          }
        }
      })
    }
  })
}

/** Connects, and shows the DTLS connection that was made. */
async function connect(
  browser: BrowserUnderTest,
  offerer: (typeof offerers)[number],
  dtls: Choices,
  use: (pair: Pair, dtls: DtlsConnection) => Promise<void>,
): Promise<void> {
  const connections: DtlsConnection[] = []
  const genuine = DtlsConnection.prototype.start
  DtlsConnection.prototype.start = function (now: number) {
    connections.push(this)
    genuine.call(this, now)
  }
  try {
    const options = { offerer, trickle: true, channels: { data: {} }, icefloeExtensions: { dtls } }
    await withPair(browser, options, async pair => {
      const [connection] = connections
      assert.ok(connection)
      await use(pair, connection)
    })
  } finally {
    DtlsConnection.prototype.start = genuine
  }
}

/** Runs while one datagram of the handshake is lost: counted from 0, of those that come in or go out. */
async function withLoss(direction: 'in' | 'out', lost: number, run: () => Promise<void>): Promise<void> {
  const { receive, pollTransmit } = DtlsConnection.prototype
  let count = 0
  if (direction === 'in') {
    DtlsConnection.prototype.receive = function (datagram, now) {
      return count++ === lost ? { handled: true } : receive.call(this, datagram, now)
    }
  } else {
    DtlsConnection.prototype.pollTransmit = function () {
      const datagram = pollTransmit.call(this)
      return datagram !== undefined && count++ === lost ? pollTransmit.call(this) : datagram
    }
  }
  try {
    await run()
  } finally {
    Object.assign(DtlsConnection.prototype, { receive, pollTransmit })
  }
}

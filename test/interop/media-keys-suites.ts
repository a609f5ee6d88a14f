import assert from 'node:assert/strict'
import { type SrtpProfileId, srtpProfile } from '../../src/srtp/index.ts'
import type { PairOptions } from './browser-pair.ts'
import { type BrowserUnderTest, offerers, withPair } from './browser-suites.ts'
import { echoOptions } from './media-suites.ts'
import { ownStats, statsOf, untilDecoded } from './media-verbs.ts'

/** RFC 5764: each profile alone, in both versions of DTLS and both roles; pictures are decoded. */
export function negotiatesProfiles(browser: BrowserUnderTest, profiles: readonly SrtpProfileId[]): void {
  for (const id of profiles) {
    for (const version of ['1.2', '1.3'] as const) {
      const { name } = srtpProfile(id)
      it(`protects media with ${name} of DTLS ${version}, as its client and as its server, with ${browser.name}`, async () => {
        for (const offerer of offerers) await carries(browser, id, version, offerer)
      })
    }
  }
}

async function carries(
  browser: BrowserUnderTest,
  id: SrtpProfileId,
  version: '1.2' | '1.3',
  offerer: 'browser' | 'icefloe',
): Promise<void> {
  const options: PairOptions = {
    ...echoOptions({ video: true, codec: 'video/VP8' }, offerer),
    icefloeExtensions: { dtls: { minVersion: version, maxVersion: version, srtpProfiles: [id] } },
  }
  await withPair(browser, options, async ({ browser: peer, icefloe }) => {
    await untilDecoded(peer, `what is protected with ${srtpProfile(id).name}`)
    const [own] = await ownStats(icefloe, 'transport')
    assert.equal(own?.srtpCipher, srtpProfile(id).name)
    assert.equal(own?.tlsVersion, version === '1.2' ? 'FEFD' : 'FEFC')
    assert.equal(own?.dtlsRole, offerer === 'icefloe' ? 'server' : 'client')
    const [its] = await statsOf(peer, 'transport')
    if (its?.tlsVersion !== undefined) assert.equal(its.tlsVersion, own?.tlsVersion)
    if (its?.srtpCipher !== undefined) assert.equal(its.srtpCipher, own?.srtpCipher)
  })
}

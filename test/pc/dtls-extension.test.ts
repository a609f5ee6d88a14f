import assert from 'node:assert/strict'
import type { KeyExchangeName } from '../../src/dtls/index.ts'
import type { ConnectionExtensions } from '../../src/pc/connection-extensions.ts'
import type { DtlsChoices } from '../../src/pc/dtls-link.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { exchange, isOpen, situation } from '../sim/calls.ts'
import { connectPair, fixedCertificates, type SimulatedPair } from '../sim/peers.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { settled } from './negotiation/media-pair.ts'

function call(extensionsOf: (index: 0 | 1) => ConnectionExtensions): SimulatedPair {
  const sim = new Simulation(71)
  const environments = [sim.host('alice', ['192.0.2.1']), sim.host('bob', ['192.0.2.2'])] as const
  return connectPair(sim, { environments, extensionsOf })
}

function close({ alice, bob }: SimulatedPair): void {
  alice.close()
  bob.close()
}

async function tlsVersion(sim: Simulation, peer: RTCPeerConnection): Promise<unknown> {
  for (const report of (await settled(sim, peer.getStats())).values())
    if (report.type === 'transport') return report.tlsVersion
  return undefined
}

describe('The dtls extension', () => {
  const refused: readonly { title: string; dtls: object; error: typeof TypeError | typeof RangeError }[] = [
    { title: 'a lowest version that is none', dtls: { minVersion: '1.1' }, error: TypeError },
    { title: 'a highest version that is none', dtls: { maxVersion: 'FEFC' }, error: TypeError },
    { title: 'a version that is a number', dtls: { maxVersion: 1.3 }, error: TypeError },
    { title: 'a lowest version above the highest', dtls: { minVersion: '1.3', maxVersion: '1.2' }, error: RangeError },
    { title: 'no key exchange at all', dtls: { groups: [] }, error: RangeError },
    { title: 'a key exchange that is none', dtls: { groups: ['x25519', 'x448'] }, error: TypeError },
    { title: 'an SRTP profile that is none', dtls: { srtpProfiles: [0x0001, 0x0003] }, error: TypeError },
    {
      title: 'ML-KEM alone where only DTLS 1.2 is left',
      dtls: { maxVersion: '1.2', groups: ['x25519mlkem768'] },
      error: RangeError,
    },
  ]
  for (const { title, dtls, error } of refused) {
    it(`refuses ${title}, when the connection is made`, () => {
      const configuration = { certificates: [fixedCertificates()[0]] }
      assert.throws(() => new RTCPeerConnection(configuration, { dtls: dtls as DtlsChoices }), error)
    })
  }

  const taken: readonly DtlsChoices[] = [
    {},
    { minVersion: '1.2', maxVersion: '1.2' },
    { minVersion: '1.3' },
    { groups: ['x25519mlkem768'] },
    { maxVersion: '1.2', groups: ['x25519mlkem768', 'secp384r1'] },
    { srtpProfiles: [0x0007] },
  ]
  for (const dtls of taken) {
    it(`takes ${JSON.stringify(dtls)}`, () => {
      new RTCPeerConnection({ certificates: [fixedCertificates()[0]] }, { dtls }).close()
    })
  }

  const negotiated: readonly { choices: readonly [DtlsChoices, DtlsChoices]; version: string }[] = [
    { choices: [{}, {}], version: 'FEFC' },
    { choices: [{ maxVersion: '1.2' }, {}], version: 'FEFD' },
    { choices: [{}, { maxVersion: '1.2', groups: ['secp256r1' satisfies KeyExchangeName] }], version: 'FEFD' },
  ]
  for (const { choices, version } of negotiated) {
    it(`decides what is negotiated: ${version} with ${JSON.stringify(choices)}`, async () => {
      const pair = call(index => ({ dtls: choices[index] }))
      assert.ok(await pair.sim.run(() => isOpen(pair)), situation(pair))
      assert.equal(await tlsVersion(pair.sim, pair.alice), version)
      close(pair)
    })
  }

  it('that leaves the two nothing in common fails both connections', async () => {
    const pair = call(index => ({ dtls: index === 0 ? { minVersion: '1.3' } : { maxVersion: '1.2' } }))
    const failed = (): boolean => [pair.alice, pair.bob].every(peer => peer.connectionState === 'failed')
    assert.ok(await pair.sim.run(failed), situation(pair))
    close(pair)
  })
})

describe('The keyLog extension', () => {
  it('refuses what is no function', () => {
    const keyLog = 'keys.txt' as unknown as () => void
    assert.throws(() => new RTCPeerConnection({ certificates: [fixedCertificates()[0]] }, { keyLog }), TypeError)
  })

  it('warns of a function that throws, and connects nevertheless', async () => {
    const warnings: Error[] = []
    const listener = (warning: Error): number => warnings.push(warning)
    process.on('warning', listener)
    const error = new RangeError('disk full')
    // Not for the output of the tests.
    delete error.stack
    const keyLog = (): void => {
      throw error
    }
    const pair = call(index => (index === 0 ? { keyLog } : {}))
    assert.ok(await pair.sim.run(() => isOpen(pair)), situation(pair))
    await exchange(pair, 1)
    close(pair)
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', listener)
    const [warning, ...more] = warnings.filter(each => 'code' in each && each.code === 'ICEFLOE_KEY_LOG_CALLBACK')
    assert.deepEqual(more, [])
    // What it says may be the very line that it was given.
    assert.ok(warning !== undefined && 'detail' in warning && warning.detail === 'RangeError')
  })
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { explainConnection } from '../../src/pc/connection-report.ts'
import { exportCertificate, importCertificate } from '../../src/pc/portable-certificate.ts'
import { certificateSecrets, makeCertificate, type RTCCertificate } from '../../src/pc/rtc-certificate.ts'
import type { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { srtpProfilePreference } from '../../src/pc/srtp-port.ts'
import type { Simulation } from '../sim/virtual-environment.ts'
import { ecdsaCertificate, rsaCertificate } from '../support/test-certificate.ts'
import { call, imported } from './certificate-call.ts'
import { settled } from './negotiation/media-pair.ts'
import type { StatsEntry as RTCStats } from './stats/stats-entry.ts'

/** With names for the ids of certificates: our own are CL0, CL1, ..., the peer's is CR0, and their issuers CL0-1, ... */
async function entries(sim: Simulation, peer: RTCPeerConnection): Promise<ReadonlyMap<string, RTCStats>> {
  const all = [...(await settled(sim, peer.getStats())).values()]
  const names = certificateNames(all)
  return new Map(all.map(entry => [names.get(entry.id) ?? entry.id, renamed(entry, names)]))
}

function certificateNames(all: readonly RTCStats[]): ReadonlyMap<string, string> {
  const certificates = all.filter(({ type }) => type === 'certificate')
  const issuers = new Set(certificates.map(({ issuerCertificateId }) => issuerCertificateId))
  const heads = certificates.filter(({ id }) => !issuers.has(id))
  const remote = all.find(({ type }) => type === 'transport')?.remoteCertificateId
  const names = new Map<string, string>()
  let own = 0
  for (const head of heads) {
    const name = head.id === remote ? 'CR0' : `CL${own++}`
    let link: RTCStats | undefined = head
    for (let depth = 0; link !== undefined; depth++) {
      names.set(link.id, depth === 0 ? name : `${name}-${depth}`)
      const next: unknown = link.issuerCertificateId
      link = certificates.find(({ id }) => id === next)
    }
  }
  return names
}

function renamed(entry: RTCStats, names: ReadonlyMap<string, string>): RTCStats {
  const members = Object.entries(entry).map(([key, value]) => [key, names.get(String(value)) ?? value])
  return Object.fromEntries(members)
}

async function transportOf(sim: Simulation, peer: RTCPeerConnection): Promise<RTCStats> {
  const transport = [...(await entries(sim, peer)).values()].find(({ type }) => type === 'transport')
  assert.ok(transport)
  return transport
}

/** The same certificate, with others behind it that vouch for nobody. */
function withIssuers(certificate: RTCCertificate, ...issuers: Uint8Array[]): RTCCertificate {
  const { chain, pkcs8 } = certificateSecrets(certificate)
  return makeCertificate([...chain, ...issuers], pkcs8, certificate.expires)
}

describe('The statistics of certificates', function () {
  this.timeout(20_000)

  it('have all of them, a chain link by link, and what the other end has shown', async () => {
    const own = imported(ecdsaCertificate())
    const issuer = rsaCertificate()
    const other = imported(ecdsaCertificate({ curve: 'P-384' }))
    const rsa = imported(issuer)
    const { sim, alice, bob, delivered } = await call({
      alice: [withIssuers(own, issuer.certificate), rsa],
      bob: [other],
    })
    await sim.run(() => delivered.length === 2)
    const expected = (certificate: RTCCertificate, at = 0) => {
      const der = certificateSecrets(certificate).chain[at] ?? new Uint8Array()
      const digest = createHash('sha256').update(der).digest('hex').toUpperCase()
      return {
        fingerprint: digest.match(/../g)?.join(':'),
        fingerprintAlgorithm: 'sha-256',
        base64Certificate: Buffer.from(der).toString('base64'),
      }
    }
    for (const [peer, ids] of [
      [alice, { CL0: own, 'CL0-1': rsa, CL1: rsa, CR0: other }],
      [bob, { CL0: other, CR0: own, 'CR0-1': rsa }],
    ] as const) {
      const all = await entries(sim, peer)
      const certificates = [...all.values()].filter(({ type }) => type === 'certificate')
      assert.deepEqual(certificates.map(({ id }) => id).sort(), Object.keys(ids).sort())
      for (const [id, certificate] of Object.entries(ids)) {
        const entry = all.get(id)
        const { fingerprint, fingerprintAlgorithm, base64Certificate }: Partial<RTCStats> = entry ?? {}
        assert.deepEqual({ fingerprint, fingerprintAlgorithm, base64Certificate }, expected(certificate), id)
      }
    }
    const {
      CL0,
      CL1,
      CR0,
      'CR0-1': last,
    } = Object.fromEntries([...(await entries(sim, bob)), ...(await entries(sim, alice))])
    assert.deepEqual([CL0?.issuerCertificateId, CL1?.issuerCertificateId], ['CL0-1', undefined])
    assert.deepEqual([CR0?.issuerCertificateId, last?.issuerCertificateId], [undefined, undefined])
    assert.equal((await entries(sim, bob)).get('CR0')?.issuerCertificateId, 'CR0-1')
    assert.deepEqual(
      [CL0?.keyAlgorithm, CL1?.keyAlgorithm, CR0?.keyAlgorithm],
      ['ec prime256v1', 'rsa 2048', 'ec secp384r1'],
    )
    alice.close()
    bob.close()
  })

  it('can be had of a peer that shows rubbish behind its certificate', async () => {
    const certificate = withIssuers(imported(ecdsaCertificate()), Buffer.from('rubbish'))
    const { sim, alice, bob, delivered } = await call({ alice: [certificate], bob: [certificate] })
    await sim.run(() => delivered.length === 2)
    for (const end of [alice, bob]) {
      const rubbish = (await entries(sim, end)).get('CR0-1')
      assert.equal(rubbish?.base64Certificate, Buffer.from('rubbish').toString('base64'))
      assert.equal(rubbish?.keyAlgorithm, undefined)
      end.close()
    }
  })

  it('tell of the transport what was negotiated, from then on and after the end', async () => {
    for (const [dtls, version, group] of [
      [{}, 'FEFC', 'x25519mlkem768'],
      [{ groups: ['secp384r1'] }, 'FEFC', 'secp384r1'],
      [{ maxVersion: '1.2' }, 'FEFD', 'x25519'],
    ] as const) {
      const { sim, alice, bob, delivered } = await call({ dtls })
      const before = await transportOf(sim, alice)
      for (const member of ['tlsVersion', 'dtlsCipher', 'tlsGroup', 'localCertificateId', 'remoteCertificateId']) {
        assert.equal(before[member], undefined, member)
      }
      assert.equal(before.dtlsState, 'new')
      await sim.run(() => delivered.length === 2)
      const told = await transportOf(sim, alice)
      const { dtlsRole, dtlsState, tlsVersion, tlsGroup, localCertificateId, remoteCertificateId } = told
      assert.deepEqual([dtlsRole, (await transportOf(sim, bob)).dtlsRole], ['server', 'client'])
      assert.deepEqual([dtlsState, tlsVersion, tlsGroup], ['connected', version, group])
      assert.deepEqual([localCertificateId, remoteCertificateId], ['CL0', 'CR0'])
      assert.match(String(told.dtlsCipher), version === 'FEFC' ? /^TLS_AES_128_GCM_SHA256$/ : /^TLS_ECDHE_ECDSA_WITH_/)
      const report = explainConnection(alice)
      const [srtpProfile] = srtpProfilePreference
      assert.deepEqual(report.dtls, { version, cipherSuite: told.dtlsCipher, group, srtpProfile })
      const name = version === 'FEFC' ? '1.3' : '1.2'
      assert.ok(report.lines.includes(`DTLS is at version ${name}, with ${told.dtlsCipher} and ${group}.`))
      bob.close()
      await sim.run(() => alice.sctp?.transport.state === 'closed')
      const after = await transportOf(sim, alice)
      assert.deepEqual([after.dtlsState, after.tlsVersion, after.tlsGroup], ['closed', version, group])
      assert.equal((await entries(sim, alice)).get(String(after.remoteCertificateId))?.type, 'certificate')
      alice.close()
    }
  })

  it('count the changes of the pair in use, and no bytes of connectivity checks', async () => {
    const { sim, alice, bob, delivered } = await call({})
    assert.equal((await transportOf(sim, alice)).selectedCandidatePairChanges, 0)
    await sim.run(() => delivered.length === 2)
    // What is on its way arrives, and acknowledgements are sent.
    await sim.runFor(1000)
    const quiet = await transportOf(sim, alice)
    assert.ok(Number(quiet.selectedCandidatePairChanges) >= 1)
    assert.equal(quiet.bytesSent, (await transportOf(sim, bob)).bytesReceived)
    await sim.runFor(10_000)
    const later = await transportOf(sim, alice)
    assert.ok(Number(later.packetsSent) > Number(quiet.packetsSent), 'consent was asked for')
    assert.deepEqual([later.bytesSent, later.bytesReceived], [quiet.bytesSent, quiet.bytesReceived])
    alice.close()
    bob.close()
  })

  it('are those of a certificate that was stored and is used again', async () => {
    const first = imported(ecdsaCertificate())
    const again = importCertificate(exportCertificate(first))
    const { sim, alice, bob, delivered } = await call({ alice: [imported(rsaCertificate()), again], bob: [first] })
    await sim.run(() => delivered.length === 2)
    const [CL1, CR0] = [(await entries(sim, alice)).get('CL1'), (await entries(sim, alice)).get('CR0')]
    assert.equal(CL1?.fingerprint, CR0?.fingerprint)
    alice.close()
    bob.close()
  })
})

import { withBrowser } from './browser-suites.ts'
import { makesConnections, type PlannedConnection, refusesCertificates } from './dtls-connections.ts'
import { openLibrary } from './library.ts'

describe('DTLS with libwebrtc', function () {
  this.timeout(30_000)
  const peer = {
    ...withBrowser('libwebrtc', context => openLibrary(context, '@roamhq/wrtc')),
    statistics: (expected: object) => expected,
    tellsCertificates: true,
  }
  const version = 'DTLS 1.2'
  makesConnections(peer, [
    { version, certificate: 'ECDSA P-256', dtls: {}, group: 'x25519' },
    { version, certificate: 'ECDSA P-256', dtls: { maxVersion: '1.2', groups: ['x25519'] }, group: 'x25519' },
    { version, certificate: 'ECDSA P-384', dtls: { groups: ['secp256r1', 'secp384r1'] }, group: 'secp256r1' },
    { version, certificate: 'RSA PKCS#1', dtls: { groups: ['secp384r1'] }, group: 'secp384r1' },
    { version, certificate: 'RSA-PSS', dtls: {}, group: 'x25519' },
  ])
  refusesCertificates(peer, [{ certificate: 'Ed25519', versions: ['1.3'], roles: ['server'] }])
})

describe('DTLS with libdatachannel', function () {
  this.timeout(30_000)
  // It has no statistics of DTLS, and one curve.
  const peer = {
    ...withBrowser('libdatachannel', context => openLibrary(context, 'node-datachannel')),
    tellsCertificates: false,
  }
  const version = 'DTLS 1.2'
  const group = 'secp256r1'
  makesConnections(peer, [
    { version, certificate: 'ECDSA P-256', dtls: {}, group },
    { version, certificate: 'ECDSA P-256', dtls: { maxVersion: '1.2', groups: ['secp256r1'] }, group },
    { version, certificate: 'RSA PKCS#1', dtls: {}, group },
    { version, certificate: 'RSA-PSS', dtls: {}, group },
    { version, certificate: 'Ed25519', dtls: {}, group },
  ])
  refusesCertificates(peer, [{ certificate: 'ECDSA P-384', versions: ['1.3'] }])
})

describe('DTLS with werift', function () {
  this.timeout(30_000)
  const peer = {
    ...withBrowser('werift', context => openLibrary(context, 'werift')),
    // The version is written in words.
    statistics: (expected: object) => ({ ...expected, tlsVersion: 'DTLS 1.2' }),
    tellsCertificates: false,
  }
  const version = 'DTLS 1.2'
  const plan: readonly PlannedConnection[] = [
    { version, certificate: 'ECDSA P-256', dtls: {}, group: 'x25519' },
    { version, certificate: 'ECDSA P-256', dtls: { maxVersion: '1.2', groups: ['secp256r1'] }, group: 'secp256r1' },
    { version, certificate: 'RSA PKCS#1', dtls: {}, group: 'x25519' },
    { version, certificate: 'RSA-PSS', dtls: {}, group: 'x25519' },
  ]
  // It begins even if the offer says that icefloe does.
  makesConnections(peer, plan, ['server'])
  // As a server it says nothing where it is shown no certificate.
  refusesCertificates(peer, [
    { certificate: 'ECDSA P-384', versions: ['1.3'], roles: ['server'] },
    { certificate: 'Ed25519', versions: ['1.3'], roles: ['server'] },
  ])
})

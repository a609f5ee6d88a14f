import assert from 'node:assert/strict'
import { continuesAssociation, type DtlsAgreement } from '../../../src/pc/negotiation/dtls-agreement.ts'

const [one, other] = [
  { algorithm: 'sha-256', value: 'AB:CD' },
  { algorithm: 'sha-256', value: 'AB:CE' },
] as const
const short = { algorithm: 'sha-1', value: '12:34' }

function agreement(changes: Partial<DtlsAgreement> = {}): DtlsAgreement {
  return { role: 'client', fingerprints: [one], tlsId: undefined, ...changes }
}

describe('A DTLS association as descriptions tell it', () => {
  const cases: readonly (readonly [string, Partial<DtlsAgreement>, Partial<DtlsAgreement>, boolean])[] = [
    ['goes on if nothing changes', {}, {}, true],
    ['goes on in other letters', {}, { fingerprints: [{ algorithm: 'SHA-256', value: 'ab:cd' }] }, true],
    ['goes on in another order', { fingerprints: [one, other] }, { fingerprints: [other, one, other] }, true],
    ['goes on under one more hash function', {}, { fingerprints: [one, short] }, true],
    ['goes on under one hash function less', { fingerprints: [one, short] }, { fingerprints: [one] }, true],
    ['ends with another fingerprint', {}, { fingerprints: [other] }, false],
    ['ends with one more certificate', {}, { fingerprints: [one, other] }, false],
    ['ends with one certificate less', { fingerprints: [one, other] }, { fingerprints: [other] }, false],
    ['ends if the two have no hash function in common', {}, { fingerprints: [short] }, false],
    ['goes on with another role, as Firefox says', {}, { role: 'server' }, true],
    ['ends with another tls-id', { tlsId: 'a' }, { tlsId: 'b' }, false],
    ['goes on with the same tls-id', { tlsId: 'a' }, { tlsId: 'a' }, true],
    ['goes on if a tls-id is said for the first time, or no more', { tlsId: 'a' }, {}, true],
  ]
  for (const [title, before, now, expected] of cases) {
    it(`${title} (RFC 8842 §3.1)`, () => {
      assert.equal(continuesAssociation(agreement(before), agreement(now)), expected)
    })
  }
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { RTCError } from '../../src/pc/rtc-error.ts'
import { ecdsaCertificate } from '../support/test-certificate.ts'
import { call, imported } from './certificate-call.ts'

/** The lines, and the place where the session section ends. */
const lines = /^a=fingerprint:.*\r\n/gm
const firstSection = /^m=/m

const alice = ecdsaCertificate()
const bob = ecdsaCertificate()
/** Of neither. */
const other = Buffer.from('another certificate')

function hash(algorithm: string, certificate: Uint8Array): string {
  const hex = createHash(algorithm.toLowerCase().replace('-', '')).update(certificate).digest('hex').toUpperCase()
  return (hex.match(/../g) ?? []).join(':')
}

/** What is written of a certificate, by the section it stands in. */
interface Written {
  readonly session?: readonly string[]
  readonly media?: readonly string[]
}

function rewrite(sdp: string, { session = [], media = [] }: Written): string {
  const section = (all: readonly string[]): string => all.map(line => `a=fingerprint:${line}\r\n`).join('')
  return sdp
    .replace(lines, '')
    .replace(firstSection, `${section(session)}m=`)
    .replace(/^a=setup:/m, `${section(media)}a=setup:`)
}

type Write = (certificate: Uint8Array) => Written

const right =
  (algorithm: string): Write =>
  certificate => ({ media: [`${algorithm} ${hash(algorithm, certificate)}`] })

const accepted: readonly (readonly [string, Write])[] = [
  ...['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512', 'SHA-256', 'Sha-512'].map(
    algorithm => [`by ${algorithm}`, right(algorithm)] as const,
  ),
  ['in lower case', own => ({ media: [`sha-256 ${hash('sha-256', own).toLowerCase()}`] })],
  ['at the session level', own => ({ session: [`sha-256 ${hash('sha-256', own)}`] })],
  [
    'in the section, whatever the session level says',
    own => ({ session: [`sha-512 ${hash('sha-512', other)}`], media: [`sha-256 ${hash('sha-256', own)}`] }),
  ],
  [
    'in one of several lines of a hash',
    own => ({ media: [other, own, other].map(each => `sha-256 ${hash('sha-256', each)}`) }),
  ],
  [
    'beside a weaker hash that does not match',
    own => ({ media: [`sha-1 ${hash('sha-1', other)}`, `sha-384 ${hash('sha-384', own)}`] }),
  ],
  [
    'beside hashes that nobody knows or uses',
    own => ({
      media: [`sha3-512 AB`, `md5 ${hash('md5', other)}`, `sha-256 ${hash('sha-256', own)}`],
    }),
  ],
]

const refused: readonly (readonly [string, Write])[] = [
  [
    'is right at the session level, and wrong in the section',
    own => ({ ...right('sha-256')(other), session: rightLines(own) }),
  ],
  ['is wrong by sha-1', () => right('sha-1')(other)],
  [
    'is wrong in both lines',
    () => ({ media: [other, Buffer.alloc(9)].map(each => `sha-256 ${hash('sha-256', each)}`) }),
  ],
  [
    'is wrong by the strongest hash',
    own => ({ media: [...rightLines(own), `sha-512 ${hash('sha-512', other)}`, `sha-1 ${hash('sha-1', own)}`] }),
  ],
  [
    'is right by hashes alone that nobody knows',
    own => ({ media: [`sha-999 ${hash('sha-256', own)}`, `x ${hash('sha-512', own)}`] }),
  ],
  // RFC 8122 §5: they must not be used.
  ['is right by md5 alone', right('md5')],
]

function rightLines(own: Uint8Array): readonly string[] {
  return [`sha-256 ${hash('sha-256', own)}`]
}

const identities = { alice: [imported(alice)], bob: [imported(bob)] }

describe('A fingerprint that vouches for the certificate', function () {
  this.timeout(30_000)

  for (const [title, write] of accepted) {
    it(`connects ${title}`, async () => {
      for (const maxVersion of ['1.2', '1.3'] as const) {
        const ends = await call({
          ...identities,
          dtls: { maxVersion },
          onOffer: sdp => rewrite(sdp, write(alice.certificate)),
          onAnswer: sdp => rewrite(sdp, write(bob.certificate)),
        })
        await ends.sim.run(() => ends.delivered.length === 2)
        assert.deepEqual(ends.delivered, ['hello', 'hello'])
        ends.alice.close()
        ends.bob.close()
      }
    })
  }
})

describe('A fingerprint that does not vouch for the certificate', function () {
  this.timeout(30_000)

  // Bob is the client, and checks what the offer says; Alice what the answer says.
  for (const [victim, peer, key, role] of [
    ['bob', 'alice', 'onOffer', 'client'],
    ['alice', 'bob', 'onAnswer', 'server'],
  ] as const) {
    for (const [title, write] of refused) {
      it(`because it ${title} ends the connection before a byte is delivered, seen by the ${role}`, async () => {
        const shown = victim === 'bob' ? alice : bob
        for (const maxVersion of ['1.2', '1.3'] as const) {
          const ends = await call({
            ...identities,
            dtls: { maxVersion },
            [key]: (sdp: string) => rewrite(sdp, write(shown.certificate)),
          })
          const failed = (): boolean => ends.alice.connectionState === 'failed' && ends.bob.connectionState === 'failed'
          await ends.sim.run(failed)
          const [at, from] = [ends.told[victim], ends.told[peer]].map(told =>
            told.find(each => each instanceof RTCError),
          )
          assert.equal(at?.errorDetail, 'fingerprint-failure')
          assert.equal(from?.errorDetail, 'dtls-failure')
          // RFC 8122 §6.2: bad_certificate
          assert.equal(from.receivedAlert, 42)
          assert.match(from.message, /bad_certificate/)
          assert.deepEqual(ends.delivered, [])
          assert.deepEqual(ends[victim].sctp?.transport.getRemoteCertificates(), [])
          ends.alice.close()
          ends.bob.close()
        }
      })
    }
  }
})

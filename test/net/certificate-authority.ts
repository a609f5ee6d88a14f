import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** A certificate authority that nobody trusts unless told to, for one run of the tests. */
export interface CertificateAuthority {
  /** Its own certificate, PEM. */
  readonly certificate: string
  issue(options: IssueOptions): Promise<{ readonly certificate: string; readonly key: string }>
}

export interface IssueOptions {
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const hourMs = 3_600_000

export async function createCertificateAuthority(): Promise<CertificateAuthority> {
  const keys = await generateKeys()
  const name = 'CN=icefloe test authority'
  const own = await X509CertificateGenerator.create(
    {
      subject: name,
      issuer: name,
      signingKey: keys.privateKey,
      publicKey: keys.publicKey,
      signingAlgorithm: algorithm,
      ...validity({}),
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      ],
    },
    webcrypto,
  )
  return {
    certificate: own.toString('pem'),
    issue: async options => {
      const subject = await generateKeys()
      const names = [
        ...(options.dns ?? []).map(value => ({ type: 'dns' as const, value })),
        ...(options.ip ?? []).map(value => ({ type: 'ip' as const, value })),
      ]
      const issued = await X509CertificateGenerator.create(
        {
          subject: 'CN=icefloe test server',
          issuer: name,
          signingKey: keys.privateKey,
          publicKey: subject.publicKey,
          signingAlgorithm: algorithm,
          ...validity(options),
          extensions: [new SubjectAlternativeNameExtension(names)],
        },
        webcrypto,
      )
      const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', subject.privateKey)
      return { certificate: issued.toString('pem'), key: PemConverter.encode(pkcs8, 'PRIVATE KEY') }
    },
  }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

function validity({ notBefore, notAfter }: IssueOptions): { notBefore: Date; notAfter: Date } {
  const now = Date.now()
  return { notBefore: notBefore ?? new Date(now - hourMs), notAfter: notAfter ?? new Date(now + hourMs) }
}

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate and the authority that has signed it, all as PEM. */
export interface Identity {
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

/**
 * Makes a certificate for these names and addresses, and an authority for this one signature, whose key is thrown away.
 * By the program `openssl`, which has to be there: the certificates are to be as others make them.
 */
export function createAuthority(names: readonly string[], addresses: readonly string[]): Identity {
  const directory = mkdtempSync(join(tmpdir(), 'icefloe-authority-'))
  const path = (name: string) => join(directory, name)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const subjects = [...names.map(name => `DNS:${name}`), ...addresses.map(address => `IP:${address}`)]
  try {
    writeFileSync(path('extensions'), `subjectAltName=${subjects.join(',')}\n`)
    openssl(
      ...['req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=icefloe test authority'],
      ...['-keyout', path('ca.key'), '-out', path('ca.pem')],
    )
    openssl('req', ...newKey, '-subj', '/CN=icefloe test', '-keyout', path('key.pem'), '-out', path('request.pem'))
    openssl(
      ...['x509', '-req', '-in', path('request.pem'), '-days', '2', '-extfile', path('extensions')],
      ...['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-out', path('certificate.pem')],
    )
    const read = (name: string) => readFileSync(path(name), 'utf8')
    return { ca: read('ca.pem'), certificate: read('certificate.pem'), key: read('key.pem') }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

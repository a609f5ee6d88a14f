import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Program, requireProgram, skipOrFail } from '../dtls/program.ts'
import {
  type Connection,
  exporterLabel,
  exporterLength,
  type Group,
  type Kind,
  type ProgramPeers,
  type Role,
  suiteId,
  type Version,
} from './program-peers.ts'

/** Firefox has its own NSS, newer than that of the system: the programs run with that. */
const libraries = process.env.FIREFOX_LIBRARIES ?? '/usr/lib/firefox-esr'

/** NSS has no Ed25519. */
export const nssKinds: readonly Kind[] = ['P-256', 'P-384', 'RSA', 'RSA-PSS']
const groupNames: Readonly<Record<Group, string>> = { x25519: 'x25519', secp256r1: 'P256', secp384r1: 'P384' }
/** Certificates with keys for RSA-PSS alone are not among what NSS takes unless asked. */
const schemes = [
  ...['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384'],
  ...['rsa_pss_rsae_sha256', 'rsa_pss_pss_sha256', 'rsa_pkcs1_sha256'],
]

export interface TstclntOptions {
  /** What NSS takes, the most preferred first; all that it has unless given. */
  readonly groups?: readonly Group[]
  readonly environment?: Readonly<Record<string, string>>
}

/** `tstclnt`, the program of NSS that speaks DTLS as either end, with a database of certificates. */
export class Nss {
  readonly #peers: ProgramPeers
  readonly #database: string

  /** Skips where a program or library is missing. */
  constructor(context: Mocha.Context, peers: ProgramPeers) {
    for (const program of ['tstclnt', 'pk12util', 'certutil', 'openssl', 'stdbuf']) requireProgram(context, program)
    if (!existsSync(join(libraries, 'libssl3.so'))) skipOrFail(context, `there is no libssl3.so in ${libraries}`)
    const directory = join(peers.directory, 'nss')
    mkdirSync(directory)
    this.#peers = peers
    this.#database = `sql:${directory}`
    execFileSync('certutil', ['-N', '-d', this.#database, '--empty-password'])
    for (const kind of nssKinds) this.#import(kind)
  }

  tstclnt(role: Role, port: number, version: Version, connection: Connection, options: TstclntOptions = {}): Program {
    const { own, theirs, suite } = connection
    const id = suiteId(version, suite, role === 'client' ? own : theirs)
    const groups = options.groups?.map(group => groupNames[group]).join(',')
    // What it prints of exported keys would otherwise stay in its buffer.
    const args = [
      ...['-o0', 'tstclnt', '-P', role, '-h', '127.0.0.1', '-p', String(port), '-d', this.#database, '-n', theirs],
      ...['-o', '-G', '-V', `tls${version}:tls${version}`, '-c', `:${id}`, '-J', schemes.join(',')],
      ...['-x', `${exporterLabel}:${exporterLength}`, ...(groups === undefined ? [] : ['-I', groups])],
    ]
    return this.#peers.run('stdbuf', args, { ...options.environment, LD_LIBRARY_PATH: libraries })
  }

  #import(kind: Kind): void {
    const { certificate, key } = this.#peers.files(kind)
    const bundle = join(this.#peers.directory, `${kind}.p12`)
    const input = ['-in', certificate, '-inkey', key, '-name', kind]
    execFileSync('openssl', ['pkcs12', '-export', ...input, '-passout', 'pass:', '-out', bundle])
    execFileSync('pk12util', ['-i', bundle, '-d', this.#database, '-W', '', '-K', ''])
  }
}

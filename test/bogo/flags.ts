import { Unimplemented } from './unimplemented.ts'

/** What the runner asks of one run of the shim. */
export interface ShimFlags {
  readonly switches: ReadonlySet<string>
  readonly values: ReadonlyMap<string, string>
  readonly lists: ReadonlyMap<string, readonly number[]>
  readonly credentials: readonly CredentialFlags[]
}

/** A certificate to show: files in PEM, and what its key may sign with, if that is restricted. */
export interface CredentialFlags {
  readonly certificateFile: string
  readonly keyFile: string
  readonly signingPreferences: readonly number[]
  /** Whether it is the one that is shown when none of the others fits. */
  readonly isStandard: boolean
}

/** Without a value. Those in `ignoredSwitches` ask for nothing that would be done otherwise here. */
const switches = new Set([
  '-dtls',
  '-server',
  '-ipv6',
  '-no-tls13',
  '-no-tls12',
  '-shim-writes-first',
  '-shim-shuts-down',
  '-check-close-notify',
  '-use-export-context',
  '-verify-fail',
  '-verify-peer',
  '-require-any-client-certificate',
  '-key-update',
  '-key-update-before-read',
  '-expect-hrr',
  '-expect-no-hrr',
  '-is-handshaker-supported',
])

const ignoredSwitches = new Set([
  // Earlier versions and tickets do not exist here.
  '-no-tls1',
  '-no-tls11',
  '-no-ticket',
  '-expect-no-session',
  '-expect-no-session-id',
  // A core without input and output never blocks, has no callbacks and no explicit step for the handshake.
  '-async',
  '-implicit-handshake',
  '-use-custom-verify-callback',
  '-use-old-client-cert-callback',
  '-use-early-callback',
  '-no-op-extra-handshake',
  '-handshake-twice',
  // True of every connection: nothing else is negotiated.
  '-expect-extended-master-secret',
  '-expect-secure-renegotiation',
  '-expect-verify-result',
  // Renegotiation is refused whatever is said.
  '-forbid-renegotiation-after-handshake',
  // The server chooses by its own preference.
  '-server-preference',
  '-permute-extensions',
])

/** With one value, the last one of which counts. */
const values = new Set([
  '-port',
  '-shim-id',
  '-trust-cert',
  '-min-version',
  '-max-version',
  '-mtu',
  '-initial-timeout-duration-ms',
  '-srtp-profiles',
  '-export-keying-material',
  '-export-label',
  '-export-context',
  '-expect-version',
  '-expect-curve-id',
  '-expect-cipher',
  '-expect-cipher-aes',
  '-expect-peer-signature-algorithm',
  '-expect-peer-cert-file',
  '-expect-selected-credential',
])

/** What is asked for that has no meaning here; what it would be compared with is not there. */
const ignoredValues = new Set(['-expect-cipher-no-aes', '-expect-total-renegotiations', '-read-size'])

/** With a number, as often as it comes. */
const lists = new Set(['-curves'])

/** Features that the product leaves out, by the beginning of the flags that ask for them. The first that fits counts. */
const absent: readonly (readonly [string, RegExp])[] = [
  [
    'session resumption',
    /^-(resume-count|on-resume-|on-retry-|expect-session-miss|expect-ticket|ticket-key|renew-ticket)/,
  ],
  ['session resumption', /^-(skip-ticket|use-ticket|reverify-on-resume|resumption-delay|expect-session-id)/],
  ['early data', /early-data/],
  ['pre-shared keys', /^-(psk|new-spake|pake)/],
  ['encrypted ClientHello', /ech-|-ech/],
  ['application-layer protocol negotiation', /alpn|npn|next-proto|application-settings|alps/],
  ['server name', /server-name|host-name/],
  ['OCSP and signed certificate timestamps', /ocsp|signed-cert-timestamps|sct/],
  ['channel ID', /channel-id/],
  ['delegated credentials', /delegated-credential/],
  ['certificate compression', /compression/],
  ['QUIC', /quic/],
  ['renegotiation', /renegotiat/],
  ['lists of certificate authorities', /client-ca-list|verify-prefs|must-match-issuer/],
  ['other lists of suites or of what is verified', /^-(cipher|verify-prefs|fips|wpa|cnsa|expect-peer-verify-pref)/],
  ['an alert of the application', /send-alert/],
  ['callbacks of the library', /callback|cert-types|certificate-types/],
]

/** @throws {Unimplemented} for a flag that is not known, or that asks for what the product does not have */
export function parseFlags(args: readonly string[]): ShimFlags {
  const seen = new Set<string>()
  const single = new Map<string, string>()
  const several = new Map<string, number[]>()
  const credentials: MutableCredential[] = [emptyCredential(true)]
  for (let at = 0; at < args.length; at++) {
    const name = args[at]?.replace(/^-on-(shim|initial)-/, '-') ?? ''
    if (ignoredSwitches.has(name)) continue
    if (name === '-new-x509-credential') {
      credentials.push(emptyCredential(false))
      continue
    }
    if (switches.has(name)) {
      seen.add(name)
      continue
    }
    const value = args[at + 1] ?? ''
    const isValue = values.has(name) || ignoredValues.has(name)
    if (!isValue && !lists.has(name) && !setCredential(credentials.at(-1), name, value)) throw unknown(name)
    if (isValue) single.set(name, value)
    if (lists.has(name)) several.set(name, [...(several.get(name) ?? []), Number(value)])
    at++
  }
  // The runner gives its additional certificates before the one that it takes for the default.
  const [standard, ...others] = credentials
  const all = standard === undefined || standard.certificateFile === '' ? others : [...others, standard]
  return { switches: seen, values: single, lists: several, credentials: all }
}

type MutableCredential = { -readonly [Key in keyof CredentialFlags]: CredentialFlags[Key] }

function emptyCredential(isStandard: boolean): MutableCredential {
  return { certificateFile: '', keyFile: '', signingPreferences: [], isStandard }
}

function setCredential(credential: MutableCredential | undefined, name: string, value: string): boolean {
  if (credential === undefined) return false
  if (name === '-cert-file') credential.certificateFile = value
  else if (name === '-key-file') credential.keyFile = value
  else if (name === '-signing-prefs') credential.signingPreferences = [...credential.signingPreferences, Number(value)]
  else return false
  return true
}

function unknown(name: string): Unimplemented {
  const feature = absent.find(([, pattern]) => pattern.test(name))
  return new Unimplemented(feature?.[0] ?? `the flag ${name}`)
}

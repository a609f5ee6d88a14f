import { readFileSync } from 'node:fs'
import { opaqueString, type StunCredentials } from '../ice/index.ts'
import { type Context, UsageError } from './command.ts'

/** More is not read: nobody has secrets or certificates of that size. */
const maxFileBytes = 1024 * 1024

/** The options of every command that logs in somewhere. */
export const credentialOptions = {
  user: { type: 'string' },
  password: { type: 'string' },
  'password-file': { type: 'string' },
} as const

export interface CredentialValues {
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly 'password-file'?: string | undefined
}

/** How the password is given, for the help of these commands. */
export const credentialHelp = `  --user NAME           the user name
  --password PASSWORD   the password; other users of this machine can see it while the command runs, so better:
  --password-file FILE  the password is the first line of FILE; - is standard input
                        without either, it is taken from the variable ICEFLOE_PASSWORD`

/**
 * The user name, and the password from wherever it was given.
 *
 * @returns undefined if neither is given
 * @throws {UsageError} if only one of them is, or it is of no use
 */
export function readCredentials(values: CredentialValues, { variables }: Context): StunCredentials | undefined {
  const password = readSecret('password', values.password, values['password-file'], variables.ICEFLOE_PASSWORD)
  const isPasswordMeant = values.password !== undefined || values['password-file'] !== undefined
  if (values.user === undefined) {
    if (isPasswordMeant) throw new UsageError('--user is missing')
    return undefined
  }
  if (password === undefined) {
    throw new UsageError('the password is missing: --password, --password-file or the variable ICEFLOE_PASSWORD')
  }
  return checked({ username: values.user, password })
}

/** RFC 8265 §4.1: neither of them may be empty, or hold what cannot be typed. */
export function checked(credentials: StunCredentials): StunCredentials {
  if (!isOpaque(credentials.username))
    throw new UsageError('the user name is empty, too long or has characters that none may have')
  if (!isOpaque(credentials.password))
    throw new UsageError('the password is empty or has characters that none may have')
  return credentials
}

function isOpaque(text: string): boolean {
  const prepared = opaqueString(text)
  return prepared !== undefined && Buffer.byteLength(prepared) <= 508
}

/** A secret that was given in one of three ways; the first two contradict each other. */
export function readSecret(
  option: string,
  value: string | undefined,
  file: string | undefined,
  variable: string | undefined,
): string | undefined {
  if (value !== undefined && file !== undefined)
    throw new UsageError(`--${option} and --${option}-file exclude each other`)
  if (file === undefined) return value ?? variable
  return readText(`${option}-file`, file).split(/\r?\n/, 1)[0]
}

/** The text of a file, `-` being standard input. */
export function readText(option: string, path: string): string {
  try {
    const bytes = readFileSync(path === '-' ? 0 : path)
    if (bytes.length > maxFileBytes) throw new UsageError(`--${option}: the file is too large`)
    return bytes.toString('utf8')
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`--${option}: the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`)
  }
}

/** Certificates in PEM, from a file. */
export function readPem(option: string, path: string, kind: 'CERTIFICATE' | 'PRIVATE KEY'): string {
  const text = readText(option, path)
  if (!new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(text)) {
    throw new UsageError(`--${option}: there is no ${kind.toLowerCase()} in PEM form in the file`)
  }
  return text
}

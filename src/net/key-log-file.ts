import { appendFileSync } from 'node:fs'

/**
 * Writes key logs to the file that the environment variable SSLKEYLOGFILE names; undefined without it.
 *
 * RFC 9850 §1: for looking into one's own traffic, where nothing is at stake. Whoever reads the file can read what was
 * encrypted, so it is made readable by its owner alone, and that it is written is said aloud.
 */
export function keyLogOfEnvironment(variables: NodeJS.ProcessEnv = process.env): ((line: string) => void) | undefined {
  const path = variables.SSLKEYLOGFILE
  if (path === undefined || path === '') return undefined
  return line => {
    try {
      // Whole lines, appended: several processes may share the file, as they do with browsers.
      appendFileSync(path, `${line}\n`, { mode: 0o600 })
    } catch {
      warnUnwritable()
    }
  }
}

let warned = false

/** Says, once in a process, that keys leave it. */
export function warnOfKeyLog(): void {
  if (warned) return
  warned = true
  process.emitWarning('The keys of DTLS connections are being logged: who has them can decrypt the traffic.', {
    type: 'SecurityWarning',
    code: 'ICEFLOE_KEY_LOG',
  })
}

/** Says that somebody's `keyLog` has thrown: the connection does without it, and whoever gave it has to hear why. */
export function warnOfKeyLogFailure(error: unknown): void {
  process.emitWarning('keyLog has thrown, and is not called any more for this connection', {
    code: 'ICEFLOE_KEY_LOG_CALLBACK',
    detail: error instanceof Error ? error.name + stackFrames(error) : typeof error,
  })
}

/** Where it was thrown, without its message: what a callback says of a line that it could not keep may be the line. */
function stackFrames({ stack = '' }: Error): string {
  return stack
    .split('\n')
    .filter(line => line.startsWith('    at '))
    .map(line => `\n${line}`)
    .join('')
}

let warnedUnwritable = false

function warnUnwritable(): void {
  if (warnedUnwritable) return
  warnedUnwritable = true
  process.emitWarning('SSLKEYLOGFILE cannot be written', { code: 'ICEFLOE_KEY_LOG_FILE' })
}

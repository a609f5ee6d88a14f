import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'
import { unimplementedExitCode } from './unimplemented.ts'

/**
 * Runs all tests of DTLS of BoringSSL's runner against this implementation, and says how many passed, and why the others
 * were not run:
 *
 *     npx tsx test/bogo/run.ts <runner> [--test <patterns>] [arguments of the runner]
 *
 * How to get the runner: see README.md.
 */

const folder = fileURLToPath(new URL('.', import.meta.url))
const configFile = join(folder, 'shim-config.json')

interface ShimConfig {
  readonly DisabledTests: Readonly<Record<string, string>>
}

interface Outcome {
  readonly status: 'passed' | 'failed' | 'unimplemented'
  readonly name: string
  readonly text: string
}

function main(): void {
  const [runner, ...others] = process.argv.slice(2)
  if (runner === undefined) {
    console.error('usage: npx tsx test/bogo/run.ts <runner> [--test <patterns>] [arguments of the runner]')
    process.exit(2)
  }
  const [given, extra] = patternsOf(others)
  const work = mkdtempSync(join(tmpdir(), 'bogo-'))
  try {
    const names = given ?? namesOfDtlsTests(resolve(runner), work)
    const disabled = given === undefined ? disabledBy(names) : new Map<string, string>()
    const selected = names.filter(name => !disabled.has(name))
    const reasonsFile = join(work, 'unimplemented')
    const environment = { ...process.env, BOGO_UNIMPLEMENTED: reasonsFile }
    const outcomes = run(resolve(runner), buildShim(work), selected, environment, [
      '-shim-config',
      configFile,
      ...extra,
    ])
    report(outcomes, disabled, readReasons(reasonsFile))
    const silent = given === undefined ? selected.filter(name => !outcomes.some(each => each.name === name)) : []
    if (silent.length > 0) console.log(`nothing was heard of ${silent.join(', ')}`)
    const isGood = outcomes.length > 0 && silent.length === 0 && outcomes.every(({ status }) => status !== 'failed')
    if (!isGood) process.exitCode = 1
  } finally {
    rmSync(work, { recursive: true })
  }
}

function patternsOf(args: readonly string[]): [readonly string[] | undefined, readonly string[]] {
  const [flag, patterns, ...rest] = args
  return flag === '--test' && patterns !== undefined ? [patterns.split(';'), rest] : [undefined, args]
}

/** Starting a process costs more than most tests take: so the shim is one file, and tests of TLS never start it. */
function buildShim(work: string): string {
  const bundle = join(work, 'shim.cjs')
  const source = pathToFileURL(join(folder, 'shim.ts')).href
  buildSync({
    entryPoints: [join(folder, 'shim.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
    // Modules that are loaded when they are first needed are looked for beside the source.
    define: { 'import.meta.url': JSON.stringify(source) },
  })
  return writeScript(work, 'shim', `*" -dtls "*) exec "${process.execPath}" "${bundle}" "$@";;`)
}

/** A shim that does what `cases` says; asked whether it can be split it says no, and TLS it does not implement. */
function writeScript(work: string, name: string, cases: string): string {
  const file = join(work, name)
  const script = [
    '#!/bin/sh',
    'case " $* " in',
    '*" -is-handshaker-supported "*) echo No; exit 0;;',
    cases,
    'esac',
    `exit ${unimplementedExitCode}`,
  ]
  writeFileSync(file, `${script.join('\n')}\n`)
  chmodSync(file, 0o755)
  return file
}

/** The runner does not tell which tests are of DTLS; but a shim is told. */
function namesOfDtlsTests(runner: string, work: string): readonly string[] {
  const census = writeScript(work, 'census', '*" -dtls "*) exit 1;;')
  const outcomes = run(runner, census, [], process.env, ['-loose-errors'])
  return outcomes.filter(({ status }) => status !== 'unimplemented').map(({ name }) => name)
}

function run(
  runner: string,
  shim: string,
  names: readonly string[],
  env: NodeJS.ProcessEnv,
  extra: readonly string[],
): readonly Outcome[] {
  const selection = names.length === 0 ? [] : ['-test', names.join(';')]
  const args = ['-shim-path', shim, '-pipe', '-allow-unimplemented', ...selection, ...extra]
  const { stdout, stderr, error, status } = spawnSync(runner, args, { encoding: 'utf8', env, maxBuffer: 2 ** 28 })
  if (error !== undefined) throw error
  // 0 if all passed, 1 if not; anything else, and the runner itself has failed.
  if (status !== 0 && status !== 1) console.error(stderr)
  return parseOutput(stdout)
}

function parseOutput(output: string): readonly Outcome[] {
  const status = { PASSED: 'passed', FAILED: 'failed', UNIMPLEMENTED: 'unimplemented' } as const
  const blocks = output.split(/^(?=(?:PASSED|FAILED|UNIMPLEMENTED) \(.*\)$)/m)
  return blocks.flatMap(block => {
    const [, word, name] = /^(PASSED|FAILED|UNIMPLEMENTED) \((.*)\)$/m.exec(block) ?? []
    return word === undefined || name === undefined
      ? []
      : [{ status: status[word as keyof typeof status], name, text: block.trim() }]
  })
}

/** The tests that the configuration leaves out, with the reason. */
function disabledBy(names: readonly string[]): ReadonlyMap<string, string> {
  const { DisabledTests } = JSON.parse(readFileSync(configFile, 'utf8')) as ShimConfig
  const disabled = new Map<string, string>()
  for (const [pattern, reason] of Object.entries(DisabledTests)) {
    const expression = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`)
    const matching = names.filter(name => expression.test(name))
    if (matching.length === 0) console.error(`the pattern ${pattern} in shim-config.json matches no test`)
    for (const name of matching) if (!disabled.has(name)) disabled.set(name, reason)
  }
  return disabled
}

function readReasons(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n')
  } catch {
    return []
  }
}

function report(
  outcomes: readonly Outcome[],
  disabled: ReadonlyMap<string, string>,
  unimplemented: readonly string[],
): void {
  const count = (status: Outcome['status']): number => outcomes.filter(outcome => outcome.status === status).length
  for (const { text } of outcomes.filter(({ status }) => status === 'failed')) console.log(`${text}\n`)
  console.log(`${outcomes.length + disabled.size} tests of DTLS`)
  console.log(`${count('passed')} passed`)
  console.log(`${count('failed')} failed`)
  console.log(`${count('unimplemented')} unimplemented, because they ask for`)
  printTally(unimplemented)
  console.log(`${disabled.size} excluded in shim-config.json`)
  printTally([...disabled.values()])
}

function printTally(reasons: readonly string[]): void {
  const tally = new Map<string, number>()
  for (const reason of reasons) tally.set(reason, (tally.get(reason) ?? 0) + 1)
  for (const [reason, times] of [...tally].sort(([, a], [, b]) => b - a)) {
    console.log(`${String(times).padStart(6)}  ${reason}`)
  }
}

main()

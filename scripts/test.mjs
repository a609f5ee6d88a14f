// Runs all tests, in two processes beside each other: those that talk to other programs spend most of their time waiting.
//
// The last line counts both: `N passed, N failed, N skipped`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js')
const programs = ['test/interop/**/*.test.ts']
const closingLine = /^(\d+) passed, (\d+) failed, (\d+) skipped$/

const withPrograms = run(programs, process.env, line => console.log(line))
// What the other says is said in one piece. The document of connections that were made is not about it.
const said = []
const ignored = programs.flatMap(pattern => ['--ignore', pattern])
const alone = run(['test/**/*.test.ts', ...ignored], withoutInterop(), line => said.push(line))
const first = await withPrograms
const second = await alone
for (const line of said) console.log(line)

const [passed, failed, skipped] = [0, 1, 2].map(index => first.counts[index] + second.counts[index])
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = first.code === 0 && second.code === 0 ? 0 : 1

/** Runs mocha in a process of its own, and tells its lines. One that ends without counting its tests counts as a failure. */
async function run(files, env, tell) {
  const child = spawn(process.execPath, [mocha, ...files], { cwd: root, env, stdio: ['inherit', 'pipe', 'inherit'] })
  const exited = once(child, 'close')
  let counts
  for await (const line of createInterface({ input: child.stdout })) {
    const counted = closingLine.exec(line)
    if (counted === null) tell(line)
    else counts = counted.slice(1).map(Number)
  }
  const [code] = await exited
  return counts === undefined ? { code: code || 1, counts: [0, 1, 0] } : { code, counts }
}

function withoutInterop() {
  const { ICEFLOE_INTEROP: _, ...env } = process.env
  return env
}

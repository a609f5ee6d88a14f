import { parseArgs } from 'node:util'
import { roundTripOverHttp } from './http-check.ts'
import { startDemoServer } from './http-server.ts'
import { selfCheck } from './self-check.ts'
import { Steps } from './steps.ts'

const usage = `Usage: npm start [-- --port N]   self-check, then the demo page on 127.0.0.1 (port 8080, or the next free one)
       npm start -- --check      self-check and a round trip through the HTTP signalling; exits 0 or 1`

const DEFAULT_PORT = 8080
const HTTP_STEP_TIMEOUT_MS = 8000
const END_TIMEOUT_MS = 5000

const options = readOptions()
const steps = new Steps(line => console.log(line))

console.log('\n  icefloe: two peers in this process\n')
await selfCheck(steps)
if (options.check) await check()
else await serveDemo()

/** The table, then the exit code: 0 if every step passed. */
async function check(): Promise<void> {
  const server = await startDemoServer(0)
  await steps.run('HTTP, visitor offers', HTTP_STEP_TIMEOUT_MS, () => roundTripOverHttp(server.url, 'visitor'))
  await steps.run('HTTP, server offers', HTTP_STEP_TIMEOUT_MS, () => roundTripOverHttp(server.url, 'server'))
  await server.close()
  steps.finish()
  process.exitCode = steps.ok ? 0 : 1
  // Everything is closed, so that nothing should keep the process alive: if something does, that is a defect too.
  setTimeout(() => {
    console.log(`  FAILED: still running ${END_TIMEOUT_MS / 1000} s after everything was closed`)
    process.exit(1)
  }, END_TIMEOUT_MS).unref()
}

/** Serves until it is interrupted, also if the self-check has failed: the page may show why. */
async function serveDemo(): Promise<void> {
  steps.finish()
  const server = await startDemoServer(options.port)
  console.log(`\n  The demo is at ${server.url}   (Ctrl+C ends it)\n`)
  const stop = () => void server.close()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

function readOptions(): { check: boolean; port: number } {
  try {
    const { values } = parseArgs({ options: { check: { type: 'boolean' }, port: { type: 'string' } } })
    const port = Number(values.port ?? DEFAULT_PORT)
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`There is no port ${values.port}`)
    return { check: values.check ?? false, port }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exit(2)
  }
}

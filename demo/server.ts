import { parseArgs } from 'node:util'
import { roundTripOverHttp } from './http-check.ts'
import { startDemoServer } from './http-server.ts'
import { mediaCheck } from './media-check.ts'
import { isOwnAddress } from './relay.ts'
import { relayCheck } from './relay-check.ts'
import { selfCheck } from './self-check.ts'
import { Steps } from './steps.ts'

const usage = `Usage: npm start [-- OPTION ...]   self-check, then the demo page on 127.0.0.1
         --port N          the port of the page: 8080 if absent; the next free one if it is taken
         --turn ADDRESS    where the demo's TURN server listens, an IPv4 address of this host: 127.0.0.1 if absent
       npm start -- --check            self-check and round trips through the HTTP signalling; exits 0 or 1`

const DEFAULT_PORT = 8080
const HTTP_STEP_TIMEOUT_MS = 8000
const END_TIMEOUT_MS = 5000

const options = readOptions()
const steps = new Steps(line => console.log(line))

console.log('\n  icefloe: two peers in this process\n')
await selfCheck(steps)
await mediaCheck(steps)
await relayCheck(steps)
if (options.check) await check()
else await serveDemo()

/** The table, then the exit code: 0 if every step passed. */
async function check(): Promise<void> {
  const server = await startDemoServer(0, options.turn)
  for (const offerer of ['visitor', 'server'] as const) {
    await steps.run(`HTTP, ${offerer} offers`, HTTP_STEP_TIMEOUT_MS, () =>
      roundTripOverHttp(server.url, { offerer, path: 'direct' }),
    )
  }
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
  const server = await startDemoServer(options.port, options.turn)
  console.log(`\n  The demo is at ${server.url}   (Ctrl+C ends it)\n`)
  const stop = () => void server.close()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

function readOptions(): { check: boolean; port: number; turn: string | undefined } {
  try {
    const known = { check: { type: 'boolean' }, port: { type: 'string' }, turn: { type: 'string' } } as const
    const { values } = parseArgs({ options: known })
    const port = Number(values.port ?? DEFAULT_PORT)
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`There is no port ${values.port}`)
    const { check = false, turn } = values
    if (turn !== undefined && !isOwnAddress(turn)) throw new Error(`${turn} is not an IPv4 address of this host`)
    return { check, port, turn }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exit(2)
  }
}

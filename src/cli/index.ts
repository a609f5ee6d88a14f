#!/usr/bin/env node
import { createSystemEnvironment } from '../net/system-environment.ts'
import { type Context, exitCode } from './command.ts'
import { run } from './main.ts'
import { printable } from './output.ts'
import { systemRoute } from './system-route.ts'

// A reader that has seen enough (`| head`) is no failure.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit())

// Nobody who uses a program wants to see its stack.
process.on('uncaughtException', error => {
  process.stderr.write(`icefloe: this should not have happened: ${printable(String(error), 300)}\n`)
  process.exit(exitCode.failed)
})

/** How long goodbyes may take after an interruption. */
const goodbyeMs = 3_000

const interruption = new AbortController()
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.on(signal, () => {
    // As the shell counts programs that a signal has ended. Whoever asks twice does not want to wait.
    const end = (): never => process.exit(128 + number)
    if (interruption.signal.aborted) end()
    interruption.abort()
    setTimeout(end, goodbyeMs).unref()
  })
}

const context: Context = {
  environment: createSystemEnvironment(),
  route: systemRoute,
  variables: process.env,
  colour: process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb',
  signal: interruption.signal,
  print: line => {
    process.stdout.write(`${line}\n`)
  },
  complain: line => {
    process.stderr.write(`${line}\n`)
  },
}

// The timers of the environment do not keep a process alive.
const awake = setInterval(() => {}, 60_000)
process.exitCode = await run(process.argv.slice(2), context)
clearInterval(awake)

/** One line of the self-check: how long the step took, and what it found; or why it failed. */
export interface StepResult {
  readonly name: string
  readonly ms: number
  readonly ok: boolean
  readonly detail: string
}

/** Runs named steps one after another, prints a line for each, and keeps the results. Nothing runs after a failure. */
export class Steps {
  readonly results: StepResult[] = []
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  get ok(): boolean {
    return this.results.every(result => result.ok)
  }

  /** @param work resolves with the detail to show */
  async run(name: string, timeoutMs: number, work: () => Promise<string>): Promise<void> {
    if (!this.ok) return
    if (this.results.length === 0) this.#printHeader()
    const started = performance.now()
    let result: { ok: boolean; detail: string }
    try {
      result = { ok: true, detail: await within(timeoutMs, work()) }
    } catch (error) {
      result = { ok: false, detail: error instanceof Error ? error.message : String(error) }
    }
    const step = { name, ms: performance.now() - started, ...result }
    this.results.push(step)
    const mark = step.ok ? '✓' : '✗'
    this.#print(`  ${mark} ${name.padEnd(NAME_WIDTH)}${step.ms.toFixed(1).padStart(MS_WIDTH)}   ${step.detail}`)
  }

  /** Prints how it ended. */
  finish(): void {
    const failed = this.results.find(result => !result.ok)
    const total = this.results.reduce((sum, result) => sum + result.ms, 0)
    this.#print(RULE)
    if (failed === undefined) this.#print(`  All ${this.results.length} steps passed in ${(total / 1000).toFixed(1)} s`)
    else this.#print(`  FAILED at "${failed.name}": ${failed.detail}`)
  }

  #printHeader(): void {
    this.#print(`    ${'step'.padEnd(NAME_WIDTH)}${'ms'.padStart(MS_WIDTH)}   detail`)
    this.#print(RULE)
  }
}

const NAME_WIDTH = 24
const MS_WIDTH = 9
const RULE = `  ${'─'.repeat(78)}`

/** Rejects if the promise has not settled in time. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

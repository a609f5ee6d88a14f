import assert from 'node:assert/strict'
import { type SimulatedHandshake, simulateHandshake } from './handshake-simulation.ts'

/** How many handshakes each of these simulates; more by an environment variable. */
const seeds = Number(process.env.ICEFLOE_DTLS_SEEDS ?? 150)

interface Summary {
  readonly complete: number
  /** One line for each handshake that was not completed. */
  readonly failures: readonly string[]
  readonly text: string
}

function simulate(loss: number): Summary {
  const handshakes: SimulatedHandshake[] = []
  const failures: string[] = []
  for (let seed = 1; seed <= seeds; seed++) {
    const handshake = simulateHandshake(seed, loss)
    if (handshake.complete) handshakes.push(handshake)
    else failures.push(`seed ${seed}: ${handshake.title}: ${handshake.outcome} at ${handshake.connectedMs} ms`)
  }
  const times = distribution(handshakes.map(({ connectedMs }) => connectedMs))
  const datagrams = distribution(handshakes.map(handshake => handshake.datagrams))
  const text = `${handshakes.length} of ${seeds}; milliseconds ${times}; datagrams ${datagrams}`
  return { complete: handshakes.length, failures, text }
}

/** Median, 95th percentile and maximum. */
function distribution(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(0)
  return `${at(0.5)} / ${at(0.95)} / ${at(1)}`
}

/** For whoever asked for more: the numbers. */
function report(title: string, { text, failures }: Summary): void {
  if (process.env.ICEFLOE_DTLS_SEEDS !== undefined) console.log([`      ${title}: ${text}`, ...failures].join('\n'))
}

describe(`${seeds} simulated handshakes of all versions, groups, certificates and sizes`, function () {
  this.timeout(20_000 + 100 * seeds)

  it('all complete where three in ten datagrams are lost', () => {
    const summary = simulate(0.3)
    report('30 %', summary)
    assert.deepEqual(summary.failures, [])
  })

  it('complete in 99 of 100 cases where half of all datagrams are lost', () => {
    const summary = simulate(0.5)
    report('50 %', summary)
    assert.ok(summary.complete >= 0.99 * seeds, summary.failures.join('\n'))
  })
})

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'

/** Project Wycheproof's vectors are not part of this repository: name their folder, or have them beside it. */
const folder =
  process.env.WYCHEPROOF_VECTORS ?? new URL('../../../shared/standards/vectors/wycheproof', import.meta.url).pathname

/** What a case says of its outcome. Acceptable: the library may decide, and the tests here say how it does. */
export type Verdict = 'valid' | 'invalid' | 'acceptable'

/** The fields of a group that tell what its cases have in common. */
export interface VectorGroup {
  readonly ivSize?: number
  readonly keySize?: number
  readonly publicKey?: { readonly uncompressed: string; readonly pk: string }
}

/** A case, with its fields of bytes in hexadecimal. */
export class Vector {
  readonly group: VectorGroup
  readonly result: Verdict
  readonly flags: readonly string[]
  /** To tell which case failed. */
  readonly title: string
  readonly #fields: Readonly<Record<string, unknown>>

  constructor(group: VectorGroup, fields: Readonly<Record<string, unknown>>) {
    const { result, tcId, comment, flags = [] } = fields
    assert.ok(result === 'valid' || result === 'invalid' || result === 'acceptable', String(result))
    assert.ok(Array.isArray(flags))
    this.group = group
    this.result = result
    this.flags = flags
    this.title = `case ${tcId}: ${comment ?? flags}`
    this.#fields = fields
  }

  hex(field: string): string {
    const value = this.#fields[field]
    assert.ok(typeof value === 'string', `${this.title} has no ${field}`)
    return value
  }

  bytes(field: string): Buffer {
    const value = this.hex(field)
    const bytes = Buffer.from(value, 'hex')
    assert.equal(bytes.length * 2, value.length, `${this.title}: ${field} is not in hexadecimal`)
    return bytes
  }
}

/** Skips, visibly, where the vectors are not at hand. In CI they have to be. */
export function requireVectors(context: Mocha.Context): void {
  if (existsSync(folder)) return
  const reason = `there are no Wycheproof vectors; WYCHEPROOF_VECTORS names their folder`
  if (process.env.CI) throw new Error(reason)
  console.log(`      skipped: ${reason}`)
  context.skip()
}

/**
 * Runs every case of a file, and counts them.
 *
 * @param expected how many of each outcome there are: a file that was cut off, or a loop that runs empty, passes no test
 */
export function forEachVector(
  name: string,
  expected: Readonly<Partial<Record<Verdict, number>>>,
  check: (vector: Vector) => void,
): void {
  const { testGroups, numberOfTests } = JSON.parse(readFileSync(`${folder}/${name}_test.json`, 'utf8'))
  const counts: Partial<Record<Verdict, number>> = {}
  let total = 0
  for (const group of testGroups) {
    for (const fields of group.tests) {
      const vector = new Vector(group, fields)
      check(vector)
      counts[vector.result] = (counts[vector.result] ?? 0) + 1
      total++
    }
  }
  assert.deepEqual(counts, expected)
  assert.equal(total, numberOfTests)
}

import assert from 'node:assert/strict'
import { type Aspect, knownDifferences } from './known-differences.ts'

/** @throws {AssertionError} for a difference that is not known, and for a known one that is not there any more */
export function assertKnown(aspect: Aspect, found: readonly string[]): void {
  const known = knownDifferences[aspect]
  const unknown = found.filter(difference => !Object.hasOwn(known, difference))
  const gone = Object.keys(known).filter(difference => !found.includes(difference))
  assert.deepEqual({ unknown, gone }, { unknown: [], gone: [] })
}

import { appendFileSync } from 'node:fs'

/** What the runner takes for "this test does not apply to the implementation". */
export const unimplementedExitCode = 89

/** A test asks for something that the product does not have. */
export class Unimplemented extends Error {
  /** What it asks for, in words that `run.ts` counts by. */
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

/** Ends the process. The reason goes to the file that `run.ts` names, since the runner does not look at it. */
export function exitUnimplemented(reason: string): never {
  const file = process.env.BOGO_UNIMPLEMENTED
  if (file !== undefined) appendFileSync(file, `${reason}\n`)
  process.exit(unimplementedExitCode)
}

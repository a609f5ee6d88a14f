import { mark, type Status } from '../output.ts'

/** What one part of the examination has found. */
export interface Finding {
  /** Its name in JSON. */
  readonly topic: string
  readonly status: Status
  /** The outcome in a few words. */
  readonly title: string
  readonly lines: readonly string[]
  /** For programs. */
  readonly data: object
}

/** For people: a line with the outcome, then what it rests on. */
export function describeFinding({ status, title, lines }: Finding, colour: boolean): string[] {
  return [`${mark(status, colour)}  ${title}`, ...lines.map(line => `      ${line}`)]
}

/** For programs. */
export function findingData({ status, title, lines: _, data }: Finding): object {
  return { status, title, ...data }
}

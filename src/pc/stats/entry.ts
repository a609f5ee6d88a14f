/** What is found out about a monitored object; `timestamp` only if it is not that of the report. */
export interface Entry {
  readonly id: string
  readonly type: string
  readonly timestamp?: number
  readonly [member: string]: unknown
}

/** webrtc-stats §4.2: what is not known does not exist. */
export function present(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

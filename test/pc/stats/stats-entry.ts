/** A dictionary of webrtc-stats, as tests look into it. */
export interface StatsEntry {
  readonly id: string
  readonly type: string
  readonly timestamp: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the dictionary has
  readonly [member: string]: any
}

/** The timers of a TURN client, in milliseconds. */
export interface TurnTiming {
  /** After how long a request is first sent again, before a round trip was measured. RFC 8489 §6.2.1. */
  readonly rtoMs: number
  /** The least retransmission time-out, however short the round trip. */
  readonly rtoFloorMs: number
  /**
   * The greatest interval between two transmissions. RFC 8489 §6.2.1 doubles without end; where much is lost, a request
   * would spend most of its time waiting.
   */
  readonly maxRtoMs: number
  /** How long an answer is waited for, with all retransmissions. RFC 8489 §6.2.1, §6.2.2. */
  readonly timeoutMs: number
  /** How long the answer to the deletion of an allocation is waited for: nobody is helped by more patience. */
  readonly closeTimeoutMs: number
  /**
   * How long the association may be silent before something is sent to keep a NAT's binding, over UDP. An idle relay
   * whose 5-tuple has changed is lost. RFC 8445 §11: 15 s or more.
   */
  readonly keepAliveMs: number
}

export const defaultTurnTiming: TurnTiming = {
  rtoMs: 500,
  rtoFloorMs: 100,
  maxRtoMs: 3_200,
  timeoutMs: 39_500,
  closeTimeoutMs: 2_000,
  keepAliveMs: 15_000,
}

/** RFC 8656 §3.2: what an allocation lives by default. */
export const defaultLifetimeMs = 600_000

/** No interval between two refreshes of an allocation is longer or shorter, whatever lifetime the server says. */
export const maxRefreshIntervalMs = 3_600_000
export const minRefreshIntervalMs = 1_000

/** A refresh that nobody answers is tried once more before the server is taken for dead. */
export const maxRefreshAttempts = 2

/** RFC 8656 §9: a permission lasts 300 s. It is renewed a minute before. */
export const permissionLifetimeMs = 300_000
export const permissionRefreshMs = 240_000

/** RFC 8656 §12: a channel binding lasts 10 minutes. It is renewed a minute before. */
export const channelLifetimeMs = 600_000
export const channelRefreshMs = 540_000

/** RFC 8656 §12: how long after its end the number of a channel, and its peer, must not be bound to another. */
export const channelQuarantineMs = 300_000

/** RFC 8656 §7.4: after 508 the server is asked again after a minute at the earliest; here, after silence as well. */
export const refusalMs = 60_000

/** Who goes on sending to a peer that is refused is told so again, but not more often than this. */
export const refusalReminderMs = 1_000

/** RFC 6062 §4.3: how long to wait before a peer that could not be connected to is tried again. */
export const connectRetryMs = 10_000

/**
 * When an allocation is refreshed: at three quarters of its life, or earlier if that would leave no time for the two
 * attempts, but not before half of it.
 */
export function refreshDelayMs(lifetimeMs: number, timeoutMs: number): number {
  const delay = Math.max(lifetimeMs / 2, Math.min((lifetimeMs * 3) / 4, lifetimeMs - maxRefreshAttempts * timeoutMs))
  return Math.min(Math.max(delay, minRefreshIntervalMs), maxRefreshIntervalMs)
}

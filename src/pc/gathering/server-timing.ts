/** How servers are asked while candidates are gathered, in milliseconds. */
export const serverTiming = {
  /** RFC 8489 §6.2.1: the first retransmission; at least 500 ms where nothing is known of the path. */
  rtoMs: 500,
  /** The greatest interval between two transmissions: where much is lost, a doubled one would be spent waiting. */
  maxRtoMs: 1_600,
  /**
   * How long an answer is waited for. RFC 8489 §6.2.1 comes to 39.5 s; gathering is not complete before, and there are
   * applications that wait for that. This gives a server seven transmissions, as there.
   */
  timeoutMs: 9_500,
  /**
   * How often a server is asked again, to keep the binding of a NAT: RFC 4787 §4.3 lets it go after two minutes, and
   * many NATs after half of one.
   */
  refreshMs: 25_000,
} as const

/** RFC 8445 §B.1: the pace at which servers are asked, so that a NAT is not asked for many bindings at a time. */
export const serverStaggerMs = 50

/**
 * How long the other addresses of this host may take after one of them had an answer, if not five round trips: on many
 * hosts some interfaces lead nowhere, and nobody should wait for those.
 */
export const laggardPatienceMs = 1_000

/** How old the silence of a server is at least, when it is asked again for a transport that takes what was pooled. */
export const askAgainAfterMs = 60_000

/** How long after the loss of a relay another one is asked for: at once, then later and later, up to a minute. */
export function relayRetryMs(losses: number): number {
  return losses === 0 ? 0 : Math.min(60_000, 1_000 * 2 ** losses)
}

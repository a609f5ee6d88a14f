/** The timers of an agent, in milliseconds. */
export interface IceTiming {
  /** Ta, the least time between two checks on different pairs. RFC 8445 §14.2. */
  readonly paceMs: number
  /** The least retransmission time-out of a check. RFC 8445 §14.3 says 500. */
  readonly rtoFloorMs: number
  /**
   * The greatest interval between two transmissions of a check. RFC 8489 §6.2.1 doubles without end; on a path that comes
   * up late, or is bad, that would cost many seconds.
   */
  readonly maxRtoMs: number
  /** How long a check waits for its answer, with all retransmissions. RFC 8489 §6.2.1. */
  readonly checkTimeoutMs: number
  /** The PAC timer: no failure before it, as the peer's checks may still come. RFC 8863 §4. */
  readonly patienceMs: number
  /** How long after the first valid pair a controlling agent waits for better ones before it nominates. */
  readonly nominationPatienceMs: number
  /**
   * The same while the best valid pair is a relayed or a TCP one. On a direct path the first check is often lost, as it
   * has to open the NAT for the other end's; the second and third follow after 100 and 300 ms. A relay that answers at
   * once must not win against that, since a nomination is for good. Data flows on the relay in the meantime.
   */
  readonly relayedPatienceMs: number
  /** How long a controlled agent lets the peer begin with checks after a restart, while the old path carries data. */
  readonly restartPatienceMs: number
  /** How long a nomination may go unanswered, if not four round trips, before another valid pair is nominated instead. */
  readonly nominationTimeoutMs: number
  /** The basic period of consent checks, randomised by 0.8 to 1.2. RFC 7675 §5.1: 5 s, never less. */
  readonly consentIntervalMs: number
  /** How long the selected pair may leave a consent request unanswered before it counts as disconnected. */
  readonly disconnectedAfterMs: number
  /** The same, or four round trips, where something else than silence told that the pair may be gone. */
  readonly suspicionMs: number
  /** How long consent lasts after an answer. RFC 7675 §5.1. */
  readonly consentTimeoutMs: number
}

/** What RFC 8445 §14.2 and §14.3 recommend, for those who are in no hurry: fewer packets, and longer until there is a pair. */
export const unhurriedIceTiming: Partial<IceTiming> = { paceMs: 50, rtoFloorMs: 500 }

export const defaultIceTiming: IceTiming = {
  paceMs: 20,
  rtoFloorMs: 100,
  maxRtoMs: 3_200,
  checkTimeoutMs: 39_500,
  patienceMs: 39_500,
  nominationPatienceMs: 75,
  relayedPatienceMs: 500,
  restartPatienceMs: 500,
  nominationTimeoutMs: 3_000,
  consentIntervalMs: 5_000,
  disconnectedAfterMs: 5_000,
  suspicionMs: 1_000,
  consentTimeoutMs: 30_000,
}

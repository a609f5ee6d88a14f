/**
 * The deadlines of an association:
 *
 * - `t1`: INIT or COOKIE ECHO unanswered (T1-init and T1-cookie never run together)
 * - `t2-shutdown`, `t5-shutdown-guard`: RFC 9260 §9.2
 * - `t3-rtx`: no acknowledgement of the earliest chunk outstanding
 * - `probe`: nothing acknowledged for a while, so ask (RFC 8985 §7)
 * - `reorder`: what seems late has become lost
 * - `zero-window`: time to try whether the peer's window has opened
 * - `burst`: the next burst may be sent
 * - `sack`: the delay of an acknowledgement is over
 * - `re-config`: a stream reset is unanswered (RFC 6525 §5.1.1)
 * - `heartbeat`: nothing was sent for long
 */
export type SctpTimer =
  | 't1'
  | 't2-shutdown'
  | 't5-shutdown-guard'
  | 't3-rtx'
  | 'probe'
  | 'reorder'
  | 'zero-window'
  | 'burst'
  | 'sack'
  | 're-config'
  | 'heartbeat'

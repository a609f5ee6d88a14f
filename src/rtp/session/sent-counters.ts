/** What was sent under one SSRC: RFC 3550 §6.4.1. */
export interface SentCounters {
  packets: number
  /** Of payload. */
  octets: number
  /** Of headers and padding. */
  headerBytes: number
  /** Reports since the last packet left: after the second, it is no sender any more. */
  reportsSince: number
  /** The peer has reported about it: it knows where the stream belongs. */
  isKnown: boolean
}

export function noneSent(): SentCounters {
  return { packets: 0, octets: 0, headerBytes: 0, reportsSince: 0, isKnown: false }
}

export function addSent(to: SentCounters, more: SentCounters): void {
  to.packets += more.packets
  to.octets += more.octets
  to.headerBytes += more.headerBytes
}

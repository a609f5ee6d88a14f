import { read16 } from '../wire.ts'

/** One report about a telephone event: RFC 4733 §2.3. */
export interface TelephoneEventReport {
  /** 0 to 255; 0 to 15 are the DTMF digits: {@link dtmfEvent}. */
  readonly event: number
  readonly end: boolean
  /** The power of the tone in dBm0, without its sign: 0 to 63, larger values being softer. */
  readonly volume: number
  /** Since the timestamp of the packet, in units of its clock: 16 bits. */
  readonly duration: number
}

/** RFC 4733 §2.5.1.3: what the duration field can say. A longer event goes on in another segment. */
export const maxSegmentDuration = 0xffff

const reportBytes = 4
const digits = '0123456789*#ABCD'

/** The code of a DTMF digit (0-9, A-D, * and #, either case): RFC 4733 §3.2, table 3. Undefined if it is none. */
export function dtmfEvent(digit: string): number | undefined {
  const code = digits.indexOf(digit.toUpperCase())
  return digit.length === 1 && code >= 0 ? code : undefined
}

/** The DTMF digit of a code; undefined if it stands for something else. */
export function dtmfDigit(event: number): string | undefined {
  return digits[event]
}

export function writeTelephoneEvent({ event, end, volume, duration }: TelephoneEventReport): Uint8Array {
  return Uint8Array.of(event, (end ? 0x80 : 0) | (volume & 0x3f), duration >>> 8, duration & 0xff)
}

/** The reports in a payload, each of an event right behind the one before (RFC 4733 §2.5.1.5); undefined if malformed. */
export function parseTelephoneEvents(payload: Uint8Array): readonly TelephoneEventReport[] | undefined {
  if (payload.length === 0 || payload.length % reportBytes !== 0) return undefined
  const reports: TelephoneEventReport[] = []
  for (let at = 0; at < payload.length; at += reportBytes) {
    const marks = payload[at + 1] as number
    reports.push({
      event: payload[at] as number,
      end: (marks & 0x80) !== 0,
      volume: marks & 0x3f,
      duration: read16(payload, at + 2),
    })
  }
  return reports
}

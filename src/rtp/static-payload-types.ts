/** What a payload type means without being described. */
export interface StaticPayloadType {
  readonly payloadType: number
  readonly name: string
  /** Hz. */
  readonly clockRate: number
  /** Of audio; undefined if there is no fixed number. */
  readonly channels: number | undefined
}

/** RFC 3551 §6, tables 4 and 5. Everything else has to be described (`a=rtpmap`). */
const assigned: readonly (readonly [payloadType: number, name: string, clockRate: number, channels?: number])[] = [
  [0, 'PCMU', 8_000, 1],
  [3, 'GSM', 8_000, 1],
  [4, 'G723', 8_000, 1],
  [5, 'DVI4', 8_000, 1],
  [6, 'DVI4', 16_000, 1],
  [7, 'LPC', 8_000, 1],
  [8, 'PCMA', 8_000, 1],
  // RFC 3551 §4.5.2: sampled at 16 kHz, and yet with a clock of 8 kHz.
  [9, 'G722', 8_000, 1],
  [10, 'L16', 44_100, 2],
  [11, 'L16', 44_100, 1],
  [12, 'QCELP', 8_000, 1],
  [13, 'CN', 8_000, 1],
  [14, 'MPA', 90_000],
  [15, 'G728', 8_000, 1],
  [16, 'DVI4', 11_025, 1],
  [17, 'DVI4', 22_050, 1],
  [18, 'G729', 8_000, 1],
  [25, 'CelB', 90_000],
  [26, 'JPEG', 90_000],
  [28, 'nv', 90_000],
  [31, 'H261', 90_000],
  [32, 'MPV', 90_000],
  [33, 'MP2T', 90_000],
  [34, 'H263', 90_000],
]

const byNumber: ReadonlyMap<number, StaticPayloadType> = new Map(
  assigned.map(([payloadType, name, clockRate, channels]) => [payloadType, { payloadType, name, clockRate, channels }]),
)

/** The static assignment of a payload type, or undefined if it has none. */
export function staticPayloadType(payloadType: number): StaticPayloadType | undefined {
  return byNumber.get(payloadType)
}

/**
 * Whether a payload type may be given a meaning by a description on a port that carries RTCP too.
 *
 * RFC 5761 §4: 64 to 95 look like RTCP there; those above are meant for it, and those below that are not static may be.
 */
export function isDynamicPayloadType(payloadType: number): boolean {
  if (!Number.isInteger(payloadType) || payloadType < 0 || payloadType > 127) return false
  return payloadType >= 96 || (payloadType >= 35 && payloadType < 64)
}

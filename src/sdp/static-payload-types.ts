/** An encoding that a payload type stands for by itself. */
export interface StaticPayloadType {
  readonly name: string
  readonly clockRate: number
  readonly channels?: number
}

/** RFC 3551 §6: the payload types that need no a=rtpmap. */
export const staticPayloadTypes: ReadonlyMap<number, StaticPayloadType> = new Map<number, StaticPayloadType>([
  [0, { name: 'PCMU', clockRate: 8000 }],
  [3, { name: 'GSM', clockRate: 8000 }],
  [4, { name: 'G723', clockRate: 8000 }],
  [5, { name: 'DVI4', clockRate: 8000 }],
  [6, { name: 'DVI4', clockRate: 16_000 }],
  [7, { name: 'LPC', clockRate: 8000 }],
  [8, { name: 'PCMA', clockRate: 8000 }],
  [9, { name: 'G722', clockRate: 8000 }],
  [10, { name: 'L16', clockRate: 44_100, channels: 2 }],
  [11, { name: 'L16', clockRate: 44_100 }],
  [12, { name: 'QCELP', clockRate: 8000 }],
  [13, { name: 'CN', clockRate: 8000 }],
  [14, { name: 'MPA', clockRate: 90_000 }],
  [15, { name: 'G728', clockRate: 8000 }],
  [16, { name: 'DVI4', clockRate: 11_025 }],
  [17, { name: 'DVI4', clockRate: 22_050 }],
  [18, { name: 'G729', clockRate: 8000 }],
  [25, { name: 'CelB', clockRate: 90_000 }],
  [26, { name: 'JPEG', clockRate: 90_000 }],
  [28, { name: 'nv', clockRate: 90_000 }],
  [31, { name: 'H261', clockRate: 90_000 }],
  [32, { name: 'MPV', clockRate: 90_000 }],
  [33, { name: 'MP2T', clockRate: 90_000 }],
  [34, { name: 'H263', clockRate: 90_000 }],
])

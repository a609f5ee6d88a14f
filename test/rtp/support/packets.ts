import { buildExtension, type ExtensionElement } from '../../../src/rtp/header-extensions.ts'
import type { RtpPacket } from '../../../src/rtp/packet.ts'

export function rtp(fields: Partial<RtpPacket> = {}): RtpPacket {
  return {
    payloadType: 96,
    sequenceNumber: 1_000,
    timestamp: 90_000,
    ssrc: 0x1234_5678,
    marker: false,
    csrcs: [],
    extension: undefined,
    payload: Uint8Array.of(1, 2, 3),
    paddingLength: 0,
    ...fields,
  }
}

export function withElements(elements: readonly ExtensionElement[], fields: Partial<RtpPacket> = {}): RtpPacket {
  return rtp({ extension: buildExtension(elements), ...fields })
}

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex')
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}

import type { LinkedSession, RtpListener } from '../../src/pc/rtp-link.ts'
import { parseRtp, type RtpPacket, serializeRtp } from '../../src/rtp/packet.ts'
import type { ReceivedPacket, ReceiveStream } from '../../src/rtp/session/receive-stream.ts'
import type { RtpSessionEvent } from '../../src/rtp/session/rtp-session.ts'
import type { RtpSessionDrop } from '../../src/rtp/session/statistics.ts'
import type { RtpTransmit } from '../../src/rtp/session/transmit.ts'

/** Stands for an RTP session: sends what it is given, and keeps what it gets. */
export class FakeRtpSession implements LinkedSession, RtpListener {
  /** Room for SRTP behind packets; undefined before there are keys. */
  overhead: readonly [rtp: number, rtcp: number] | undefined
  /** RTP packets that were told to the listener, in order. */
  readonly packets: Uint8Array[] = []
  readonly rtcp: Uint8Array[] = []
  readonly refused: RtpTransmit[] = []
  readonly events: RtpSessionEvent[] = []
  readonly transmits: RtpTransmit[] = []
  readonly pending: RtpSessionEvent[] = []
  readyCount = 0
  isClosed = false
  deadline: number | undefined
  timeouts = 0
  onReceived: (() => void) | undefined

  ready(rtpOverhead: number, rtcpOverhead: number): void {
    this.readyCount++
    this.overhead = [rtpOverhead, rtcpOverhead]
  }

  receive(data: Uint8Array): ReceivedPacket | RtpSessionDrop {
    const packet = parseRtp(data)
    return 'drop' in packet ? packet : { stream, packet, raw: data }
  }

  receiveRtcp(data: Uint8Array): RtpSessionDrop | undefined {
    if (data.length !== 4 + 4 * (data[3] ?? 0)) return { drop: 'bad-length' }
    this.rtcp.push(Uint8Array.from(data))
    return undefined
  }

  unprotected(transmit: RtpTransmit): void {
    this.refused.push(transmit)
  }

  close(): void {
    this.isClosed = true
    this.transmits.push({ kind: 'rtcp', data: bye, length: bye.length, protection: 'copy' })
  }

  pollTransmit(): RtpTransmit | undefined {
    return this.transmits.shift()
  }

  pollEvent(): RtpSessionEvent | undefined {
    return this.pending.shift()
  }

  pollTimeout(): number | undefined {
    return this.deadline
  }

  handleTimeout(now: number): void {
    if (this.deadline === undefined || now < this.deadline) return
    this.timeouts++
    this.deadline = undefined
  }

  rtpReceived({ raw }: ReceivedPacket): void {
    if (raw !== undefined) this.packets.push(Uint8Array.from(raw))
    this.onReceived?.()
  }

  rtpEvent(event: RtpSessionEvent): void {
    this.events.push(event)
  }

  /** Queues a packet; the transport is to be scheduled. */
  send(sequenceNumber: number, protection: 'in-place' | 'copy' = 'in-place'): void {
    const room = protection === 'in-place' ? (this.overhead?.[0] ?? 16) : 0
    const data = serializeRtp(rtpFields(sequenceNumber), room)
    this.transmits.push({ kind: 'rtp', data, length: data.length - room, protection })
  }

  sendRtcp(data: Uint8Array = receiverReport): void {
    this.transmits.push({ kind: 'rtcp', data, length: data.length, protection: 'copy' })
  }

  /** The sequence numbers of what has come. */
  get numbers(): number[] {
    return this.packets.map(data => ((data[2] ?? 0) << 8) | (data[3] ?? 0))
  }
}

export function rtpFields(sequenceNumber: number, ssrc = 0x1234_5678): RtpPacket {
  return {
    payloadType: 96,
    sequenceNumber,
    timestamp: sequenceNumber * 90,
    ssrc,
    marker: false,
    csrcs: [],
    extension: undefined,
    payload: Uint8Array.from({ length: 100 }, (_, index) => (index + sequenceNumber) & 0xff),
    paddingLength: 0,
  }
}

/** An empty receiver report of SSRC 0x87654321. */
export const receiverReport: Uint8Array = Uint8Array.of(0x80, 201, 0, 1, 0x87, 0x65, 0x43, 0x21)
export const bye: Uint8Array = Uint8Array.of(0x81, 203, 0, 1, 0x87, 0x65, 0x43, 0x21)

const stream: ReceiveStream = {
  ssrc: 0x1234_5678,
  mid: '0',
  rid: undefined,
  kind: 'video',
  rtxSsrc: undefined,
  lastCodec: undefined,
  codec: () => undefined,
  statistics: {
    packetsReceived: 0,
    packetsLost: 0,
    jitter: 0,
    bytesReceived: 0,
    headerBytesReceived: 0,
    retransmittedPacketsReceived: 0,
    retransmittedBytesReceived: 0,
    packetsDuplicated: 0,
    lastPacketReceivedAt: undefined,
    nackCount: 0,
    pliCount: 0,
    firCount: 0,
    remote: undefined,
  },
}

/** RTCP packets as values. Sequence numbers are 16 bits, SSRCs 32 bits, byte arrays are views of what was parsed. */
export type RtcpPacket =
  | SenderReport
  | ReceiverReport
  | SourceDescription
  | Bye
  | ApplicationDefined
  | Nack
  | BitrateRequest
  | BitrateNotification
  | TransportFeedback
  | CongestionFeedback
  | PictureLossIndication
  | SliceLossIndication
  | FullIntraRequest
  | ReceiverEstimatedMaxBitrate
  | ExtendedReport
  | UnknownRtcp

/** What one receiver tells about one source: RFC 3550 §6.4.1. */
export interface ReportBlock {
  readonly ssrc: number
  /** Of the packets expected since the last report, in 1/256. */
  readonly fractionLost: number
  /** Since the beginning; signed 24 bits, because duplicates count against it. */
  readonly cumulativeLost: number
  readonly extendedHighestSequence: number
  /** In units of the RTP clock. */
  readonly jitter: number
  /** The middle 32 bits of the NTP timestamp of the last sender report; 0 if there was none. */
  readonly lastSenderReport: number
  /** Since it arrived, in units of 1/65536 s. */
  readonly delaySinceLastSenderReport: number
}

/** RFC 3550 §6.4.1. */
export interface SenderReport {
  readonly type: 'sender-report'
  readonly ssrc: number
  readonly ntpTime: bigint
  readonly rtpTimestamp: number
  readonly packetCount: number
  /** Of payload. */
  readonly octetCount: number
  /** Up to 31. */
  readonly reports: readonly ReportBlock[]
}

/** RFC 3550 §6.4.2. */
export interface ReceiverReport {
  readonly type: 'receiver-report'
  readonly ssrc: number
  /** Up to 31. */
  readonly reports: readonly ReportBlock[]
}

/** Item types of source descriptions. */
export const SdesItem = {
  cname: 1,
  name: 2,
  email: 3,
  phone: 4,
  location: 5,
  tool: 6,
  note: 7,
  private: 8,
  /** RFC 8852 §4.2. */
  rtpStreamId: 12,
  repairedRtpStreamId: 13,
  /** RFC 9143 §15. */
  mid: 15,
} as const

/** RFC 3550 §6.5. */
export interface SourceDescription {
  readonly type: 'source-description'
  /** Up to 31. */
  readonly chunks: readonly SdesChunk[]
}

export interface SdesChunk {
  readonly ssrc: number
  /** Texts of up to 255 bytes of UTF-8, with their {@link SdesItem} types. */
  readonly items: readonly { readonly type: number; readonly text: string }[]
}

/** RFC 3550 §6.6. */
export interface Bye {
  readonly type: 'bye'
  /** Up to 31. */
  readonly ssrcs: readonly number[]
  readonly reason: string | undefined
}

/** RFC 3550 §6.7. */
export interface ApplicationDefined {
  readonly type: 'application-defined'
  readonly subtype: number
  readonly ssrc: number
  /** Four characters of ASCII. */
  readonly name: string
  /** A multiple of four bytes. */
  readonly data: Uint8Array
}

interface Feedback {
  readonly senderSsrc: number
  /** The source that it is about; 0 where the entries name their own. */
  readonly mediaSsrc: number
}

/** Generic NACK: RFC 4585 §6.2.1. */
export interface Nack extends Feedback {
  readonly type: 'nack'
  /** The packets that are missing. */
  readonly sequenceNumbers: readonly number[]
}

/** TMMBR: RFC 5104 §4.2.1. */
export interface BitrateRequest extends Feedback {
  readonly type: 'tmmbr'
  readonly entries: readonly BitrateEntry[]
}

/** TMMBN: RFC 5104 §4.2.2. */
export interface BitrateNotification extends Feedback {
  readonly type: 'tmmbn'
  readonly entries: readonly BitrateEntry[]
}

export interface BitrateEntry {
  readonly ssrc: number
  /** Bits per second. Written with 17 significant bits, rounded down. */
  readonly bitrate: number
  /** Bytes of packet overhead, 0 to 511. */
  readonly overhead: number
}

/** What a transport-wide feedback tells about one packet. */
export interface PacketArrival {
  /** Transport-wide. */
  readonly sequenceNumber: number
  readonly received: boolean
  /**
   * Milliseconds on the clock of the receiver, in steps of 0.25. The reference time on the wire has 24 bits of 64 ms, so
   * that what is read lies within 6.2 days of zero and wraps there: {@link FeedbackTimeline} undoes that. Undefined if it was not received, or if the feedback does not tell when.
   */
  readonly receivedAt: number | undefined
}

/** draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1. */
export interface TransportFeedback extends Feedback {
  readonly type: 'transport-feedback'
  /** 8 bits; one more in each feedback, so that a lost one is noticed. */
  readonly feedbackCount: number
  /** In the order of their sequence numbers, without gaps. */
  readonly packets: readonly PacketArrival[]
}

/** RFC 8888 §3.1. */
export interface CongestionFeedback {
  readonly type: 'congestion-feedback'
  readonly senderSsrc: number
  /** For each stream, the packets from `beginSequence` on without gaps: up to 16384. */
  readonly streams: readonly {
    readonly ssrc: number
    readonly beginSequence: number
    readonly packets: readonly StreamArrival[]
  }[]
  /** The middle 32 bits of an NTP timestamp. */
  readonly reportTime: number
}

/** What a congestion control feedback tells about one packet. */
export interface StreamArrival {
  readonly sequenceNumber: number
  readonly received: boolean
  /** The two bits that the IP header arrived with. */
  readonly ecn: number
  /** Milliseconds before the report, in steps of 1000/1024; infinite from 8 s on, undefined if it is not known. */
  readonly beforeReportMs: number | undefined
}

/** PLI: RFC 4585 §6.3.1. */
export interface PictureLossIndication extends Feedback {
  readonly type: 'pli'
}

/** SLI: RFC 4585 §6.3.2. */
export interface SliceLossIndication extends Feedback {
  readonly type: 'sli'
  /** The first lost macroblock, how many, and six bits of the picture id. */
  readonly slices: readonly { readonly first: number; readonly count: number; readonly pictureId: number }[]
}

/** FIR: RFC 5104 §4.3.1. */
export interface FullIntraRequest extends Feedback {
  readonly type: 'fir'
  /** A repeated request repeats its (8-bit) sequence number. */
  readonly requests: readonly { readonly ssrc: number; readonly sequenceNumber: number }[]
}

/** REMB: draft-alvestrand-rmcat-remb-03 §2.2. */
export interface ReceiverEstimatedMaxBitrate extends Feedback {
  readonly type: 'remb'
  /** Bits per second, for all sources together. Written with 18 significant bits, rounded down. */
  readonly bitrate: number
  readonly ssrcs: readonly number[]
}

/** RFC 3611 §2. */
export interface ExtendedReport {
  readonly type: 'extended-report'
  readonly ssrc: number
  readonly blocks: readonly ExtendedReportBlock[]
}

export type ExtendedReportBlock =
  /** RFC 3611 §4.4: when the report was sent, for those who send no media. */
  | { readonly type: 'receiver-reference-time'; readonly ntpTime: bigint }
  /** RFC 3611 §4.5: the answer to it. */
  | { readonly type: 'delay-since-last-reference-time'; readonly entries: readonly ReferenceTimeDelay[] }
  | {
      readonly type: 'unknown-block'
      readonly blockType: number
      readonly typeSpecific: number
      readonly data: Uint8Array
    }

export interface ReferenceTimeDelay {
  readonly ssrc: number
  /** The middle 32 bits of the reference time; 0 if there was none. */
  readonly lastReferenceTime: number
  /** Since it arrived, in units of 1/65536 s. */
  readonly delay: number
}

/** A packet, or a feedback message, of a kind that is not known here. */
export interface UnknownRtcp {
  readonly type: 'unknown'
  readonly packetType: number
  /** The five bits after version and padding: a count, a subtype or a feedback message type. */
  readonly count: number
  /** What follows the first four bytes, without padding. */
  readonly data: Uint8Array
}

/** RFC 3550 §12.1, RFC 4585 §6.1, RFC 3611 §2. */
export const RtcpType = {
  senderReport: 200,
  receiverReport: 201,
  sourceDescription: 202,
  bye: 203,
  applicationDefined: 204,
  transportFeedback: 205,
  payloadFeedback: 206,
  extendedReport: 207,
} as const

/** Feedback message types of {@link RtcpType.transportFeedback}. */
export const TransportFormat = { nack: 1, tmmbr: 3, tmmbn: 4, congestionControl: 11, transportWide: 15 } as const

/** Feedback message types of {@link RtcpType.payloadFeedback}. */
export const PayloadFormat = { pli: 1, sli: 2, fir: 4, applicationLayer: 15 } as const

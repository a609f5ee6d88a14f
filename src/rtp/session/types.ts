/** A payload type as a section has negotiated it, for one direction. */
export interface SessionCodec {
  readonly payloadType: number
  /** `video/VP8`, `audio/opus`, `audio/telephone-event` */
  readonly mimeType: string
  /** Hertz. */
  readonly clockRate: number
  /** The payload type of its retransmissions (RFC 4588); undefined: lost packets are repeated as they were, if at all. */
  readonly rtx: number | undefined
  /** The feedback that was negotiated for it. */
  readonly nack: boolean
  readonly pli: boolean
  readonly fir: boolean
  readonly transportCc: boolean
  readonly remb: boolean
}

/** A stream that is sent: one for a track, several for a simulcast. */
export interface SessionEncoding {
  readonly ssrc: number
  readonly rtxSsrc: number | undefined
  readonly rid: string | undefined
}

/** A stream that the peer's description names. */
export interface DescribedStream {
  readonly ssrc: number
  readonly rtxSsrc: number | undefined
}

/** What was negotiated for one media section, as RTP sees it. */
export interface SessionSection {
  readonly mid: string
  readonly kind: 'audio' | 'video'
  /** The header extensions, with the identifiers that both ends use. */
  readonly extensions: readonly { readonly id: number; readonly uri: string }[]
  /** What the peer may send here, with our payload types; empty: nothing. */
  readonly receive: readonly SessionCodec[]
  readonly describedStreams: readonly DescribedStream[]
  /** What we may send here, with the payload types of the peer; empty: nothing. */
  readonly send: readonly SessionCodec[]
  readonly encodings: readonly SessionEncoding[]
  /** RFC 5506: RTCP packets need not be compound. */
  readonly reducedSizeRtcp: boolean
}

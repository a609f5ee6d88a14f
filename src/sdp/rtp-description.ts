import type { SdpAttribute, SdpDirection } from './description.ts'

/**
 * What an audio or video section says about RTP.
 *
 * It is a view: `rtpMedia` reads it from the attributes of a section, `withRtpMedia` writes it into them. Mid,
 * direction, rtcp-mux and the transport have their fields in `SdpMedia`; what neither of the two knows stays among the
 * attributes. An optional field is absent, never undefined, if its line is.
 */
export interface SdpRtpMedia {
  /** In the order of the m= line: the most preferred one first. */
  readonly codecs: readonly SdpCodec[]
  readonly headerExtensions: readonly SdpHeaderExtension[]
  /** RFC 8285 §6: one-byte and two-byte header extensions may take turns. */
  readonly extmapAllowMixed: boolean
  /** The a=msid lines. */
  readonly streams: readonly SdpStream[]
  /** The a=ssrc lines, gathered by source, in order of appearance. */
  readonly sources: readonly SdpSource[]
  readonly sourceGroups: readonly SdpSourceGroup[]
  readonly rids: readonly SdpRid[]
  readonly simulcast?: SdpSimulcast
  /** Milliseconds; may have a fraction. */
  readonly ptime?: number
  /** Milliseconds; may have a fraction. */
  readonly maxptime?: number
  /** RFC 3605: where RTCP goes if it is not multiplexed. */
  readonly rtcp?: SdpRtcp
  /** RFC 5506: RTCP packets need not be compound. */
  readonly rtcpRsize: boolean
}

export interface SdpCodec {
  /** From 0 to 127. */
  readonly payloadType: number
  /** As written; names are compared in any case. */
  readonly name: string
  /** Hertz. */
  readonly clockRate: number
  /** The encoding parameter of an audio codec. RFC 8866 §6.6: absent, one channel. */
  readonly channels?: number
  /** What follows the payload type on its a=fmtp line; of several lines, joined by semicolons. See `codecParameters`. */
  readonly fmtp?: string
  readonly feedback: readonly SdpFeedback[]
}

/** RFC 4585 §4.2: `nack`, `nack pli`, `ccm fir`, `transport-cc`, `goog-remb`, ... */
export interface SdpFeedback {
  readonly type: string
  readonly parameter?: string
}

export interface SdpHeaderExtension {
  /** From 1 to 255; or, only to be negotiated, from 4096 to 4351. */
  readonly id: number
  readonly uri: string
  /** RFC 6904: the value travels encrypted. */
  readonly encrypted: boolean
  /** RFC 8285 §5: absent, it goes both ways. */
  readonly direction?: SdpDirection
  /** The configuration behind the URI. */
  readonly attributes?: string
}

/** RFC 8830: a stream that the track belongs to. */
export interface SdpStream {
  /** `-`: the track belongs to none. */
  readonly id: string
  /** The appdata, which browsers make the id of the track; JSEP ignores it. */
  readonly track?: string
}

/** RFC 5576 §4.1 */
export interface SdpSource {
  /** From 0 to 2^32 - 1. */
  readonly ssrc: number
  readonly cname?: string
  readonly streams: readonly SdpStream[]
  /** All other attributes of the source, in order. */
  readonly attributes: readonly SdpAttribute[]
}

/** RFC 5576 §4.2 */
export interface SdpSourceGroup {
  /** `FID`, `SIM`, `FEC-FR`, ... */
  readonly semantics: string
  readonly ssrcs: readonly number[]
}

/** RFC 8851 */
export interface SdpRid {
  readonly id: string
  readonly direction: SdpRidDirection
  /** Absent: every format of the m= line. */
  readonly payloadTypes?: readonly number[]
  /** `max-width`, `max-br`, `depend`, ..., in order; without a value, the other side may choose one. */
  readonly restrictions: readonly SdpAttribute[]
}

export type SdpRidDirection = 'send' | 'recv'

/** RFC 8853: for each direction its simulcast streams, each a choice of alternatives. Absent: none. */
export interface SdpSimulcast {
  readonly send?: readonly SdpSimulcastStream[]
  readonly recv?: readonly SdpSimulcastStream[]
}

/** The most preferred alternative first; never empty. */
export type SdpSimulcastStream = readonly SdpSimulcastVersion[]

export interface SdpSimulcastVersion {
  readonly rid: string
  /** Marked with `~`: nothing of it is sent at first. */
  readonly paused: boolean
}

export interface SdpRtcp {
  readonly port: number
  /** As in a c= line: `IN IP4 192.0.2.1`. */
  readonly connection?: string
}

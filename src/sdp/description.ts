/**
 * A session description as data: a session section and its media sections.
 *
 * What the layers above act on has a field of its own. Every other attribute is kept, in order, in `attributes`. The
 * lines that mean nothing to a peer connection (i=, u=, e=, p=, t=, r=, z=, k=) are checked and left out.
 * An optional field is absent, never undefined, if its line is.
 */
export interface SdpSession extends SdpSection {
  readonly origin: SdpOrigin
  /** The s= line; `-` says nothing. */
  readonly sessionName: string
  /** RFC 5888 §5: in order of appearance. */
  readonly groups: readonly SdpGroup[]
  readonly iceLite: boolean
  readonly media: readonly SdpMedia[]
}

/** One m= line and what follows it. */
export interface SdpMedia extends SdpSection {
  /** `audio`, `video`, `application`, ... */
  readonly kind: string
  /** 0: rejected, or, with `bundleOnly`, only there if bundled. */
  readonly port: number
  /** The number of consecutive ports, if the line tells one. */
  readonly portCount?: number
  /** `UDP/DTLS/SCTP`, `UDP/TLS/RTP/SAVPF`, ... as written. */
  readonly protocol: string
  readonly formats: readonly string[]
  readonly mid?: string
  readonly bundleOnly: boolean
  readonly candidates: readonly SdpCandidate[]
  readonly endOfCandidates: boolean
  readonly rtcpMux: boolean
  readonly rtcpMuxOnly: boolean
  /** From 0 to 65535. RFC 8841 §5.1: a data section without it is invalid; 0 asks for no association. */
  readonly sctpPort?: number
  /** Bytes; 0: any size; absent: see `defaultMaxMessageSize`. */
  readonly maxMessageSize?: number
}

/** What a session and a media section have in common. */
export interface SdpSection {
  /** The value of the c= line, such as `IN IP4 0.0.0.0`; of several the first. */
  readonly connection?: string
  /** The b= lines; absent if there are none. */
  readonly bandwidths?: readonly SdpBandwidth[]
  readonly direction?: SdpDirection
  readonly iceUfrag?: string
  readonly icePwd?: string
  readonly iceOptions: readonly string[]
  readonly fingerprints: readonly SdpFingerprint[]
  readonly setup?: SdpSetup
  readonly tlsId?: string
  /** Every attribute that has no field, in order. */
  readonly attributes: readonly SdpAttribute[]
}

export interface SdpOrigin {
  readonly username: string
  /** Decimal digits; too many for a number. */
  readonly sessionId: string
  /** Decimal digits. */
  readonly sessionVersion: string
  readonly netType: string
  readonly addressType: string
  readonly address: string
}

export interface SdpGroup {
  /** `BUNDLE`, `LS`, ... */
  readonly semantics: string
  readonly mids: readonly string[]
}

export interface SdpBandwidth {
  /** `AS`, `TIAS`, ... */
  readonly type: string
  readonly value: number
}

export type SdpDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

export type SdpSetup = 'actpass' | 'active' | 'passive' | 'holdconn'

export interface SdpFingerprint {
  /** The hash function in lower case: `sha-256`. One that nobody knows, or that nobody may use (`md5`), is kept: ask before trusting it. */
  readonly algorithm: string
  /** Upper-case hexadecimal bytes, separated by colons. */
  readonly value: string
}

/** An attribute line `a=name` or `a=name:value`. */
export interface SdpAttribute {
  readonly name: string
  readonly value?: string
}

/** A candidate as it is written; what is unknown in it is for the caller to pass over. */
export interface SdpCandidate {
  readonly foundation: string
  /** From 1 to 256. */
  readonly component: number
  /** The transport in lower case: `udp`, `tcp`, ... */
  readonly protocol: string
  /** From 0 to 2^32 - 1. */
  readonly priority: number
  /** An IP address or a name, unchecked. */
  readonly address: string
  readonly port: number
  /** In lower case: `host`, `srflx`, `prflx`, `relay`, ... */
  readonly type: string
  readonly relatedAddress?: string
  readonly relatedPort?: number
  /** In lower case: `active`, `passive`, `so`, ... */
  readonly tcpType?: string
  /** The `ufrag` extension: the ICE generation that the candidate belongs to. */
  readonly usernameFragment?: string
  /** All other name and value pairs, in order. */
  readonly extensions: readonly (readonly [name: string, value: string])[]
}

/** A description while it is being read. */
export type Draft<T> = { -readonly [Key in keyof T]: Growing<T[Key]> }

type Growing<T> = T extends readonly (infer Item)[] ? Item[] : T

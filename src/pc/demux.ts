/** The protocols that share one 5-tuple. */
export type PacketKind = 'stun' | 'dtls' | 'turn-channel' | 'srtp' | 'unknown'

/**
 * Which protocol a datagram belongs to, from its first byte.
 *
 * @param firstByte undefined for an empty datagram
 */
export function demux(firstByte: number | undefined): PacketKind {
  // RFC 7983 §7: [0..3] STUN, [16..19] ZRTP, [20..63] DTLS, [64..79] TURN channel, [128..191] RTP/RTCP
  if (firstByte === undefined) return 'unknown'
  if (firstByte >= 20 && firstByte <= 63) return 'dtls'
  if (firstByte >= 128 && firstByte <= 191) return 'srtp'
  if (firstByte <= 3) return 'stun'
  if (firstByte >= 64 && firstByte <= 79) return 'turn-channel'
  return 'unknown'
}

import type { SdpAttribute } from './description.ts'
import { simulcastRids } from './rid.ts'
import type {
  SdpRid,
  SdpRidDirection,
  SdpRtpMedia,
  SdpSimulcastStream,
  SdpSimulcastVersion,
} from './rtp-description.ts'

/** What this side can do for an offer of simulcast. */
export interface SimulcastAbilities {
  /** The most simulcast streams to send; 0: no simulcast. */
  readonly maxSend: number
  /** The most simulcast streams to receive; 0: no simulcast. */
  readonly maxReceive: number
  /** The rids that there is something to send for. Absent: all of them. */
  readonly sendRids?: ReadonlySet<string>
  /**
   * RFC 8851 §5: the restrictions that can be kept when sending, such as `max-width`. Absent: none is looked at, and the
   * answer has none, as in webrtc-pc §4.4.2.
   */
  readonly restrictions?: ReadonlySet<string>
  /** The payload types that the answer accepts: rids that are about others only are refused. */
  readonly payloadTypes: ReadonlySet<number>
}

/** The part of an answer that is about simulcast. */
export type SimulcastAnswer = Pick<SdpRtpMedia, 'rids' | 'simulcast'>

/**
 * The a=rid lines and the a=simulcast line that answer those of an offer.
 *
 * RFC 8853 §5.3.2: directions are reversed, streams may be left out and none be added. Of alternatives, and of streams
 * with the same rid, the first is kept (webrtc-pc §4.4.2). A stream stays paused only if the offer says that it could
 * be resumed, by `ccm pause`. Without a stream left there is no simulcast.
 */
export function answerSimulcast(offer: SdpRtpMedia, abilities: SimulcastAbilities): SimulcastAnswer {
  const rids = new Map(offer.rids.map(rid => [rid.id, rid]))
  const pausable = offer.codecs.some(({ feedback }) => feedback.some(isPause))
  const choose = (direction: SdpRidDirection, max: number): readonly SdpSimulcastVersion[] =>
    firstVersions(offer.simulcast?.[direction] ?? [])
      .filter(({ rid }) => isUsable(rids.get(rid), direction, abilities))
      .slice(0, max)
      .map(({ rid, paused }) => ({ rid, paused: paused && pausable }))
  const receive = choose('send', abilities.maxReceive)
  const send = choose('recv', abilities.maxSend)
  if (receive.length + send.length === 0) return { rids: [] }
  return {
    rids: [...send, ...receive].map(({ rid }) => answerRid(rids.get(rid), abilities)).filter(rid => rid !== undefined),
    simulcast: {
      ...(send.length === 0 ? {} : { send: send.map(version => [version]) }),
      ...(receive.length === 0 ? {} : { recv: receive.map(version => [version]) }),
    },
  }
}

/** The rids that an offer asks this side to send: webrtc-pc §4.4.1.4, the proposed send encodings. Nothing: no simulcast. */
export function proposedSendRids(offer: SdpRtpMedia): readonly string[] {
  return firstVersions(offer.simulcast?.recv ?? []).map(({ rid }) => rid)
}

/**
 * The simulcast streams that one side may send once an offer was answered, in the order of `own`.
 *
 * RFC 8853 §5.3.3: those that the peer's description is ready to receive; paused as the peer says. Nothing: no simulcast.
 *
 * @param own the section of the side that sends
 * @param peer the section of its peer
 */
export function simulcastToSend(own: SdpRtpMedia, peer: SdpRtpMedia): readonly SdpSimulcastVersion[] {
  const accepted = new Map((peer.simulcast?.recv ?? []).flat().map(version => [version.rid, version]))
  const offered = new Map(own.rids.map(rid => [rid.id, rid]))
  const theirs = new Map(peer.rids.map(rid => [rid.id, rid]))
  return (own.simulcast?.send ?? []).flatMap(stream => {
    const kept = stream.find(({ rid }) => accepted.has(rid) && stillValid(offered.get(rid), theirs.get(rid)))
    return kept === undefined ? [] : [{ rid: kept.rid, paused: accepted.get(kept.rid)?.paused === true }]
  })
}

/**
 * The rids that a simulcast line names although no valid a=rid line describes them.
 *
 * RFC 8829 §5.8.3: a description with one of these has failed its verification.
 */
export function undefinedRids(rtp: SdpRtpMedia): readonly string[] {
  const { simulcast } = rtp
  if (simulcast === undefined) return []
  return (['send', 'recv'] as const).flatMap(direction => {
    const known = new Set(rtp.rids.filter(rid => rid.direction === direction).map(({ id }) => id))
    return simulcastRids(simulcast, direction).filter(rid => !known.has(rid))
  })
}

/** The first of the alternatives of each stream, and of each rid the first stream. */
function firstVersions(streams: readonly SdpSimulcastStream[]): readonly SdpSimulcastVersion[] {
  const versions = new Map<string, SdpSimulcastVersion>()
  for (const [version] of streams)
    if (version !== undefined && !versions.has(version.rid)) versions.set(version.rid, version)
  return [...versions.values()]
}

function isUsable(rid: SdpRid | undefined, direction: SdpRidDirection, abilities: SimulcastAbilities): boolean {
  if (rid?.direction !== direction || answerRid(rid, abilities) === undefined) return false
  return direction === 'send' || abilities.sendRids?.has(rid.id) !== false
}

/** RFC 8851 §6.3: the same rid in the other direction; undefined if it cannot be accepted. */
function answerRid(rid: SdpRid | undefined, abilities: SimulcastAbilities): SdpRid | undefined {
  if (rid === undefined) return undefined
  const payloadTypes = rid.payloadTypes?.filter(payloadType => abilities.payloadTypes.has(payloadType))
  if (payloadTypes?.length === 0) return undefined
  const { restrictions } = abilities
  // RFC 8851 §6.2.2, step 4: who is to send must understand every restriction; who receives need not.
  if (rid.direction === 'recv' && rid.restrictions.some(({ name }) => restrictions?.has(name) === false))
    return undefined
  return {
    ...rid,
    direction: rid.direction === 'send' ? 'recv' : 'send',
    restrictions: restrictions === undefined ? [] : rid.restrictions,
    ...(payloadTypes === undefined ? {} : { payloadTypes }),
  }
}

/** RFC 8851 §6.4: an answer may narrow a rid down, and add nothing to it. */
function stillValid(own: SdpRid | undefined, answered: SdpRid | undefined): boolean {
  if (own === undefined || answered === undefined || answered.direction !== 'recv') return false
  const restricted = new Set(own.restrictions.map(({ name }) => name))
  if (answered.restrictions.some(({ name }: SdpAttribute) => !restricted.has(name))) return false
  return answered.payloadTypes === undefined || own.payloadTypes !== undefined
}

/** The `ccm pause` of RFC 7728: the peer can pause and resume single streams. */
function isPause({ type, parameter }: { readonly type: string; readonly parameter?: string }): boolean {
  return type.toLowerCase() === 'ccm' && parameter?.split(' ')[0] === 'pause'
}

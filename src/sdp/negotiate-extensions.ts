import type { SdpDirection } from './description.ts'
import { answerDirection, commonDirection, reverseDirection } from './direction.ts'
import { maxOneByteId, maxTwoByteId } from './extmap.ts'
import type { SdpHeaderExtension, SdpRtpMedia } from './rtp-description.ts'

/** A header extension that this side can use. */
export interface LocalHeaderExtension {
  readonly uri: string
  /** Absent: both ways. */
  readonly direction?: SdpDirection
  /** RFC 6904: it can be used encrypted, too. */
  readonly encryptable?: boolean
}

/**
 * The a=extmap lines that answer those of an offer.
 *
 * RFC 8285 §7: the identifiers stay as offered, but those from 4096 get a free one of the valid range, one of each
 * number; what this side does not want is left out. RFC 6904 §4.1: of an extension that is offered both encrypted and
 * not, the encrypted one is taken and the other is inactive.
 *
 * @param allowMixed whether one-byte and two-byte extensions may take turns, so that free identifiers above 14 may be used
 */
export function answerHeaderExtensions(
  offered: readonly SdpHeaderExtension[],
  local: readonly LocalHeaderExtension[],
  allowMixed: boolean,
): readonly SdpHeaderExtension[] {
  const wanted = new Map(local.map(each => [each.uri, each]))
  const usable = offered.filter(({ uri, encrypted }) => {
    const own = wanted.get(uri)
    return own !== undefined && (!encrypted || own.encryptable === true)
  })
  const encrypted = new Set(usable.filter(each => each.encrypted).map(({ uri }) => uri))
  const ids = new FreeIds(offered, allowMixed)
  const taken = new Set<string>()
  const answer: SdpHeaderExtension[] = []
  for (const extension of usable) {
    const direction = answerDirection(extension.direction, wanted.get(extension.uri)?.direction ?? 'sendrecv')
    const superseded = !extension.encrypted && encrypted.has(extension.uri)
    if (!superseded && (direction === 'inactive' || taken.has(extension.uri))) continue
    const id = ids.for(extension.id)
    if (id === undefined) continue
    if (!superseded) taken.add(extension.uri)
    answer.push(answered(extension, id, superseded ? 'inactive' : direction))
  }
  return answer
}

/**
 * The header extensions that are in use once an offer was answered, with their directions seen from the side that
 * described itself in `own`.
 *
 * RFC 8285 §7: those that both descriptions map, to the same identifier.
 */
export function agreedHeaderExtensions(
  own: readonly SdpHeaderExtension[],
  peer: readonly SdpHeaderExtension[],
): readonly SdpHeaderExtension[] {
  const byId = new Map(peer.map(each => [each.id, each]))
  return own.flatMap(extension => {
    const other = extension.id > maxTwoByteId ? undefined : byId.get(extension.id)
    if (other === undefined || other.uri !== extension.uri || other.encrypted !== extension.encrypted) return []
    const theirs = reverseDirection(other.direction ?? 'sendrecv')
    const direction = commonDirection(extension.direction ?? 'sendrecv', theirs)
    return direction === 'inactive' ? [] : [{ ...extension, direction }]
  })
}

/**
 * The identifiers that mean different extensions in sections that share a transport.
 *
 * RFC 8285 §7: the sections of a BUNDLE group share one space of identifiers.
 */
export function conflictingExtensionIds(sections: readonly SdpRtpMedia[]): readonly number[] {
  const known = new Map<number, string>()
  const conflicts = new Set<number>()
  for (const { id, uri, encrypted } of sections.flatMap(({ headerExtensions }) => headerExtensions)) {
    if (id > maxTwoByteId) continue
    const meaning = `${encrypted} ${uri}`
    if ((known.get(id) ?? meaning) !== meaning) conflicts.add(id)
    known.set(id, meaning)
  }
  return [...conflicts]
}

/** Hands out identifiers that no offered extension has. */
class FreeIds {
  readonly #used: Set<number>
  readonly #remapped = new Set<number>()
  readonly #max: number
  #next = 1

  constructor(offered: readonly SdpHeaderExtension[], allowMixed: boolean) {
    this.#used = new Set(offered.map(({ id }) => id))
    this.#max = allowMixed ? maxTwoByteId : maxOneByteId
  }

  /** The same identifier, or a free one for one that only said what could be negotiated; undefined if there is none. */
  for(id: number): number | undefined {
    if (id <= maxTwoByteId) return id
    if (this.#remapped.has(id)) return undefined
    // RFC 8285 §4.2: 15 is reserved in the one-byte form.
    while (this.#used.has(this.#next) || this.#next === maxOneByteId + 1) this.#next++
    if (this.#next > this.#max) return undefined
    this.#remapped.add(id)
    return this.#next++
  }
}

function answered(extension: SdpHeaderExtension, id: number, direction: SdpDirection): SdpHeaderExtension {
  const { uri, encrypted, attributes } = extension
  const said = extension.direction !== undefined || direction !== 'sendrecv'
  return {
    id,
    uri,
    encrypted,
    ...(said ? { direction } : {}),
    ...(attributes === undefined ? {} : { attributes }),
  }
}

/** RFC 9725 §4.2, §4.4: why the offer of a publisher is refused; undefined if it is not. */
export function checkPublisher(offer: string): string | undefined {
  const directions = directionsOf(offer)
  if (directions.some(({ direction }) => direction === 'recvonly' || direction === 'inactive')) {
    return 'A publisher sends: sections are sendonly, or sendrecv'
  }
  return checkSections(offer)
}

/** draft-ietf-wish-whep: why the offer of a viewer is refused; undefined if it is not. */
export function checkViewer(offer: string): string | undefined {
  const directions = directionsOf(offer)
  if (directions.some(({ direction }) => direction === 'sendonly' || direction === 'inactive')) {
    return 'A viewer receives: sections are recvonly, or sendrecv'
  }
  return checkSections(offer)
}

/** One stream, with one track of each kind at most: RFC 9725 §4.4.2; bundled, and RTCP with RTP: §4.4.1. */
function checkSections(offer: string): string | undefined {
  const kinds = directionsOf(offer).map(({ kind }) => kind)
  if (kinds.length === 0) return 'There is neither audio nor video'
  if (new Set(kinds).size < kinds.length) return 'There is more than one track of a kind'
  if (!/^a=group:BUNDLE /m.test(offer)) return 'The sections are not bundled'
  return undefined
}

function directionsOf(offer: string): { readonly kind: string; readonly direction: string }[] {
  return offer
    .split(/^m=/m)
    .slice(1)
    .flatMap(section => {
      const [kind = ''] = section.split(' ')
      if (kind !== 'audio' && kind !== 'video') return []
      const [, direction = 'sendrecv'] = /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(section) ?? []
      return [{ kind, direction }]
    })
}

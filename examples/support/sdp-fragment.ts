/** RFC 8840: the body `application/trickle-ice-sdpfrag`, as far as WHIP and WHEP need it. */
export interface SdpFragment {
  readonly usernameFragment: string
  readonly password: string
  readonly candidates: readonly FragmentCandidate[]
}

export interface FragmentCandidate {
  /** `candidate:...`; empty at the end of the candidates. */
  readonly candidate: string
  readonly sdpMid: string
}

export const fragmentType = 'application/trickle-ice-sdpfrag'

const MAX_CANDIDATES = 100

/** @returns undefined if it is none */
export function parseFragment(text: string): SdpFragment | undefined {
  const lines = text.split(/\r\n|\n/).filter(line => line !== '')
  if (!lines.every(line => /^[am]=/.test(line))) return undefined
  const usernameFragment = attributeOf(lines, 'a=ice-ufrag:')
  const password = attributeOf(lines, 'a=ice-pwd:')
  if (usernameFragment === undefined || password === undefined) return undefined
  const candidates: FragmentCandidate[] = []
  let sdpMid: string | undefined
  for (const line of lines) {
    if (line.startsWith('a=mid:')) sdpMid = line.slice('a=mid:'.length)
    const isEnd = line === 'a=end-of-candidates'
    if (!isEnd && !line.startsWith('a=candidate:')) continue
    if (sdpMid === undefined || candidates.length === MAX_CANDIDATES) return undefined
    candidates.push({ candidate: isEnd ? '' : line.slice('a='.length), sdpMid })
  }
  return { usernameFragment, password, candidates }
}

/** @param sdp the description that the candidates belong to */
export function writeFragment(sdp: string, candidates: readonly FragmentCandidate[]): string {
  const lines = sdp.split('\r\n')
  const group = lines.find(line => line.startsWith('a=group:BUNDLE'))
  const attributes = ['a=ice-ufrag:', 'a=ice-pwd:'].map(name => `${name}${attributeOf(lines, name) ?? ''}`)
  const sections = [...new Set(candidates.map(({ sdpMid }) => sdpMid))].flatMap(mid => [
    mediaLineOf(lines, mid),
    `a=mid:${mid}`,
    ...attributes,
    ...candidates
      .filter(({ sdpMid }) => sdpMid === mid)
      .map(({ candidate }) => (candidate === '' ? 'a=end-of-candidates' : `a=${candidate}`)),
  ])
  return [...(group === undefined ? [] : [group]), ...sections, ''].join('\r\n')
}

/** The answer to an ICE restart: the fragment of a description that has its candidates in it. */
export function fragmentOf(sdp: string): string {
  const lines = sdp.split('\r\n')
  const mid = attributeOf(lines, 'a=mid:') ?? '0'
  const candidates = lines.filter(line => line.startsWith('a=candidate:')).map(line => line.slice('a='.length))
  return writeFragment(
    sdp,
    [...candidates, ''].map(candidate => ({ candidate, sdpMid: mid })),
  )
}

/** An offer with other ICE credentials and candidates: what an ICE restart amounts to. */
export function restartedOffer(offer: string, { usernameFragment, password, candidates }: SdpFragment): string {
  const lines = offer
    .split('\r\n')
    .filter(line => !line.startsWith('a=candidate:') && line !== 'a=end-of-candidates')
    .map(line => line.replace(/^(a=ice-ufrag:).*/, `$1${usernameFragment}`).replace(/^(a=ice-pwd:).*/, `$1${password}`))
  return lines
    .flatMap(line => {
      const own = candidates.filter(({ candidate, sdpMid }) => candidate !== '' && line === `a=mid:${sdpMid}`)
      return [line, ...own.map(({ candidate }) => `a=${candidate}`)]
    })
    .join('\r\n')
}

function mediaLineOf(lines: readonly string[], mid: string): string {
  const at = lines.indexOf(`a=mid:${mid}`)
  return lines.slice(0, at).findLast(line => line.startsWith('m=')) ?? 'm=audio 9 UDP/TLS/RTP/SAVPF 0'
}

function attributeOf(lines: readonly string[], name: string): string | undefined {
  return lines.find(line => line.startsWith(name))?.slice(name.length)
}

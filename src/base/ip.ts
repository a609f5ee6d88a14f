/** An IP address literal in canonical form. */
export interface IpAddress {
  /** IPv4 dotted decimal, or IPv6 per RFC 5952: lower case, the longest run of zeros compressed. IPv4-mapped is IPv4. */
  readonly address: string
  readonly family: 4 | 6
}

/** Reads an IPv4 or IPv6 literal; a zone index, brackets or anything else that is not an address gives undefined. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.length > 45) return undefined
  if (!text.includes(':')) {
    return parseIpv4(text) === undefined ? undefined : { address: text, family: 4 }
  }
  const groups = parseIpv6(text)
  return groups === undefined ? undefined : formatIpv6(groups)
}

/** The canonical form of eight 16-bit groups. */
export function formatIpv6(groups: readonly number[]): IpAddress {
  // RFC 4291 §2.5.5.2: ::ffff:0:0/96 are IPv4 addresses
  if (groups[5] === 0xffff && groups.slice(0, 5).every(group => group === 0)) {
    const high = groups[6] ?? 0
    const low = groups[7] ?? 0
    return { address: `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`, family: 4 }
  }
  const zeros = longestZeroRun(groups)
  const text = (part: readonly number[]) => part.map(group => group.toString(16)).join(':')
  if (zeros === undefined) return { address: text(groups), family: 6 }
  return { address: `${text(groups.slice(0, zeros.start))}::${text(groups.slice(zeros.end))}`, family: 6 }
}

/** Of an address in canonical form, as all of these: whether it is 127.0.0.0/8 or ::1. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** RFC 4291 §2.5.6: fe80::/10. Such an address means nothing without a zone. */
export function isLinkLocalIpv6(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/.test(address)
}

/** Whether it stands for one host: not unspecified, multicast, broadcast or reserved. */
export function isUnicast(address: string): boolean {
  if (address.includes(':')) return address !== '::' && !/^ff[0-9a-f]{2}:/.test(address)
  const first = Number.parseInt(address, 10)
  return first > 0 && first < 224
}

/** The four bytes of an IPv4 literal without leading zeros, or undefined. */
export function parseIpv4(text: string): readonly [number, number, number, number] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (match === null) return undefined
  const [a, b, c, d] = match.slice(1).map(part => (part.length > 1 && part.startsWith('0') ? 256 : Number(part)))
  if (a === undefined || b === undefined || c === undefined || d === undefined) return undefined
  return a > 255 || b > 255 || c > 255 || d > 255 ? undefined : [a, b, c, d]
}

/** The eight groups of an IPv6 literal, or undefined. */
export function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, index) => (half === '' ? [] : parseGroups(half, index === halves.length - 1)))
  if (head === undefined) return undefined
  if (halves.length === 1) return head.length === 8 ? head : undefined
  if (tail === undefined || head.length + tail.length > 7) return undefined
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

/** @param last whether the address ends here, which is where its last 32 bits may be written as IPv4 */
function parseGroups(text: string, last: boolean): number[] | undefined {
  const parts = text.split(':')
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else {
      const ipv4 = last && index === parts.length - 1 ? parseIpv4(part) : undefined
      if (ipv4 === undefined) return undefined
      groups.push((ipv4[0] << 8) | ipv4[1], (ipv4[2] << 8) | ipv4[3])
    }
  }
  return groups
}

/** RFC 5952 §4.2: the longest run of at least two zero groups, the first of equals. */
function longestZeroRun(groups: readonly number[]): { start: number; end: number } | undefined {
  let best: { start: number; end: number } | undefined
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start >= 2 && (best === undefined || end - start > best.end - best.start)) best = { start, end }
    if (end > start) start = end
  }
  return best
}

import type { CurveName, GroupName, KeyExchangeName } from './crypto/provider.ts'

export interface NamedGroup {
  readonly id: number
  readonly name: GroupName
}

/** RFC 8422 §5.1.1: the code points. */
const allGroups: readonly NamedGroup[] = [
  { id: 29, name: 'x25519' },
  { id: 23, name: 'secp256r1' },
  { id: 24, name: 'secp384r1' },
]

/** Those of DTLS 1.2 among the key exchanges of a configuration. */
export function namedGroups(names: readonly KeyExchangeName[]): readonly NamedGroup[] {
  return names.flatMap(name => allGroups.filter(group => group.name === name))
}

export function namedGroup(id: number, names: readonly KeyExchangeName[]): NamedGroup | undefined {
  return namedGroups(names).find(group => group.id === id)
}

/** RFC 8422 §5.1.1: the code points that stand for the curves of ECDSA keys, too. */
export const curveGroups: Readonly<Record<CurveName, number>> = { 'P-256': 23, 'P-384': 24 }

import type { GroupName } from './crypto/provider.ts'

export interface NamedGroup {
  readonly id: number
  readonly name: GroupName
}

/** The key exchange groups that are offered and accepted, most preferred first. RFC 8422 §5.1.1: their code points. */
export const namedGroups: readonly NamedGroup[] = [
  { id: 29, name: 'x25519' },
  { id: 23, name: 'secp256r1' },
]

export function namedGroup(id: number): NamedGroup | undefined {
  return namedGroups.find(group => group.id === id)
}

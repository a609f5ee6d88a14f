/**
 * An IP address and port, as text and number. Addresses are written in one canonical form (IPv6 in lower case,
 * compressed, no brackets, IPv4-mapped ones as IPv4), so that equal text means equal address.
 *
 * The driver hands out the same object for the same endpoint again and again: comparing by identity first is worth it.
 */
export interface TransportAddress {
  readonly address: string
  readonly port: number
  readonly family: 4 | 6
}

export function sameAddress(a: TransportAddress, b: TransportAddress): boolean {
  return a === b || (a.port === b.port && a.address === b.address)
}

/** A text that is equal for equal addresses, fit for the key of a map or a log line. */
export function addressKey(address: TransportAddress): string {
  return address.family === 6 ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
}

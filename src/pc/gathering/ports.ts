import type { RandomSource } from '../../base/environment.ts'
import { randomUint32 } from '../../base/random.ts'

/** Local ports that may be bound, both included. */
export interface PortRange {
  readonly min: number
  readonly max: number
}

/** Ports of a range that are tried before an address is given up: others on this host may hold most of them. */
export const maxPortAttempts = 256

/** Binds a port of a range, or any; undefined if the address cannot be bound, or no port of the range is free. */
export async function openPort<Socket>(
  range: PortRange | undefined,
  random: RandomSource,
  open: (port: number) => Promise<Socket>,
): Promise<Socket | undefined> {
  for (const port of portsToTry(range, random)) {
    try {
      return await open(port)
    } catch (error) {
      if (!isTaken(error)) return undefined
    }
  }
  return undefined
}

/** 0, or ports of the range from one on that nobody can foretell. */
function portsToTry(range: PortRange | undefined, random: RandomSource): number[] {
  if (range === undefined) return [0]
  const size = range.max - range.min + 1
  const start = randomUint32(random) % size
  return Array.from({ length: Math.min(size, maxPortAttempts) }, (_, index) => range.min + ((start + index) % size))
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES')
}

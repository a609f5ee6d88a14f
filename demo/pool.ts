import type { RTCPeerConnection } from 'icefloe'

const POLL_MS = 10
const PATIENCE_MS = 2000

/** Resolves once every component of the candidate pool has gathered all it can, or after a while; at once without one. */
export async function poolFilled(connection: RTCPeerConnection): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await isFilled(connection)) && performance.now() < end) {
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

async function isFilled(connection: RTCPeerConnection): Promise<boolean> {
  for (const stats of (await connection.getStats()).values() as Iterable<{ type: string; state?: string }>) {
    if (stats.type === 'icefloe-pooled-component' && stats.state !== 'complete') return false
  }
  return true
}

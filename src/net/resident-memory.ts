import { readFile } from 'node:fs/promises'

/** Bytes of memory that a process of this host has; undefined where the system does not tell (it is Linux that does). */
export async function residentMemory(pid: number): Promise<number | undefined> {
  try {
    // Not `statm`, which counts pages of a size that Node does not tell.
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024
  } catch {
    return undefined
  }
}

import assert from 'node:assert/strict'
import { FakeRtpSession } from './fake-rtp-session.ts'
import { areConnected, createTransports, type End, type TransportPairOptions, world } from './transport-pair.ts'

export interface Call {
  readonly ends: readonly [End, End]
  readonly sessions: readonly [FakeRtpSession, FakeRtpSession]
  readonly run: (until: () => boolean) => Promise<boolean>
  readonly settle: () => Promise<void>
  readonly sim: TransportPairOptions['sim']
}

/** Two transports with a fake session on each; connected unless that is not waited for. */
export async function call(
  seed: number,
  options: Partial<TransportPairOptions> & { readonly waits?: boolean } = {},
): Promise<Call> {
  const { sim, environments } = { ...world(seed), ...options }
  const ends = createTransports({ ...options, sim, environments })
  const sessions = [new FakeRtpSession(), new FakeRtpSession()] as const
  ends[0].transport.attachRtp(sessions[0], sessions[0])
  ends[1].transport.attachRtp(sessions[1], sessions[1])
  const run = (until: () => boolean): Promise<boolean> => sim.run(until, 10_000)
  if (options.waits !== false) assert.ok(await run(() => areConnected(ends)), `seed ${seed}: not connected`)
  return { sim, ends, sessions, run, settle: () => sim.runFor(50) }
}

export function drops({ transport }: End): Record<string, number> {
  return Object.fromEntries(transport.counters.drops)
}

export function end({ ends }: Call): void {
  for (const each of ends) each.close()
}

/** SRTP as it left an end, the latest. */
export function lastSent({ sent }: End): Uint8Array {
  const packet = sent.findLast(data => (data[0] ?? 0) >= 128)
  assert.ok(packet)
  return packet
}

export function isMedia(data: Uint8Array): boolean {
  return (data[0] ?? 0) >= 128
}

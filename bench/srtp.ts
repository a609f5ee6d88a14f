/**
 * SRTP by itself: the CPU time of protecting and of taking a packet, for each profile.
 *
 * Run with `npx tsx bench/srtp.ts [seconds]`. The time is that of the process, not of the clock on the wall, so that other programs
 * disturb it less. The last lines send each packet of one sender to 100 receivers, each with keys of its own.
 */
import { randomBytes } from 'node:crypto'

import { rtpLength, serializeRtp } from '../src/rtp/packet.ts'
import { keyingMaterialLength, type SrtpProfile, SrtpSession, srtpProfiles } from '../src/srtp/index.ts'

const seconds = Number(process.argv[2] ?? 1)
const batch = 1_000

type Role = 'client' | 'server'

function sessions(profile: SrtpProfile, cryptex = false): readonly [SrtpSession, SrtpSession] {
  const keyingMaterial = randomBytes(keyingMaterialLength(profile))
  const end = (role: Role): SrtpSession => new SrtpSession({ profile: profile.id, keyingMaterial, role, cryptex })
  return [end('client'), end('server')]
}

function packet(sequenceNumber: number, length: number): Uint8Array {
  const fields = {
    payloadType: 96,
    sequenceNumber: sequenceNumber & 0xffff,
    timestamp: sequenceNumber,
    ssrc: 0x1234_5678,
    marker: false,
    csrcs: [],
    extension: { profile: 0xbede, data: Uint8Array.of(0x32, 1, 2, 3, 0x51, 4, 5, 0) },
    paddingLength: 0,
  }
  const header = rtpLength({ ...fields, payload: new Uint8Array(0) })
  return serializeRtp({ ...fields, payload: new Uint8Array(length - header) })
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

function requirePacket(result: Uint8Array | { readonly drop: string }): Uint8Array {
  if ('drop' in result) throw new Error(`dropped: ${result.drop}`)
  return result
}

/** Microseconds of protecting and of taking a packet: medians over batches, which one that was disturbed does not move. */
function measure(profile: SrtpProfile, length: number, cryptex: boolean): readonly [number, number] {
  const [sender, receiver] = sessions(profile, cryptex)
  let sequenceNumber = 0
  const run = (budget: number): readonly [number, number] => {
    const protecting: number[] = []
    const taking: number[] = []
    for (let spent = 0; spent < budget; ) {
      const plain: Uint8Array[] = []
      for (let i = 0; i < batch; i++) plain.push(packet(sequenceNumber++, length))
      const start = cpuMicroseconds()
      const sealed = plain.map(each => requirePacket(sender.protect(each)))
      const middle = cpuMicroseconds()
      for (const each of sealed) requirePacket(receiver.unprotect(each))
      const end = cpuMicroseconds()
      protecting.push((middle - start) / batch)
      taking.push((end - middle) / batch)
      spent += end - start
    }
    return [median(protecting), median(taking)]
  }
  run(300_000)
  return run(seconds * 1_000_000)
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >>> 1] ?? Number.NaN
}

/** Microseconds of making a packet and protecting it for each of many receivers, by packet. */
function fanOut(profile: SrtpProfile, receivers: number): number {
  const senders = Array.from({ length: receivers }, () => sessions(profile)[0])
  let [spent, count] = [0, 0]
  while (spent < seconds * 1_000_000) {
    const start = cpuMicroseconds()
    for (let i = 0; i < 10; i++) {
      const plain = packet(count++, 1200)
      for (const sender of senders) requirePacket(sender.protect(plain))
    }
    spent += cpuMicroseconds() - start
  }
  return spent / count
}

console.log('us of CPU per packet                 protect  unprotect')
for (const profile of srtpProfiles.values()) {
  for (const [length, cryptex] of [
    [1200, false],
    [1200, true],
    [120, false],
  ] as const) {
    const [protecting, taking] = measure(profile, length, cryptex)
    const title = `${profile.name} ${length}${cryptex ? ' Cryptex' : ''}`
    console.log(`${title.padEnd(42)}${protecting.toFixed(2).padStart(2)}${taking.toFixed(2).padStart(11)}`)
  }
}
for (const profile of srtpProfiles.values()) {
  console.log(`${profile.name}: one packet to 100 receivers ${fanOut(profile, 100).toFixed(0)} us`)
}

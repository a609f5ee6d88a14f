import assert from 'node:assert/strict'
import { serializeRtp } from '../../src/rtp/packet.ts'
import {
  keyingMaterialLength,
  type SrtpDropped,
  SrtpSession,
  type SrtpSessionOptions,
  srtpProfiles,
} from '../../src/srtp/index.ts'
import type { SrtpProfile } from '../../src/srtp/profiles.ts'
import { prng } from '../support/prng.ts'

export const profiles: readonly SrtpProfile[] = [...srtpProfiles.values()]

/** Bytes of its own: what is under test overwrites what it is given. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export type Extras = Pick<SrtpSessionOptions, 'mki' | 'encryptedExtensions' | 'cryptex'>

/** Both ends of one association. */
export function pair(profile: SrtpProfile, extras: Extras = {}, seed = 1): readonly [SrtpSession, SrtpSession] {
  const keyingMaterial = prng(seed).bytes(keyingMaterialLength(profile))
  const end = (role: 'client' | 'server'): SrtpSession =>
    new SrtpSession({ profile: profile.id, keyingMaterial, role, ...extras })
  return [end('client'), end('server')]
}

export interface Fields {
  readonly ssrc?: number
  readonly csrcs?: readonly number[]
  readonly extension?: { readonly profile: number; readonly data: Uint8Array }
  readonly payload?: Uint8Array
  readonly paddingLength?: number
}

export const defaultSsrc = 0xcafe_babe

export function rtp(sequenceNumber: number, fields: Fields = {}): Uint8Array {
  return serializeRtp({
    payloadType: 96,
    sequenceNumber,
    timestamp: 0xdeca_fbad,
    ssrc: fields.ssrc ?? defaultSsrc,
    marker: false,
    csrcs: fields.csrcs ?? [],
    extension: fields.extension,
    payload: fields.payload ?? Uint8Array.of(1, 2, 3, sequenceNumber >>> 8, sequenceNumber & 0xff),
    paddingLength: fields.paddingLength ?? 0,
  })
}

/** A receiver report of `ssrc` without blocks, and an application packet that makes it longer. */
export function rtcp(ssrc: number = defaultSsrc, data: Uint8Array = Uint8Array.of(1, 2, 3, 4)): Uint8Array {
  assert.equal(data.length % 4, 0)
  const packet = new Uint8Array(8 + 12 + data.length)
  const view = new DataView(packet.buffer)
  view.setUint32(0, 0x80c9_0001)
  view.setUint32(4, ssrc)
  view.setUint32(8, 0x80cc_0000 + 2 + data.length / 4)
  view.setUint32(12, ssrc)
  view.setUint32(16, 0x7465_7374)
  packet.set(data, 20)
  return packet
}

/** The packet, where none was to be dropped. */
export function taken(result: Uint8Array | SrtpDropped, message = ''): Uint8Array {
  if ('drop' in result) assert.fail(`dropped: ${result.drop} ${message}`)
  return result
}

export function refused(result: Uint8Array | SrtpDropped): string {
  if (!('drop' in result)) assert.fail('not dropped')
  return result.drop
}

/** What is protected and taken must be a copy for a second attempt: receiving is in place. */
export function copyOf(packet: Uint8Array): Uint8Array {
  return Uint8Array.from(packet)
}

import { ExtensionCipher } from './extension-cipher.ts'
import { GcmTransform } from './gcm-transform.ts'
import { HmacTransform } from './hmac-transform.ts'
import { checkMasterKey, deriveSessionKeys, type MasterKey } from './key-derivation.ts'
import type { RtpLayout } from './layout.ts'
import type { SrtpProfile } from './profiles.ts'
import { Streams } from './streams.ts'
import type { SrtpTransform } from './transform.ts'

/** What both directions of a session agree on. */
export interface SrtpParameters {
  readonly profile: SrtpProfile
  /** Empty if packets carry none. */
  readonly mki: Uint8Array
  readonly encryptedExtensions: readonly number[]
  readonly cryptex: boolean
}

/** The cryptographic contexts of one direction, RFC 3711 §3.2: the keys, and the streams under them. */
export class SrtpContext {
  readonly transform: SrtpTransform
  readonly extensions: ExtensionCipher | undefined
  readonly cryptex: boolean
  readonly streams: Streams = new Streams()
  /** Of the packet at work. */
  readonly layout: RtpLayout = { ssrc: 0, index: 0, clearLength: 0, movedLength: 0, end: 0 }

  /** @throws {SrtpError} `bad-keying-material`, `bad-extension-id` */
  constructor({ profile, mki, encryptedExtensions, cryptex }: SrtpParameters, master: MasterKey) {
    checkMasterKey(profile, master)
    const keys = deriveSessionKeys(profile, master)
    this.transform = profile.cipher === 'aes-gcm' ? new GcmTransform(keys, mki) : new HmacTransform(profile, keys, mki)
    this.extensions = encryptedExtensions.length > 0 ? new ExtensionCipher(master, encryptedExtensions) : undefined
    this.cryptex = cryptex
  }

  wipe(): void {
    this.transform.wipe()
    this.extensions?.wipe()
  }
}

/** RFC 9335 §6.1: of a packet that Cryptex serves, the fixed header and the head of the extension stay in clear. */
export const cryptexClearLength = 16

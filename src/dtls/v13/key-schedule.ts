import type { CryptoProvider } from '../crypto/provider.ts'
import { type KeyLog, type KeyLogLabel, keyLogLine } from '../key-log.ts'
import type { CipherSuite13 } from './cipher-suites.ts'
import { dtlsLabelPrefix, Hkdf } from './hkdf.ts'
import type { TrafficKeys } from './record-protection.ts'

/** RFC 8446 §5.3: iv_length of the AEADs here. */
const ivLength = 12
const nothing = new Uint8Array()

/** Which traffic: of the handshake, or of the application. */
type Stage = 'hs' | 'ap'

/** Takes the secrets of a connection, for debugging. */
export type SecretLog = (label: KeyLogLabel, secret: Uint8Array) => void

/** RFC 9850 §2: the lines of a key log begin with the random of the ClientHello. */
export function secretLog(keyLog: KeyLog | undefined, clientRandom: Uint8Array): SecretLog | undefined {
  return keyLog === undefined ? undefined : (label, secret) => keyLog(keyLogLine(label, clientRandom, secret))
}

/** What the two ends derive their keys of one stage from. */
export interface TrafficSecrets {
  readonly client: Uint8Array
  readonly server: Uint8Array
}

/**
 * The key schedule of TLS 1.3, without pre-shared keys.
 *
 * RFC 8446 §7.1: Early Secret -> Handshake Secret -> Master Secret, each extracted from the one before.
 */
export class KeySchedule {
  readonly suite: CipherSuite13
  readonly #hkdf: Hkdf
  readonly #emptyHash: Uint8Array
  readonly #log: SecretLog | undefined
  #handshakeSecret: Uint8Array
  #masterSecret: Uint8Array

  /**
   * @param sharedSecret of the key exchange; overwritten
   * @param prefix of labels: only the vectors of TLS 1.3 have another
   */
  constructor(
    crypto: CryptoProvider,
    suite: CipherSuite13,
    sharedSecret: Uint8Array,
    log?: SecretLog,
    prefix: string = dtlsLabelPrefix,
  ) {
    this.#log = log
    this.suite = suite
    this.#hkdf = new Hkdf(crypto, suite.hash, prefix)
    this.#emptyHash = this.#hkdf.hash(nothing)
    const zeros = new Uint8Array(this.#hkdf.hashLength)
    const earlySecret = this.#hkdf.extract(zeros, zeros)
    this.#handshakeSecret = this.#hkdf.extract(this.#derived(earlySecret), sharedSecret)
    this.#masterSecret = this.#hkdf.extract(this.#derived(this.#handshakeSecret), zeros)
    sharedSecret.fill(0)
  }

  hash(transcript: Uint8Array): Uint8Array {
    return this.#hkdf.hash(transcript)
  }

  /** @param transcriptHash of ClientHello...ServerHello */
  handshakeTraffic(transcriptHash: Uint8Array): TrafficSecrets {
    const secrets = this.#traffic(this.#handshakeSecret, 'hs', transcriptHash)
    this.#log?.('CLIENT_HANDSHAKE_TRAFFIC_SECRET', secrets.client)
    this.#log?.('SERVER_HANDSHAKE_TRAFFIC_SECRET', secrets.server)
    return secrets
  }

  /** @param transcriptHash of ClientHello...server Finished */
  applicationTraffic(transcriptHash: Uint8Array): TrafficSecrets {
    const secrets = this.#traffic(this.#masterSecret, 'ap', transcriptHash)
    this.#log?.('CLIENT_TRAFFIC_SECRET_0', secrets.client)
    this.#log?.('SERVER_TRAFFIC_SECRET_0', secrets.server)
    return secrets
  }

  /** @param transcriptHash of ClientHello...server Finished */
  exporterSecret(transcriptHash: Uint8Array): Uint8Array {
    const secret = this.#hkdf.deriveSecret(this.#masterSecret, 'exp master', transcriptHash)
    this.#log?.('EXPORTER_SECRET', secret)
    return secret
  }

  /** RFC 8446 §4.4.4: the verify_data of whoever sends with the traffic secret. */
  verifyData(trafficSecret: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
    const finishedKey = this.#hkdf.expandLabel(trafficSecret, 'finished', nothing, this.#hkdf.hashLength)
    return this.#hkdf.hmac(finishedKey, transcriptHash)
  }

  /** RFC 8446 §7.3, RFC 9147 §4.2.3: what records are protected with. */
  trafficKeys(trafficSecret: Uint8Array): TrafficKeys {
    const { aead, keyLength } = this.suite
    return {
      aead,
      key: this.#hkdf.expandLabel(trafficSecret, 'key', nothing, keyLength),
      iv: this.#hkdf.expandLabel(trafficSecret, 'iv', nothing, ivLength),
      sequenceKey: this.#hkdf.expandLabel(trafficSecret, 'sn', nothing, keyLength),
    }
  }

  /** RFC 8446 §7.2: application_traffic_secret_N+1. */
  nextTrafficSecret(trafficSecret: Uint8Array): Uint8Array {
    return this.#hkdf.expandLabel(trafficSecret, 'traffic upd', nothing, this.#hkdf.hashLength)
  }

  /** RFC 8446 §7.5: TLS-Exporter; a context that is not given is an empty one. */
  export(exporterSecret: Uint8Array, label: string, length: number, context: Uint8Array = nothing): Uint8Array {
    const secret = this.#hkdf.deriveSecret(exporterSecret, label, this.#emptyHash)
    return this.#hkdf.expandLabel(secret, 'exporter', this.#hkdf.hash(context), length)
  }

  /** Overwrites the secrets that traffic secrets come from; what was derived remains. */
  wipe(): void {
    this.#handshakeSecret.fill(0)
    this.#masterSecret.fill(0)
  }

  #derived(secret: Uint8Array): Uint8Array {
    return this.#hkdf.deriveSecret(secret, 'derived', this.#emptyHash)
  }

  #traffic(secret: Uint8Array, stage: Stage, transcriptHash: Uint8Array): TrafficSecrets {
    return {
      client: this.#hkdf.deriveSecret(secret, `c ${stage} traffic`, transcriptHash),
      server: this.#hkdf.deriveSecret(secret, `s ${stage} traffic`, transcriptHash),
    }
  }
}

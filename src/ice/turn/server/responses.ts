import type { StunAttributes } from '../../stun/attributes.ts'
import { encodeMessage, type ReceivedStunMessage, stunMethod } from '../../stun/message.ts'
import { offeredAlgorithms, type ResponseKey } from './authentication.ts'
import { countRefusal, type ServerCounters } from './counters.ts'
import type { Nonces } from './nonces.ts'
import { networkOf } from './peer-rules.ts'
import type { StrangerLimit } from './rate-limit.ts'
import type { ClientPath, ServerTransmit } from './sockets.ts'

/** What has to be known of a request to answer it. */
export type Answerable = Pick<ReceivedStunMessage, 'method' | 'transactionId'> & {
  readonly bytes: { readonly length: number }
  readonly hasFingerprint: boolean
}

/** What of a request has to be kept to answer it later: copies, as what was received is not ours to keep. */
export function keep({ method, transactionId, bytes, hasFingerprint }: Answerable): Answerable {
  return { method, transactionId: Uint8Array.from(transactionId), bytes: { length: bytes.length }, hasFingerprint }
}

/** RFC 8489 §14.8, RFC 8656 §19, RFC 6062 §6.3. */
const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthenticated',
  403: 'Forbidden',
  420: 'Unknown Attribute',
  437: 'Allocation Mismatch',
  438: 'Stale Nonce',
  440: 'Address Family not Supported',
  441: 'Wrong Credentials',
  442: 'Unsupported Transport Protocol',
  443: 'Peer Address Family Mismatch',
  446: 'Connection Already Exists',
  447: 'Connection Timeout or Failure',
  486: 'Allocation Quota Reached',
  508: 'Insufficient Capacity',
}

export function reasonOf(code: number): string {
  return reasons[code] ?? ''
}

/** How many times as many bytes a source that has proved nothing may be sent as it has sent, headers of IP and UDP included. */
export const maxAmplification = 3

export interface ResponderOptions {
  readonly realm: string
  readonly software: string
  readonly nonces: Nonces
  readonly strangers: StrangerLimit
  readonly counters: ServerCounters
  readonly send: (transmit: ServerTransmit) => void
}

/** Writes the responses. Those to strangers are few and small: see {@link StrangerLimit} and {@link maxAmplification}. */
export class Responder {
  readonly #options: ResponderOptions

  constructor(options: ResponderOptions) {
    this.#options = options
  }

  /** Answers a request that was authentic. */
  success(request: Answerable, client: ClientPath, attributes: StunAttributes, key: ResponseKey): void {
    this.#send(client, this.#encode('success', request, this.#signed(request, attributes), key))
  }

  /** Refuses a request that was authentic. */
  error(
    request: Answerable,
    client: ClientPath,
    code: number,
    key: ResponseKey,
    attributes: StunAttributes = {},
  ): void {
    countRefusal(this.#options.counters, code)
    const all = { errorCode: { code, reason: reasonOf(code) }, ...attributes }
    this.#send(client, this.#encode('error', request, this.#signed(request, all), key))
  }

  /**
   * Refuses a request that may be anybody's, and says with a challenge how to do better.
   *
   * RFC 8489 §9.2.4: REALM, NONCE and PASSWORD-ALGORITHMS come with 401 and 438.
   */
  refuse(
    request: Answerable,
    client: ClientPath,
    refusal: { readonly code: number; readonly challenge: boolean },
    now: number,
    attributes: StunAttributes = {},
  ): void {
    const { realm, nonces, counters } = this.#options
    const { code } = refusal
    const offer = refusal.challenge
      ? { realm, nonce: nonces.create(client.remote, now), passwordAlgorithms: offeredAlgorithms }
      : {}
    const least = { errorCode: { code, reason: '' }, ...offer, ...attributes }
    const full = { ...this.#signed(request, least), errorCode: { code, reason: reasonOf(code) } }
    if (this.#toStranger('error', request, client, [full, least], now)) countRefusal(counters, code)
  }

  /** Answers a request that needs no authentication. */
  successToStranger(
    request: Answerable,
    client: ClientPath,
    attributes: StunAttributes,
    now: number,
    from: ClientPath = client,
  ): boolean {
    return this.#toStranger('success', request, client, [attributes], now, from)
  }

  /** RFC 8656 §5: SOFTWARE goes into the responses to Allocate and Refresh. */
  #signed(request: Answerable, attributes: StunAttributes): StunAttributes {
    const { software } = this.#options
    const tells = request.method === stunMethod.allocate || request.method === stunMethod.refresh
    return tells && software !== '' ? { ...attributes, software } : attributes
  }

  /** Sends the first of the variants that is not too large. */
  #toStranger(
    type: 'success' | 'error',
    request: Answerable,
    client: ClientPath,
    variants: readonly StunAttributes[],
    now: number,
    from: ClientPath = client,
  ): boolean {
    const { strangers, counters } = this.#options
    // Over TCP, the handshake has proved the address.
    const isForgeable = client.transport === 'udp'
    if (isForgeable && !strangers.take(networkOf(client.remote.address), now)) {
      counters.drops['rate-limited']++
      return false
    }
    for (const [index, attributes] of variants.entries()) {
      const fingerprint = index === 0 || request.hasFingerprint
      const data = this.#encode(type, request, attributes, undefined, fingerprint)
      if (isForgeable && !isProportionate(data.length, request.bytes.length, client)) continue
      this.#send(from, data)
      return true
    }
    counters.drops.amplification++
    return false
  }

  #encode(
    type: 'success' | 'error',
    { method, transactionId }: Answerable,
    attributes: StunAttributes,
    key: ResponseKey | undefined,
    fingerprint = true,
  ): Uint8Array {
    const message = { class: type, method, transactionId, attributes }
    return encodeMessage(message, key === undefined ? { fingerprint } : { ...key, fingerprint })
  }

  #send(client: ClientPath, data: Uint8Array): void {
    this.#options.send({ socket: client.socket, remote: client.remote, data, droppable: false })
  }
}

function isProportionate(response: number, request: number, { remote }: ClientPath): boolean {
  const headers = remote.family === 4 ? 28 : 48
  return response + headers <= maxAmplification * (request + headers)
}

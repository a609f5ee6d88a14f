import { createHmac } from 'node:crypto'

import { constantTimeEqual } from '../base/bytes.ts'
import type { RandomSource } from '../base/environment.ts'
import type { EndpointParameters, PeerParameters } from './chunks.ts'

/** All that is needed to make an association, as it travels in a cookie (RFC 9260 §5.1.3). */
export interface CookieContent {
  readonly local: EndpointParameters
  readonly peer: PeerParameters
  /** RFC 9260 §5.2.2: random numbers of the association that existed when the cookie was made; 0 if there was none. */
  readonly localTieTag: number
  readonly peerTieTag: number
}

export interface OpenedCookie extends CookieContent {
  /** When it was made, in milliseconds of the association's clock. */
  readonly createdAt: number
}

/**
 * Makes state cookies and recognizes its own.
 *
 * The responder to an INIT keeps nothing: what it needs comes back in the COOKIE ECHO, under a MAC by a key that only
 * this association knows. Nothing in a cookie is looked at before its MAC has been verified.
 *
 * RFC 9260 §5.1.3: the key SHOULD be changed reasonably frequently; it lives as long as one association.
 */
export class CookieJar {
  readonly #random: RandomSource
  readonly #ports: number
  #key: Uint8Array | undefined

  constructor(random: RandomSource, localPort: number, remotePort: number) {
    this.#random = random
    this.#ports = ((localPort << 16) | remotePort) >>> 0
  }

  seal(content: CookieContent, now: number): Uint8Array {
    const cookie = new Uint8Array(cookieBytes)
    const view = new DataView(cookie.buffer)
    view.setFloat64(0, now)
    view.setUint32(8, this.#ports)
    writeEndpoint(view, 12, content.local)
    writeEndpoint(view, 28, content.peer)
    view.setUint32(44, content.localTieTag)
    view.setUint32(48, content.peerTieTag)
    view.setUint32(52, (content.peer.forwardTsn ? 1 : 0) | (content.peer.reConfig ? 2 : 0))
    cookie.set(this.#mac(cookie.subarray(0, contentBytes)), contentBytes)
    return cookie
  }

  /** What the cookie holds, or undefined if this jar did not make it as it is. */
  open(cookie: Uint8Array): OpenedCookie | undefined {
    if (cookie.length !== cookieBytes) return undefined
    // RFC 9260 §5.1.5, steps 1 and 2: the MAC is computed anew and compared.
    const mac = this.#mac(cookie.subarray(0, contentBytes))
    if (!constantTimeEqual(mac, cookie.subarray(contentBytes))) return undefined
    const view = new DataView(cookie.buffer, cookie.byteOffset, cookie.byteLength)
    if (view.getUint32(8) !== this.#ports) return undefined
    const extensions = view.getUint32(52)
    return {
      createdAt: view.getFloat64(0),
      local: readEndpoint(view, 12),
      peer: {
        ...readEndpoint(view, 28),
        forwardTsn: (extensions & 1) !== 0,
        reConfig: (extensions & 2) !== 0,
      },
      localTieTag: view.getUint32(44),
      peerTieTag: view.getUint32(48),
    }
  }

  #mac(content: Uint8Array): Uint8Array {
    this.#key ??= this.#random(32)
    // RFC 2104 §5: half of the hash is the least that a MAC may be cut to. RFC 9260 §5.1.3: as small as possible.
    return createHmac('sha256', this.#key).update(content).digest().subarray(0, macBytes)
  }
}

const contentBytes = 56
const macBytes = 16
export const cookieBytes: number = contentBytes + macBytes

function writeEndpoint(view: DataView, at: number, endpoint: EndpointParameters): void {
  view.setUint32(at, endpoint.tag)
  view.setUint32(at + 4, endpoint.window)
  view.setUint16(at + 8, endpoint.outboundStreams)
  view.setUint16(at + 10, endpoint.inboundStreams)
  view.setUint32(at + 12, endpoint.initialTsn)
}

function readEndpoint(view: DataView, at: number): EndpointParameters {
  return {
    tag: view.getUint32(at),
    window: view.getUint32(at + 4),
    outboundStreams: view.getUint16(at + 8),
    inboundStreams: view.getUint16(at + 10),
    initialTsn: view.getUint32(at + 12),
  }
}

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RTCPeerConnection } from 'icefloe'
import { HttpError, readBody, refuse } from './http.ts'
import { OfferSession } from './offer-session.ts'
import { fragmentType, parseFragment } from './sdp-fragment.ts'

export interface OfferEndpointOptions {
  /** `/whip`; sessions are below it. */
  readonly path: string
  /** Makes the connection for an offer; tracks that it is to send may be added here. */
  readonly connect: () => RTCPeerConnection
  /** Called when the transceivers of the offer are there, before it is answered. */
  readonly offered?: (peer: RTCPeerConnection) => Promise<void> | void
  /** Called when a connection has ended, whoever ended it. */
  readonly ended?: (peer: RTCPeerConnection) => void
  /** Why an offer is refused with 422; undefined if it is not. */
  readonly check?: (offer: string) => string | undefined
  /** RFC 6750: without it nobody gets in. Everybody does if it is not given. */
  readonly token?: string | undefined
  /** Pages of other origins may use it. */
  readonly cors?: boolean
}

const MAX_SESSIONS = 50

/**
 * A resource that takes offers: what WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) have in common.
 *
 *     POST    /whip      application/sdp                  -> 201, Location, ETag, the answer
 *     PATCH   /whip/ID   application/trickle-ice-sdpfrag  -> 204; 200 and a fragment for an ICE restart
 *     DELETE  /whip/ID                                    -> 200
 *     OPTIONS, GET                                        -> 204, Accept-Post
 */
export class OfferEndpoint {
  readonly path: string
  readonly #options: OfferEndpointOptions
  readonly #sessions = new Map<string, OfferSession>()

  constructor(options: OfferEndpointOptions) {
    this.path = options.path
    this.#options = options
  }

  get sessions(): number {
    return this.#sessions.size
  }

  /** @returns false if the request is for somebody else */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const [path = ''] = (request.url ?? '').split('?')
    if (path !== this.path && !path.startsWith(`${this.path}/`)) return false
    if (this.#options.cors) for (const [name, value] of Object.entries(corsHeaders)) response.setHeader(name, value)
    this.#route(path.slice(this.path.length + 1), request, response).catch(error => refuse(response, error))
    return true
  }

  close(): void {
    for (const session of [...this.#sessions.values()]) session.close()
  }

  async #route(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method } = request
    // RFC 9725 §4.7.1: everything but a preflight request is authorized.
    if (method !== 'OPTIONS') this.#authorize(request, response)
    if (method === 'OPTIONS' || method === 'GET') {
      const accepts = id === '' ? { 'accept-post': 'application/sdp' } : { 'accept-patch': fragmentType }
      response.writeHead(204, accepts).end()
    } else if (method === 'POST' && id === '') await this.#create(request, response)
    else if (method === 'PATCH' && id !== '') await this.#patch(this.#session(id), request, response)
    else if (method === 'DELETE' && id !== '') {
      this.#session(id).close()
      response.writeHead(200).end()
    } else {
      response.setHeader('allow', id === '' ? 'POST, GET, OPTIONS' : 'PATCH, DELETE, GET, OPTIONS')
      throw new HttpError(405, `No ${method} here`)
    }
  }

  async #create(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const offer = await readBody(request, 'application/sdp')
    const reason = this.#options.check?.(offer)
    if (reason !== undefined) throw new HttpError(422, reason)
    if (this.#sessions.size >= MAX_SESSIONS) {
      response.setHeader('retry-after', '10')
      throw new HttpError(503, `All ${MAX_SESSIONS} sessions are in use`)
    }
    const { connect, offered = () => undefined, ended } = this.#options
    const session = new OfferSession(connect(), ({ id, peer }) => {
      this.#sessions.delete(id)
      ended?.(peer)
    })
    this.#sessions.set(session.id, session)
    try {
      const answer = await session.answer(offer, offered)
      const location = `${this.path}/${session.id}`
      response.writeHead(201, { 'content-type': 'application/sdp', location, etag: session.etag }).end(answer)
    } catch (error) {
      session.close()
      throw error
    }
  }

  /** RFC 9725 §4.3.1: which ICE generation is meant has to be said, since requests may overtake each other. */
  async #patch(session: OfferSession, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fragment = parseFragment(await readBody(request, fragmentType))
    if (fragment === undefined) throw new HttpError(400, 'That is no SDP fragment')
    const tag = request.headers['if-match']
    if (tag === undefined) throw new HttpError(428, 'If-Match is missing')
    const isAny = tag === '*' || tag === '"*"'
    if (!isAny && tag !== session.etag) throw new HttpError(412, 'That is not the present ICE session')
    if (!session.restarts(fragment)) {
      await session.addCandidates(fragment)
      response.writeHead(204).end()
      return
    }
    if (!isAny) throw new HttpError(412, 'An ICE restart needs If-Match: *')
    const answer = await session.restart(fragment)
    response.writeHead(200, { 'content-type': fragmentType, etag: session.etag }).end(answer)
  }

  #authorize(request: IncomingMessage, response: ServerResponse): void {
    const { token } = this.#options
    if (token === undefined) return
    const [, given] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
    if (given !== undefined && timingSafeEqual(hash(given), hash(token))) return
    response.setHeader('www-authenticate', given === undefined ? 'Bearer' : 'Bearer error="invalid_token"')
    throw new HttpError(401, 'A bearer token is needed')
  }

  #session(id: string): OfferSession {
    const session = this.#sessions.get(id)
    if (session === undefined) throw new HttpError(404, 'No such session')
    return session
  }
}

const corsHeaders = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST, PATCH, DELETE, GET, OPTIONS',
  'access-control-allow-headers': 'authorization, content-type, if-match',
  'access-control-expose-headers': 'location, etag, link',
}

/** Of equal length, as a comparison in constant time needs it. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

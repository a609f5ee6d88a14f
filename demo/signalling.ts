import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RTCIceCandidateInit } from 'icefloe'
import { configureDtls, toDtlsChoice } from './dtls-choice.ts'
import { description, HttpError, type Json, readJson, reply, replyError } from './http-json.ts'
import { toPath } from './paths.ts'
import { type DemoRelay, outsideAddress } from './relay.ts'
import { Session } from './session.ts'

/**
 * Signalling over plain HTTP. Bodies are JSON; candidates trickle both ways. An offer after the first one restarts ICE.
 *
 *     POST   /sessions                 {path, dtls, certificates}  -> 201 {id, configuration, hostAddress}
 *     POST   /sessions/ID/offer        {offer}       -> 200 {answer}             the browser offers
 *     POST   /sessions/ID/offer        {}            -> 200 {offer}              icefloe offers
 *     POST   /sessions/ID/answer       {answer}      -> 204
 *     POST   /sessions/ID/candidates   {candidates}  -> 204
 *     GET    /sessions/ID/events                     -> 200 a stream of server-sent events, see PeerEvent
 *     GET    /sessions/ID/why                        -> 200 {why}                what became of each candidate pair
 *     DELETE /sessions/ID                            -> 204
 */
export class Signalling {
  readonly #relay: DemoRelay
  readonly #sessions = new Map<string, Session>()

  /** @param relay for the paths that lead through one */
  constructor(relay: DemoRelay) {
    this.#relay = relay
  }

  /** Answers a request below `/sessions`. Never rejects: whatever goes wrong becomes a status and a reason. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response)
    } catch (error) {
      replyError(response, error)
    }
  }

  closeAll(reason: string): void {
    for (const session of this.#sessions.values()) session.close(reason)
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, root, id, action] = (request.url ?? '').split('/')
    const route = `${request.method} ${root}${id === undefined ? '' : '/ID'}${action === undefined ? '' : `/${action}`}`
    switch (route) {
      case 'POST sessions':
        return reply(response, 201, await this.#create(await readJson(request)))
      case 'POST sessions/ID/offer':
        return reply(response, 200, await this.#offer(this.#session(id), (await readJson(request)).offer))
      case 'POST sessions/ID/answer':
        await this.#answer(this.#session(id), (await readJson(request)).answer)
        return reply(response, 204)
      case 'POST sessions/ID/candidates':
        await this.#addCandidates(this.#session(id), (await readJson(request)).candidates)
        return reply(response, 204)
      case 'GET sessions/ID/events':
        return this.#session(id).stream(response, Number(request.headers['last-event-id'] ?? -1))
      case 'GET sessions/ID/why':
        return reply(response, 200, { why: this.#session(id).peer.why() })
      case 'DELETE sessions/ID':
        // The connection may have ended a moment before, and the session with it: that is what is asked for.
        this.#sessions.get(id ?? '')?.close('Closed by the page')
        return reply(response, 204)
      default:
        throw new HttpError(404, 'No such resource')
    }
  }

  /** Resolves when the peer is ready to describe itself: keys take a moment to make, and a pool to fill. */
  async #create(body: Json): Promise<object> {
    const path = toPath(body.path)
    if (path === undefined) throw new HttpError(400, 'There is no such path')
    const choice = toDtlsChoice(body.dtls, body.certificates)
    if (choice === undefined) throw new HttpError(400, 'There is no such version of DTLS, or no such certificate')
    const dtls = await configureDtls(choice)
    if (this.#sessions.size >= MAX_SESSIONS) throw new HttpError(503, `All ${MAX_SESSIONS} sessions are in use`)
    const session = new Session(path, dtls, this.#relay, closed => this.#sessions.delete(closed.id))
    this.#sessions.set(session.id, session)
    await session.peer.ready()
    return { id: session.id, configuration: session.pageConfiguration, hostAddress: outsideAddress() }
  }

  /** A session that cannot even describe itself is of no use any more. */
  async #offer(session: Session, offer: unknown): Promise<object> {
    const given = offer === undefined ? undefined : description('offer', offer)
    try {
      session.described()
      if (given === undefined) return { offer: await session.peer.offer() }
      return { answer: await session.peer.answer(given) }
    } catch (error) {
      session.close('The descriptions could not be exchanged')
      throw error
    }
  }

  async #answer(session: Session, answer: unknown): Promise<void> {
    await session.peer.acceptAnswer(description('answer', answer))
    session.described()
  }

  async #addCandidates(session: Session, candidates: unknown): Promise<void> {
    if (!Array.isArray(candidates)) throw new HttpError(400, 'candidates is not an array')
    for (const candidate of candidates) {
      if (!session.countCandidate()) throw new HttpError(429, 'Too many candidates')
      await session.peer.addCandidate(candidate as RTCIceCandidateInit)
    }
  }

  #session(id: string | undefined): Session {
    const session = this.#sessions.get(id ?? '')
    if (session === undefined) throw new HttpError(404, 'No such session')
    return session
  }
}

const MAX_SESSIONS = 16

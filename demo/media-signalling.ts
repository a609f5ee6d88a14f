import type { IncomingMessage, ServerResponse } from 'node:http'
import { EchoPeer } from './echo-peer.ts'
import { description, HttpError, type Json, readJson, reply, replyError } from './http-json.ts'
import { MediaPeer } from './media-peer.ts'
import { Stage } from './stage.ts'

/**
 * The signalling of audio and video, over plain HTTP. Bodies are JSON; the browser always offers, and both descriptions
 * have all candidates in them, so that one request is all it takes.
 *
 *     POST   /media/echo            {offer}    -> 201 {id, answer}    sends everything back
 *     GET    /media/echo/ID                    -> 200 EchoReport
 *     PUT    /media/echo/ID         {percent}  -> 204                 loses so much of the media, 0 to 10
 *     GET    /media/stage                      -> 200 StageReport
 *     POST   /media/stage/publish   {offer}    -> 201 {id, answer}    409 if somebody is on the stage
 *     POST   /media/stage/watch     {offer}    -> 201 {id, answer}
 *     PUT    /media/stage           {picture}  -> 204                 the test picture comes on (true) or goes (false)
 *     DELETE /media/peers/ID                   -> 204
 */
export class MediaSignalling {
  readonly #stage = new Stage()
  readonly #peers = new Map<string, MediaPeer>()
  readonly #echoes = new Map<string, EchoPeer>()

  /** Connections that are open. */
  get peers(): number {
    return this.#peers.size
  }

  /** Answers a request below `/media`. Never rejects: whatever goes wrong becomes a status and a reason. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response)
    } catch (error) {
      replyError(response, error)
    }
  }

  closeAll(): void {
    this.#stage.close()
    for (const peer of [...this.#peers.values()]) peer.close()
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, , group = '', name] = (request.url ?? '').split('/')
    const isRole = group === 'stage' && (name === 'publish' || name === 'watch')
    const route = `${request.method} ${group}${name === undefined ? '' : isRole ? `/${name}` : '/ID'}`
    switch (route) {
      case 'POST echo':
        return reply(response, 201, await this.#echo(await readJson(request)))
      case 'GET echo/ID':
        return reply(response, 200, await this.#echoOf(name).report())
      case 'PUT echo/ID':
        this.#lose(this.#echoOf(name), (await readJson(request)).percent)
        return reply(response, 204)
      case 'GET stage':
        return reply(response, 200, this.#stage.report)
      case 'POST stage/publish':
        return reply(response, 201, await this.#publish(await readJson(request)))
      case 'POST stage/watch':
        return reply(response, 201, await this.#watch(await readJson(request)))
      case 'PUT stage':
        await this.#picture((await readJson(request)).picture)
        return reply(response, 204)
      case 'DELETE peers/ID':
        // It may have ended a moment before: that is what is asked for.
        this.#peers.get(name ?? '')?.close()
        return reply(response, 204)
      default:
        throw new HttpError(404, 'No such resource')
    }
  }

  async #echo(body: Json): Promise<object> {
    const offer = description('offer', body.offer)
    this.#checkRoom()
    const echo = new EchoPeer(peer => this.#left(peer))
    this.#peers.set(echo.peer.id, echo.peer)
    this.#echoes.set(echo.peer.id, echo)
    return { id: echo.peer.id, answer: await echo.answer(offer) }
  }

  #lose(echo: EchoPeer, percent: unknown): void {
    if (typeof percent !== 'number' || !(percent >= 0 && percent <= MAX_LOSS_PERCENT)) {
      throw new HttpError(400, `percent is a number from 0 to ${MAX_LOSS_PERCENT}`)
    }
    echo.peer.path.percent = percent
  }

  async #publish(body: Json): Promise<object> {
    const offer = description('offer', body.offer)
    this.#checkRoom()
    if (!this.#stage.free) throw new HttpError(409, 'Somebody else is on the stage')
    const peer = this.#newPeer()
    return { id: peer.id, answer: await this.#stage.publish(peer, offer) }
  }

  async #watch(body: Json): Promise<object> {
    const offer = description('offer', body.offer)
    this.#checkRoom()
    const peer = this.#newPeer()
    return { id: peer.id, answer: await this.#stage.watch(peer, offer) }
  }

  async #picture(picture: unknown): Promise<void> {
    if (typeof picture !== 'boolean') throw new HttpError(400, 'picture is true or false')
    if (!picture) return await this.#stage.hidePicture()
    if (!this.#stage.free) throw new HttpError(409, 'Somebody else is on the stage')
    await this.#stage.showPicture()
  }

  #newPeer(): MediaPeer {
    const peer = new MediaPeer(closed => this.#left(closed))
    this.#peers.set(peer.id, peer)
    return peer
  }

  #left(peer: MediaPeer): void {
    this.#peers.delete(peer.id)
    this.#echoes.delete(peer.id)
    void this.#stage.left(peer)
  }

  #echoOf(id: string | undefined): EchoPeer {
    const echo = this.#echoes.get(id ?? '')
    if (echo === undefined) throw new HttpError(404, 'No such connection')
    return echo
  }

  #checkRoom(): void {
    if (this.#peers.size >= MAX_PEERS) throw new HttpError(503, `All ${MAX_PEERS} connections are in use`)
  }
}

const MAX_PEERS = 24
const MAX_LOSS_PERCENT = 10

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RTCSessionDescriptionInit } from 'icefloe'

/** A request that is refused, and the status that says why. */
export class HttpError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const MAX_BODY_BYTES = 64 * 1024

export type Json = Readonly<Record<string, unknown>>

/**
 * Only a body that says it is JSON is taken: a form on a foreign page cannot say so without asking first, and this
 * server never agrees.
 */
export async function readJson(request: IncomingMessage): Promise<Json> {
  if (request.headers['content-type'] !== 'application/json') throw new HttpError(415, 'The body must be JSON')
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > MAX_BODY_BYTES) throw new HttpError(413, `A body has at most ${MAX_BODY_BYTES} bytes`)
    parts.push(part)
  }
  const value: unknown = JSON.parse(Buffer.concat(parts).toString())
  if (typeof value !== 'object' || value === null) throw new HttpError(400, 'The body must be an object')
  return value as Json
}

/** The peer checks the text; here only the shape and the kind of description are. */
export function description(type: 'offer' | 'answer', value: unknown): RTCSessionDescriptionInit {
  const { type: found, sdp } = (value ?? {}) as Json
  if (found !== type || typeof sdp !== 'string') throw new HttpError(400, `Expected a description of type ${type}`)
  return { type, sdp }
}

export function reply(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

/** Answers what has gone wrong with a status and a reason. */
export function replyError(response: ServerResponse, error: unknown): void {
  // The rest of a refused body is not read: the connection ends with the answer.
  response.setHeader('connection', 'close')
  if (error instanceof HttpError) reply(response, error.status, { error: error.message })
  else reply(response, 400, { error: error instanceof Error ? error.message : String(error) })
}

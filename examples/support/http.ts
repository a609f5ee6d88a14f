import type { IncomingMessage, ServerResponse } from 'node:http'

const MAX_BODY_BYTES = 64 * 1024

/** A request that is refused: the status, and the reason for people. */
export class HttpError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * The body of a request, if it is of this type.
 *
 * @throws {HttpError} 415 for another type, 413 for more than 64 KiB, 400 for what is no UTF-8
 */
export async function readBody(request: IncomingMessage, type: string): Promise<string> {
  const [found = ''] = (request.headers['content-type'] ?? '').split(';')
  if (found.trim().toLowerCase() !== type) throw new HttpError(415, `The body must be ${type}`)
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > MAX_BODY_BYTES) throw new HttpError(413, `A body has at most ${MAX_BODY_BYTES} bytes`)
    parts.push(part)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch {
    throw new HttpError(400, 'The body must be UTF-8')
  }
}

/** RFC 9457: what has gone wrong, for programs and for people. */
export function refuse(response: ServerResponse, error: unknown): void {
  const status = error instanceof HttpError ? error.status : 500
  if (status === 500) console.error(error)
  const title = error instanceof HttpError ? error.message : 'Internal error'
  // The rest of a body that is refused is not read: the connection ends with the answer.
  const headers = { 'content-type': 'application/problem+json', connection: 'close' }
  response.writeHead(status, headers).end(JSON.stringify({ title, status }))
}

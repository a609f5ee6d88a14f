import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HttpError, refuse } from './http.ts'
import type { OfferEndpoint } from './offer-endpoint.ts'

export interface ServeOptions {
  /** Of this host alone; HOST and PORT in the environment change it. */
  readonly port: number
  /** HTML by path: `/`. */
  readonly pages?: Readonly<Record<string, string>>
  readonly endpoints: readonly OfferEndpoint[]
  /** Called when it is interrupted. */
  readonly stopped?: () => void
}

/** Serves until it is interrupted; all connections are closed then. Prints where. */
export async function serve({ port, pages = {}, endpoints, stopped }: ServeOptions): Promise<void> {
  const host = process.env.HOST ?? '127.0.0.1'
  const server = createServer((request, response) => {
    const page = request.method === 'GET' ? pages[request.url ?? ''] : undefined
    if (!isForHere(request, host)) refuse(response, new HttpError(403, 'Under this name nobody is here'))
    else if (page !== undefined) response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
    else if (!endpoints.some(endpoint => endpoint.handle(request, response))) {
      refuse(response, new HttpError(404, 'No such resource'))
    }
  })
  await new Promise<void>(resolve => server.listen(Number(process.env.PORT ?? port), host, resolve))
  const url = `http://${host}:${(server.address() as AddressInfo).port}`
  const paths = Object.keys(pages).length > 0 ? Object.keys(pages) : endpoints.map(({ path }) => path)
  for (const path of paths) console.log(`${url}${path}`)
  const stop = () => {
    for (const endpoint of endpoints) endpoint.close()
    stopped?.()
    server.close()
    server.closeAllConnections()
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

/** A name that points to this host by a trick (DNS rebinding) is not the one that the user has opened. */
function isForHere({ headers }: IncomingMessage, host: string): boolean {
  const name = new URL(`http://${headers.host ?? 'nowhere'}`).hostname
  return host !== '127.0.0.1' || name === host || name === 'localhost'
}

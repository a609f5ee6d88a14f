import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { MediaSignalling } from './media-signalling.ts'
import { DemoRelay } from './relay.ts'
import { Signalling } from './signalling.ts'

const HOST = '127.0.0.1'
const PORTS_TO_TRY = 20

export interface DemoServer {
  readonly url: string
  /** Relays that are in use. */
  readonly allocations: number
  /** Connections of the pages with audio and video. */
  readonly mediaPeers: number
  close(): Promise<void>
}

/**
 * Serves the page and the signalling on 127.0.0.1 only, with a TURN server of its own beside it.
 *
 * @param port where to listen; the next free one after it if it is taken; 0 for any
 * @param turnAddress where the TURN server listens; 127.0.0.1 if absent
 */
export async function startDemoServer(port: number, turnAddress?: string): Promise<DemoServer> {
  const files = readPage()
  const relay = await DemoRelay.start(turnAddress)
  const signalling = new Signalling(relay)
  const media = new MediaSignalling()
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
    if (!isLocal(request)) refuse(response, 403, 'Only pages of this server may talk to it')
    else if (request.url?.startsWith('/sessions')) void signalling.handle(request, response)
    else if (/^\/media(\/|$)/.test(request.url ?? '')) void media.handle(request, response)
    else serveFile(files, request, response)
  })
  const bound = await listen(server, port).catch(error => {
    relay.close()
    throw error
  })
  return {
    url: `http://${HOST}:${bound}/`,
    get allocations() {
      return relay.allocations
    },
    get mediaPeers() {
      return media.peers
    },
    close: () => {
      signalling.closeAll('The server has stopped')
      media.closeAll()
      relay.close()
      return new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

/**
 * A foreign page can make a browser send requests here, and a name that it controls can be made to point here (DNS
 * rebinding): the first shows in Origin, the second in Host.
 */
function isLocal({ headers, socket }: IncomingMessage): boolean {
  const allowed = ['127.0.0.1', 'localhost'].map(name => `${name}:${socket.localPort}`)
  const { host, origin } = headers
  return host !== undefined && allowed.includes(host) && (origin === undefined || origin === `http://${host}`)
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

interface PageFile {
  readonly type: string
  readonly body: Buffer
}

/** The files are read once: a request chooses among them by name, and no path is ever made from it. */
function readPage(): ReadonlyMap<string, PageFile> {
  const folder = new URL('./page/', import.meta.url)
  const files = new Map<string, PageFile>()
  for (const name of readdirSync(folder)) {
    const type = contentTypes[extname(name)]
    if (type === undefined) continue
    const file = { type, body: readFileSync(new URL(name, folder)) }
    files.set(name === 'index.html' ? '/' : `/${name}`, file)
  }
  return files
}

function serveFile(files: ReadonlyMap<string, PageFile>, request: IncomingMessage, response: ServerResponse): void {
  const file = files.get((request.url ?? '').replace(/\?.*/, ''))
  if (request.method !== 'GET' && request.method !== 'HEAD') refuse(response, 405, 'Only GET')
  else if (file === undefined) refuse(response, 404, 'No such page')
  else {
    response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-cache' })
    response.end(request.method === 'HEAD' ? undefined : file.body)
  }
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
  response.end(JSON.stringify({ error: reason }))
}

async function listen(server: Server, port: number): Promise<number> {
  for (let candidate = port; ; candidate++) {
    try {
      await listenOn(server, candidate)
      return (server.address() as AddressInfo).port
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || candidate - port >= PORTS_TO_TRY || candidate >= 65_535) throw error
    }
  }
}

function listenOn(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, HOST, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

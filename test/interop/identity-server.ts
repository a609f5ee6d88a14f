import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { RTCIdentityProvider, RTCIdentityValidationResult } from '../../src/index.ts'
import { createAuthority } from './authority.ts'

/** The script of the provider, as browsers load it: it has its server sign and verify. */
const script = (authority: string, protocol: string): string => `
  const ask = async (path, body) => {
    const response = await fetch('https://${authority}/' + path, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(path + ': ' + response.status)
    return response.text()
  }
  rtcIdentityProvider.register({
    generateAssertion: async (contents, origin, options) => ({
      idp: { domain: '${authority}', protocol: '${protocol}' },
      assertion: await ask('sign', { contents, identity: options.usernameHint }),
    }),
    validateAssertion: async assertion => JSON.parse(await ask('verify', { assertion })),
  })`

/** An identity provider as a server has it: its script, and what the script asks. */
export class IdentityServer {
  readonly authority: string
  /** Of the one that has signed its certificate: PEM. */
  readonly ca: string
  /** Paths that were asked for. */
  readonly requests: string[] = []
  readonly #server: Server
  readonly #keys = generateKeyPairSync('ed25519')

  private constructor(domain: string, ca: string, server: Server) {
    this.authority = `${domain}:${(server.address() as AddressInfo).port}`
    this.ca = ca
    this.#server = server
  }

  static async start(domain: string): Promise<IdentityServer> {
    const { ca, certificate, key } = createAuthority([domain], [])
    const server = createServer({ cert: certificate, key })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const started = new IdentityServer(domain, ca, server)
    server.on('request', (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const [status, body] = started.#answer(request.url ?? '', Buffer.concat(chunks).toString())
        response.writeHead(status, { 'content-type': 'text/javascript' }).end(body)
      })
    })
    return started
  }

  /** The same as an object of a program. */
  get provider(): RTCIdentityProvider {
    const [domain, protocol] = [this.authority, 'signed']
    return {
      generateAssertion: async (contents, _origin, { usernameHint = '' }) => ({
        idp: { domain, protocol },
        assertion: this.#sign(usernameHint, contents),
      }),
      validateAssertion: async assertion => this.#verify(assertion),
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #answer(path: string, body: string): [status: number, body: string] {
    this.requests.push(path)
    try {
      const protocol = /^\/\.well-known\/idp-proxy\/(\w+)$/.exec(path)?.[1]
      if (protocol !== undefined) return [200, script(this.authority, protocol)]
      const { identity, contents, assertion } = JSON.parse(body) as Record<string, string>
      if (path === '/sign') return [200, this.#sign(String(identity), String(contents))]
      if (path === '/verify') return [200, JSON.stringify(this.#verify(String(assertion)))]
      return [404, '']
    } catch {
      return [400, '']
    }
  }

  #sign(identity: string, contents: string): string {
    const signed = JSON.stringify({ identity, contents })
    return JSON.stringify({
      signed,
      signature: sign(null, Buffer.from(signed), this.#keys.privateKey).toString('base64'),
    })
  }

  #verify(assertion: string): RTCIdentityValidationResult {
    const { signed, signature } = JSON.parse(assertion) as { signed: string; signature: string }
    if (!verify(null, Buffer.from(signed), this.#keys.publicKey, Buffer.from(signature, 'base64'))) {
      throw new Error('the signature is wrong')
    }
    return JSON.parse(signed) as RTCIdentityValidationResult
  }
}

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type RTCError, RTCPeerConnection } from '../../../src/index.ts'
import { isPublicAddress } from '../../../src/net/https-request.ts'
import { createSystemEnvironment } from '../../../src/net/system-environment.ts'
import { loadIdentityProviders } from '../../../src/pc/identity/index.ts'
import { ProviderProcess } from '../../../src/pc/identity/loader/provider-process.ts'
import { sandboxProgram } from '../../../src/pc/identity/loader/sandbox-program.ts'
import { createAuthority } from '../../interop/authority.ts'

const prefix = '/.well-known/idp-proxy/'

describe('a domain that names somebody else as the server of its identity provider', function () {
  this.timeout(30_000)
  let inside: Server
  let insidePort: number
  /** Connections to what is inside of the network. */
  let reached: number
  let server: HttpsServer
  let authority: string
  let ca: string
  let redirect: string
  let body: { readonly data: Buffer | string; readonly encoding?: string } | undefined
  let closed: number
  let ends: (() => void)[]

  before(async () => {
    inside = createServer(socket => {
      reached++
      socket.destroy()
    }).listen(0, '::')
    const identity = createAuthority(['localhost'], [])
    ca = identity.ca
    server = createHttpsServer({ cert: identity.certificate, key: identity.key }, (_, response) => {
      response.on('close', () => closed++)
      if (body === undefined) response.writeHead(302, { location: redirect }).end()
      else if (body.encoding === 'never') response.write('/')
      else response.writeHead(200, body.encoding ? { 'content-encoding': body.encoding } : {}).end(body.data)
    }).listen(0, '127.0.0.1')
    await Promise.all([once(inside, 'listening'), once(server, 'listening')])
    insidePort = (inside.address() as AddressInfo).port
    authority = `localhost:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    inside.close()
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    reached = 0
    closed = 0
    body = undefined
    ends = []
  })
  afterEach(() => {
    for (const end of ends) end()
  })

  async function failureOf(domain: string): Promise<string> {
    const peer = new RTCPeerConnection()
    peer.setIdentityProvider(domain)
    const error = await peer.getIdentityAssertion().then(
      () => assert.fail(),
      (each: RTCError) => each,
    )
    peer.close()
    return error.errorDetail
  }

  it('does not have this host or its network connected to, whatever form their address has', async () => {
    ends.push(loadIdentityProviders({ domains: 'any', tlsCa: ca }))
    for (const host of ['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0', 'localhost', '127。0。0。1', '[::1]']) {
      assert.equal(await failureOf(`${host}:${insidePort}`), 'idp-load-failure', host)
    }
    assert.equal(reached, 0)
  })

  it('does not have them connected to by a redirect, even of a domain that is listed', async () => {
    ends.push(loadIdentityProviders({ domains: [authority], tlsCa: ca }))
    for (const host of [
      '127.0.0.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '2130706433',
      'localhost',
      'x@127.1',
    ]) {
      redirect = `https://${host}:${insidePort}${prefix}default`
      assert.equal(await failureOf(authority), 'idp-load-failure', host)
    }
    for (const scheme of ['http', 'ftp', 'file', 'data', 'javascript', '::']) {
      redirect = `${scheme}://localhost:${insidePort}/`
      assert.equal(await failureOf(authority), 'idp-load-failure', scheme)
    }
    assert.equal(reached, 0)
  })

  it('has its certificate verified, whatever the environment says of all others', async () => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      body = { data: '1' }
      ends.push(loadIdentityProviders({ domains: [authority] }))
      assert.equal(await failureOf(authority), 'idp-tls-failure')
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
    }
  })

  it('has nothing unpacked that it has packed', async () => {
    body = {
      data: gzipSync(`rtcIdentityProvider.register({ generateAssertion() {}, validateAssertion() {} })`),
      encoding: 'gzip',
    }
    ends.push(loadIdentityProviders({ domains: [authority], tlsCa: ca }))
    assert.equal(await failureOf(authority), 'idp-bad-script-failure')
  })

  it('is not waited for when the connection is closed, however slow it answers', async () => {
    body = { data: '', encoding: 'never' }
    ends.push(loadIdentityProviders({ domains: [authority], tlsCa: ca }))
    const peer = new RTCPeerConnection()
    peer.setIdentityProvider(authority)
    const request = once(server, 'request')
    void peer.getIdentityAssertion()
    await request
    peer.close()
    while (closed === 0) await new Promise(resolve => setTimeout(resolve, 5))
  })

  it('is inside wherever an address is not one of everybody', () => {
    const special = ['192.88.99.1', '240.0.0.1', '255.255.255.255']
    const special6 = [
      '::7f00:1',
      '2002:7f00:1::',
      '2001:0:7f00::1',
      '64:ff9b:1::1',
      'fec0::1',
      '100::1',
      '::ffff:0:7f00:1',
    ]
    for (const address of special) assert.equal(isPublicAddress(address, 4), false, address)
    for (const address of special6) assert.equal(isPublicAddress(address, 6), false, address)
    assert.ok(isPublicAddress('2001:4860::1', 6))
  })
})

describe('the process of an identity provider', function () {
  this.timeout(30_000)
  const { timers } = createSystemEnvironment()

  async function asked(script: string): Promise<unknown> {
    const url = new URL('https://idp.example/.well-known/idp-proxy/default')
    const process = new ProviderProcess({ script, url, timers, fetch: () => Promise.reject(new Error('no')) })
    try {
      return (await process.start()) ? await process.call('generate', []) : 'nothing registered'
    } catch (error) {
      return error
    } finally {
      process.close()
    }
  }
  const provider = (expression: string): string =>
    `rtcIdentityProvider.register({ generateAssertion: async () => (${expression}), validateAssertion() {} })`

  const busy: readonly [string, string][] = [
    ['a loop', 'for (;;);'],
    ['promises', '(async () => { for (;;) await 0 })()'],
    ['what is called to tell', 'Array.prototype.splice = () => { for (;;); }'],
    ['a timer', 'setTimeout(() => { for (;;); })'],
    ['a provider', `${provider('(() => { for (;;); })()')}`],
  ]
  for (const [what, script] of busy) {
    it(`comes to its end by itself when its parent is gone, if it is kept busy by ${what}`, async () => {
      const child = spawn(process.execPath, ['--eval', sandboxProgram], { stdio: ['pipe', 'pipe', 'ignore'] })
      const ended = once(child, 'exit')
      child.stdin.write(`${JSON.stringify({ script, location: {}, lifeMs: 1_000 })}\n`)
      child.stdin.write('{"type":"generate","id":1,"args":[]}\n')
      await new Promise(resolve => setTimeout(resolve, 400))
      child.stdin.end()
      child.stdout.destroy()
      const [, signal] = await ended
      assert.equal(signal, null)
    })
  }

  const rubbish: readonly [string, string][] = [
    ['no JSON', 'x'],
    ['no object', '[1]'],
    ['an answer before it was asked', '{"type":"answer","value":7}\\n{}'],
    ['what is too deep', '['.repeat(100_000)],
    ['requests without anything', '{"type":"fetch"}'],
    ['requests of another kind', '{"type":"fetch","id":{},"url":{},"method":7,"headers":{"length":1e9},"body":[]}'],
  ]
  for (const [what, line] of rubbish) {
    it(`may say ${what}`, async () => {
      const result = await asked(
        `${provider('7')}; const join = Array.prototype.join; let said = 0
        Array.prototype.join = function (...args) { return ${JSON.stringify(line).replaceAll('\\\\n', '\\n')} + '\\n' + join.apply(this, args) }`,
      )
      assert.ok(result === 7 || result instanceof Error || result === 'nothing registered', String(result))
    })
  }

  it('has no object of Node behind the stacks, errors and promises that the engine makes', async () => {
    const escapes = [
      // An error of the engine's own, where there is no room left on the stack.
      `(() => {
        const seen = new Set()
        let depth = 0
        const measure = () => { depth++; measure() }
        try { measure() } catch {}
        const at = n => { if (n > 0) return at(n - 1); try { new Error('x').stack } catch (error) { seen.add(error instanceof Error) } }
        for (let n = depth - 300; n < depth + 10; n++) try { at(n) } catch (error) { seen.add(error instanceof Error) }
        return !seen.has(false)
      })()`,
      `(() => {
        let own
        Error.prepareStackTrace = (_, sites) => {
          own = sites instanceof Array && sites.every(site => site.constructor.constructor === Function)
        }
        new Error().stack
        return own
      })()`,
      // Node looks at what is thrown, if nobody else does.
      `new Promise(resolve => {
        let looked = false
        Promise.reject({ [Symbol.for('nodejs.util.inspect.custom')]() { looked = true }, get stack() { looked = true } })
        setTimeout(() => resolve(!looked), 30)
      })`,
      `(() => { try { (async function* () {}).constructor('') } catch (error) { return error instanceof EvalError } })()`,
      `[WeakRef, Proxy, Reflect.construct, Intl.Collator, $edge.receive, fetch].every(each => each instanceof Function)`,
      `typeof FinalizationRegistry === 'undefined'`,
    ]
    for (const way of escapes) assert.equal(await asked(provider(way)), true, way)
  })

  it('is not there if the system has no room for it, which is told', async () => {
    const { execPath } = process
    process.execPath = '/nowhere/node'
    try {
      await assert.rejects(() => asked(''), /cannot be started/)
      // What fails is told once more, in an event.
      await new Promise(resolve => setTimeout(resolve, 20))
    } finally {
      process.execPath = execPath
    }
  })
})

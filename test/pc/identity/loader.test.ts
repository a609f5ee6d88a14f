import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { RTCError, RTCPeerConnection } from '../../../src/index.ts'
import { isPublicAddress } from '../../../src/net/https-request.ts'
import { loadIdentityProviders } from '../../../src/pc/identity/index.ts'
import { createAuthority } from '../../interop/authority.ts'

const prefix = '/.well-known/idp-proxy/'

/** A provider that does as `generate` and `validate` say, which are expressions of JavaScript. */
function script(generate: string, before = ''): string {
  return `${before};rtcIdentityProvider.register({
    generateAssertion: async (contents, origin, options) => ({
      idp: { domain: location.host }, assertion: JSON.stringify(await (${generate})),
    }),
    validateAssertion: async assertion => ({ identity: 'alice@localhost', contents: assertion }),
  })`
}

describe('identity providers that are loaded', function () {
  this.timeout(30_000)
  let server: Server
  let authority: string
  let ca: string
  let requests: string[]
  let scripts: Map<string, string>
  let peer: RTCPeerConnection
  let end: () => void

  before(async () => {
    const identity = createAuthority(['localhost'], [])
    ca = identity.ca
    server = createServer({ cert: identity.certificate, key: identity.key }, (request, response) => {
      const url = request.url ?? ''
      requests.push(`${request.method} ${url}`)
      const text = scripts.get(url.slice(prefix.length))
      if (url === `${prefix}moved`) response.writeHead(302, { location: `${prefix}good` }).end()
      else if (url === `${prefix}plain`) response.writeHead(302, { location: 'http://localhost/' }).end()
      else if (url === `${prefix}loop`) response.writeHead(302, { location: url }).end()
      else if (url === `${prefix}long`) response.end(' '.repeat(600_000))
      else if (url === '/echo') {
        let body = ''
        request.on('data', chunk => {
          body += chunk
        })
        request.on('end', () => response.end(JSON.stringify({ body, headers: request.headers })))
      } else response.writeHead(text === undefined ? 404 : 200).end(text)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    authority = `localhost:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    requests = []
    scripts = new Map([['good', script('contents')]])
    peer = new RTCPeerConnection()
    end = loadIdentityProviders({ domains: [authority], tlsCa: ca })
  })
  afterEach(() => {
    end()
    peer.close()
  })

  /** What the script says of itself. */
  async function asserted(protocol = 'good'): Promise<unknown> {
    peer.close()
    peer = new RTCPeerConnection()
    peer.setIdentityProvider(authority, { protocol })
    const value = Buffer.from(await peer.getIdentityAssertion(), 'base64').toString()
    return JSON.parse((JSON.parse(value) as { assertion: string }).assertion)
  }

  async function failure(protocol: string): Promise<RTCError> {
    try {
      await asserted(protocol)
    } catch (error) {
      assert.ok(error instanceof RTCError)
      return error
    }
    assert.fail('it did not fail')
  }

  it('assert and validate as those that are registered do', async () => {
    peer.setIdentityProvider(authority, { protocol: 'good' })
    peer.createDataChannel('chat')
    // Whoever validates is the protocol that the assertion names.
    scripts.set('default', script('contents'))
    await peer.setLocalDescription()
    const other = new RTCPeerConnection({ peerIdentity: 'alice@localhost' })
    const { type, sdp } = peer.localDescription ?? assert.fail()
    // What the script asserts is JSON in JSON.
    scripts.set('default', script('contents').replace('contents: assertion', 'contents: JSON.parse(assertion)'))
    await other.setRemoteDescription({ type, sdp })
    assert.equal((await other.peerIdentity).name, 'alice@localhost')
    other.close()
    assert.deepEqual(requests, [`GET ${prefix}good`, `GET ${prefix}default`])
  })

  it('are not loaded unless the program asks for it, and no other domains than it names', async () => {
    end()
    assert.equal((await failure('good')).errorDetail, 'idp-load-failure')
    end = loadIdentityProviders({ domains: ['idp.example'], tlsCa: ca })
    assert.equal((await failure('good')).errorDetail, 'idp-load-failure')
    end()
    // Any domain, but none inside.
    end = loadIdentityProviders({ domains: 'any', tlsCa: ca })
    assert.equal((await failure('good')).errorDetail, 'idp-load-failure')
    assert.deepEqual(requests, [])
  })

  it('come from a server whose certificate is verified', async () => {
    end()
    end = loadIdentityProviders({ domains: [authority] })
    assert.equal((await failure('good')).errorDetail, 'idp-tls-failure')
    assert.deepEqual(requests, [])
  })

  it('are told apart by their status, and follow redirects over HTTPS alone', async () => {
    const missing = await failure('missing')
    assert.deepEqual([missing.errorDetail, missing.httpRequestStatusCode], ['idp-load-failure', 404])
    for (const protocol of ['plain', 'loop', 'long']) {
      assert.equal((await failure(protocol)).errorDetail, 'idp-load-failure')
    }
    assert.ok(await asserted('moved'))
  })

  const bad: readonly [string, string][] = [
    ['is no JavaScript', 'this is (no'],
    ['throws', 'throw new Error("no")'],
    ['registers nothing', '1 + 1'],
    ['registers what is none', 'rtcIdentityProvider.register({})'],
    ['registers too late', `Promise.resolve().then(() => {}).then(() => { ${script('1')} })`],
    ['imports a module', `${script('1')}; import('node:fs')`],
    ['imports a module, and hides it', `${script('1')}; import/* */\n<!-- x\n('node:fs')`],
    ['is a module', 'import fs from "node:fs"'],
  ]
  for (const [what, text] of bad) {
    it(`are refused where the script ${what}`, async () => {
      scripts.set('bad', text)
      assert.equal((await failure('bad')).errorDetail, 'idp-bad-script-failure')
    })
  }

  it('have nothing of Node, no evaluation of text, and no way out by what they are given', async () => {
    const names = [
      'process',
      'require',
      'module',
      'Buffer',
      'global',
      'WebAssembly',
      'SharedArrayBuffer',
      'setImmediate',
    ]
    scripts.set('good', script(`[${names.map(name => `typeof ${name}`).join(',')}]`))
    assert.deepEqual(await asserted(), Array(names.length).fill('undefined'))
    const escapes = [
      'globalThis.constructor.constructor("return process")()',
      'fetch.constructor("return process")()',
      'rtcIdentityProvider.register.constructor("return process")()',
      '(async () => {}).constructor("return process")()',
      'eval("1")',
      'new Error().constructor.constructor("return process")()',
    ]
    const tries = escapes.map(
      text => `(() => { try { return String(${text}) } catch (error) { return error.name } })()`,
    )
    scripts.set('good', script(`[${tries.join(',')}]`))
    assert.deepEqual(await asserted(), Array(escapes.length).fill('EvalError'))
  })

  it('get no hold of what runs them by their stack', async () => {
    const before = `Error.prepareStackTrace = (error, sites) => sites.map(site => [
      site.getFileName() === 'identity-provider.js' ? 'own' : 'other', typeof site.getThis(), typeof site.getFunction(),
    ].join())`
    scripts.set('good', script('[...new Set(new Error().stack)]', before))
    for (const each of (await asserted()) as string[])
      assert.ok(each.startsWith('own') || each === 'other,undefined,undefined', each)
  })

  it('reach their own origin, and nothing else', async () => {
    const request = `fetch('/echo', { method: 'post', body: 'hello', headers: { 'X-Own': '1', Cookie: 'a=b', Host: 'evil' } })`
    scripts.set('good', script(`${request}.then(response => response.json())`))
    const { body, headers } = (await asserted()) as { body: string; headers: Record<string, string> }
    assert.deepEqual([body, headers['x-own'], headers.cookie, headers.host], ['hello', '1', undefined, authority])
    const elsewhere = [
      'http://localhost/',
      'https://localhost/',
      'https://example.org/',
      'file:///etc/passwd',
      '//evil/',
      'x:',
    ]
    const tries = elsewhere.map(url => `fetch(${JSON.stringify(url)}).then(() => 'reached', error => error.name)`)
    scripts.set('good', script(`Promise.all([${tries.join(',')}])`))
    assert.deepEqual(await asserted(), Array(elsewhere.length).fill('TypeError'))
  })

  it('make no more requests than there is room for', async () => {
    scripts.set('good', script(`Promise.all(Array.from({ length: 40 }, () => fetch('/echo').then(() => 1, () => 0)))`))
    const results = (await asserted()) as number[]
    assert.equal(results.filter(each => each === 1).length, 16)
  })

  it('have timers, base64 and login errors', async () => {
    scripts.set(
      'good',
      script(`new Promise(resolve => setTimeout(() => resolve([btoa('hello'), atob('aGVsbG8=')]), 5))`),
    )
    assert.deepEqual(await asserted(), ['aGVsbG8=', 'hello'])
    const login = `(() => { throw Object.assign(new RTCError({ errorDetail: 'idp-need-login' }), { idpLoginUrl: 'https://x/', idpErrorInfo: 'i' }) })()`
    scripts.set('login', script(login))
    assert.equal((await failure('login')).errorDetail, 'idp-need-login')
    assert.deepEqual([peer.idpLoginUrl, peer.idpErrorInfo], ['https://x/', 'i'])
  })

  const hogs: readonly [string, string][] = [
    ['objects', '(() => { const all = []; for (;;) all.push({ a: all.length }) })()'],
    ['output', '(() => { for (;;) fetch("x".repeat(100000)) })()'],
  ]
  for (const [what, text] of hogs) {
    it(`are ended when they take too much memory by ${what}`, async () => {
      scripts.set('hog', script(text))
      assert.equal((await failure('hog')).errorDetail, 'idp-execution-failure')
    })
  }

  it('are ended when they take too much memory by buffers, where the system tells', async function () {
    if (process.platform !== 'linux') this.skip()
    const text = `(async () => {
      const all = []
      for (;;) {
        all.push(new Uint8Array(8e6).fill(1))
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    })()`
    scripts.set('hog', script(text))
    assert.equal((await failure('hog')).errorDetail, 'idp-execution-failure')
  })

  it('end with the connection, and with the loading, however busy they are', async () => {
    scripts.set('busy', script('(() => { for (;;); })()'))
    for (const stop of [() => peer.close(), () => end()]) {
      peer.close()
      peer = new RTCPeerConnection()
      peer.setIdentityProvider(authority, { protocol: 'busy' })
      const before = requests.length
      const pending = peer.getIdentityAssertion()
      pending.catch(() => undefined)
      while (requests.length === before) await new Promise(resolve => setTimeout(resolve, 5))
      await new Promise(resolve => setTimeout(resolve, 200))
      stop()
    }
    // Another one is not kept from running.
    end = loadIdentityProviders({ domains: [authority], tlsCa: ca })
    assert.ok(await asserted())
  })

  it('do not outlive the program, however busy they are', async function () {
    if (process.platform !== 'linux') this.skip()
    scripts.set('busy', script('(() => { for (;;); })()'))
    const program = `
      const { RTCPeerConnection } = await import(${JSON.stringify(new URL('../../../src/index.ts', import.meta.url))})
      const { loadIdentityProviders } = await import(${JSON.stringify(new URL('../../../src/pc/identity/index.ts', import.meta.url))})
      loadIdentityProviders({ domains: [${JSON.stringify(authority)}], tlsCa: ${JSON.stringify(ca)} })
      const peer = new RTCPeerConnection()
      peer.setIdentityProvider(${JSON.stringify(authority)}, { protocol: 'busy' })
      peer.getIdentityAssertion()
      const { execFileSync } = await import('node:child_process')
      const find = () => execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)]).toString().match(/^ *(\\d+).*--eval/m)
      let found
      while ((found = find()) === null) await new Promise(resolve => setTimeout(resolve, 10))
      await new Promise(resolve => setTimeout(resolve, 300))
      console.log(found[1])
      process.exit()`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', data => {
      output += data
    })
    await new Promise(resolve => child.on('close', resolve))
    const pid = Number(output)
    assert.ok(pid > 0, output)
    // It may take the system a moment.
    const isThere = (): boolean =>
      existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    for (let tries = 0; tries < 100 && isThere(); tries++) await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(isThere(), false)
  })

  it('connect to public addresses alone where any domain is allowed', () => {
    const inside = ['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0']
    const inside6 = ['::1', '::', 'fe80::1', 'fd00::1', '::ffff:127.0.0.1', '64:ff9b::a00:1', 'ff02::1']
    for (const address of inside) assert.equal(isPublicAddress(address, 4), false, address)
    for (const address of inside6) assert.equal(isPublicAddress(address, 6), false, address)
    assert.ok(isPublicAddress('192.0.2.1', 4))
    assert.ok(isPublicAddress('2001:db8::1', 6))
  })
})

/**
 * What runs in the process of a provider: a realm for its script, and the talk with the parent, a JSON text a line.
 *
 * Nothing of Node is in the realm. What crosses its edge are strings: `receive` takes one in, `take` gives out what was
 * queued. All that a script finds there (`fetch`, timers, `rtcIdentityProvider`, ...) is made by {@link realm}, inside.
 *
 * The process comes to its end by itself, however busy the script is, should the parent be gone: all of the realm runs
 * while `node:vm` watches the time, with its microtasks.
 */

/** Runs inside of the realm, before the script. */
const realm = String.raw`(() => {
  'use strict'
  const { parse, stringify } = JSON
  const out = []
  const emit = message => { out.push(stringify(message)) }
  const waiting = new Map()
  const timers = new Map()
  let serial = 0
  let provider
  let running = true
  const define = (name, value) => Object.defineProperty(globalThis, name, { value, writable: true, configurable: true })
  const text = error => {
    try { return String(error && error.message || error).slice(0, 256) } catch { return '' }
  }
  const told = error => {
    const of = name => {
      try { const value = error[name]; return typeof value === 'string' ? value.slice(0, 4096) : undefined } catch {}
    }
    return { message: text(error), errorDetail: of('errorDetail'), idpLoginUrl: of('idpLoginUrl'), idpErrorInfo: of('idpErrorInfo') }
  }

  class RTCIdentityProviderRegistrar {
    register(idp) {
      if (!running) throw new TypeError('register() is called while the script runs')
      const { generateAssertion, validateAssertion } = idp
      if (typeof generateAssertion !== 'function' || typeof validateAssertion !== 'function') {
        throw new TypeError('not an RTCIdentityProvider')
      }
      provider = { generateAssertion, validateAssertion }
    }
  }
  define('rtcIdentityProvider', new RTCIdentityProviderRegistrar())
  define('self', globalThis)
  define('location', Object.freeze(LOCATION))
  define('origin', LOCATION.origin)
  define('console', Object.freeze({ log() {}, info() {}, warn() {}, error() {}, debug() {} }))

  class RTCError extends Error {
    constructor(init, message = '') {
      super(message)
      this.name = 'OperationError'
      this.errorDetail = init.errorDetail
    }
  }
  define('RTCError', RTCError)

  class Headers {
    #all
    constructor(init = {}) { this.#all = new Map(Object.entries(init).map(([name, value]) => [name.toLowerCase(), String(value)])) }
    get(name) { return this.#all.get(String(name).toLowerCase()) ?? null }
    has(name) { return this.#all.has(String(name).toLowerCase()) }
    [Symbol.iterator]() { return this.#all[Symbol.iterator]() }
  }
  class Response {
    #body
    constructor({ status, headers, body, url }) {
      this.status = status
      this.ok = status >= 200 && status < 300
      this.headers = new Headers(headers)
      this.url = url
      this.#body = body
    }
    async text() { return this.#body }
    async json() { return parse(this.#body) }
  }
  define('fetch', (input, init = {}) => new Promise((resolve, reject) => {
    const id = ++serial
    const headers = init.headers instanceof Headers ? [...init.headers] : Object.entries(init.headers ?? {})
    waiting.set(id, answer => answer.error === undefined ? resolve(new Response(answer)) : reject(new TypeError(answer.error)))
    emit({
      type: 'fetch', id, url: String(input), method: String(init.method ?? 'GET'),
      headers: headers.map(([name, value]) => [String(name), String(value)]),
      body: init.body === undefined || init.body === null ? '' : String(init.body),
    })
  }))
  define('setTimeout', (callback, delay = 0, ...args) => {
    const id = ++serial
    timers.set(id, () => callback(...args))
    emit({ type: 'timer', id, delay: Math.max(0, Number(delay) || 0) })
    return id
  })
  define('clearTimeout', id => { timers.delete(id) })

  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  define('btoa', data => {
    const bytes = [...String(data)].map(character => {
      if (character.charCodeAt(0) > 255 || character.length > 1) throw new TypeError('btoa: not a byte')
      return character.charCodeAt(0)
    })
    let result = ''
    for (let at = 0; at < bytes.length; at += 3) {
      const [a, b, c] = [bytes[at], bytes[at + 1], bytes[at + 2]]
      const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0)
      result += alphabet[bits >> 18] + alphabet[(bits >> 12) & 63]
      result += (b === undefined ? '=' : alphabet[(bits >> 6) & 63]) + (c === undefined ? '=' : alphabet[bits & 63])
    }
    return result
  })
  define('atob', data => {
    const digits = String(data).replace(/[\t\n\f\r ]+/g, '').replace(/={1,2}$/, '')
    if (/[^A-Za-z0-9+\/]/.test(digits) || digits.length % 4 === 1) throw new TypeError('atob: not base64')
    let [bits, count, result] = [0, 0, '']
    for (const digit of digits) {
      bits = ((bits << 6) | alphabet.indexOf(digit)) & 0xffffff
      count += 6
      if (count >= 8) { count -= 8; result += String.fromCharCode((bits >> count) & 255) }
    }
    return result
  })

  const answer = async (id, work) => {
    try {
      emit({ type: 'answer', id, value: parse(stringify(await work()) ?? 'null') })
    } catch (error) {
      emit({ type: 'answer', id, error: told(error) })
    }
  }
  const handlers = {
    generate: ({ id, args }) => answer(id, () => provider.generateAssertion(...args)),
    validate: ({ id, args }) => answer(id, () => provider.validateAssertion(...args)),
    fetched: ({ id, answer: response }) => { const settle = waiting.get(id); waiting.delete(id); settle?.(response) },
    due: ({ id }) => { const callback = timers.get(id); timers.delete(id); callback?.() },
  }
  // The last one calls back when nobody watches the time.
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'FinalizationRegistry']) delete globalThis[name]
  define('$edge', {
    end: () => {
      running = false
      emit({ type: 'ready', registered: provider !== undefined })
    },
    receive: line => { const message = parse(line); handlers[message.type](message) },
    take: () => out.splice(0).join('\n'),
  })
})()`

/** Runs in the process: it holds the realm, and reads and writes lines. */
export const sandboxProgram: string = String.raw`'use strict'
const { createContext, Script } = require('node:vm')
const { stdin, stdout, exit } = process
const realm = ${JSON.stringify(realm)}
const context = createContext(Object.create(null), {
  codeGeneration: { strings: false, wasm: false },
  microtaskMode: 'afterEvaluate',
})
let ending = 0
let timers = 0
const run = text => {
  const left = Math.ceil(ending - performance.now())
  if (left <= 0) exit()
  return new Script(text, { filename: 'identity-provider.js' }).runInContext(context, { timeout: left })
}
const flush = () => {
  const lines = run('$edge.take()')
  if (typeof lines !== 'string' || lines === '') return
  for (const line of lines.split('\n')) {
    if (line.startsWith('{"type":"timer"')) arm(JSON.parse(line))
    else stdout.write(line + '\n')
  }
}
const arm = ({ id, delay }) => {
  if (timers >= 256) return
  timers++
  setTimeout(() => { timers--; give(JSON.stringify({ type: 'due', id })) }, Math.min(delay, 15000))
}
const give = line => {
  try { run('$edge.receive(' + JSON.stringify(line) + ')') } catch {}
  try { flush() } catch {}
}
const start = ({ script, location, lifeMs }) => {
  ending = performance.now() + lifeMs
  run(realm.replaceAll('LOCATION', () => JSON.stringify(location)))
  try {
    run(script + '\n;$edge.end()')
    flush()
  } catch {
    stdout.write('{"type":"ready","registered":false}\n')
  }
}
let pending = ''
stdin.setEncoding('utf8')
stdin.on('end', () => exit())
stdin.on('data', chunk => {
  pending += chunk
  for (let end = pending.indexOf('\n'); end !== -1; end = pending.indexOf('\n')) {
    const line = pending.slice(0, end)
    pending = pending.slice(end + 1)
    if (ending === 0) start(JSON.parse(line))
    else give(line)
  }
})
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})`

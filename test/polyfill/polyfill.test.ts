import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import * as icefloe from '../../src/index.ts'
import { interfaces } from '../../src/polyfill/interfaces.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const polyfill = new URL('../../src/polyfill/index.ts', import.meta.url).href

/** In a process of its own: what is installed stays. */
function run(program: string): unknown {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program]
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }))
}

describe('icefloe/polyfill', () => {
  it('makes globals of all interfaces, changeable and not enumerated, as WebIDL has them', () => {
    const found = run(`
      const before = Object.keys(globalThis).join()
      const { default: interfaces } = await import('${polyfill}')
      const descriptors = Object.keys(interfaces).map(name => Object.getOwnPropertyDescriptor(globalThis, name))
      console.log(JSON.stringify({
        same: Object.entries(interfaces).every(([name, value]) => globalThis[name] === value),
        ordinary: descriptors.every(each => each.writable && each.configurable && !each.enumerable),
        unseen: Object.keys(globalThis).join() === before,
        devices: globalThis.navigator?.mediaDevices === undefined,
      }))`)
    assert.deepEqual(found, { same: true, ordinary: true, unseen: true, devices: true })
  })

  it('leaves what is there, unless it is told to replace it', () => {
    const found = run(`
      globalThis.RTCPeerConnection = class Native {}
      const { install } = await import('${polyfill}')
      const left = globalThis.RTCPeerConnection.name
      const again = install()
      const replaced = install(globalThis, { force: true }).includes('RTCPeerConnection')
      console.log(JSON.stringify([left, typeof RTCDataChannel, again, replaced, globalThis.RTCPeerConnection.name]))`)
    assert.deepEqual(found, ['Native', 'function', [], true, 'RTCPeerConnection'])
  })

  it('installs on another object than the global one, and says what', () => {
    const found = run(`
      const { install, default: interfaces } = await import('${polyfill}')
      const window = { RTCPeerConnection: 1, MediaStream: undefined }
      const installed = install(window)
      console.log(JSON.stringify([window.RTCPeerConnection, window.MediaStream === interfaces.MediaStream,
        installed.length, Object.keys(interfaces).length]))`)
    const [kept, filled, installed, all] = found as [number, boolean, number, number]
    assert.deepEqual([kept, filled], [1, true])
    assert.equal(installed, all - 1)
  })

  it('throws for a frozen object, as defining a property does', () => {
    assert.equal(
      run(`
        const { install } = await import('${polyfill}')
        let error
        try { install(Object.freeze({})) } catch (thrown) { error = thrown.name }
        console.log(JSON.stringify(error))`),
      'TypeError',
    )
  })

  it('lets simple-peer find WebRTC by itself and connect', () => {
    const found = run(`
      import '${polyfill}'
      import { createRequire } from 'node:module'
      // What simple-peer looks at, by way of get-browser-rtc: globalThis alone.
      const Peer = createRequire('${root}/package.json')('simple-peer')
      const [first, second] = [new Peer({ initiator: true }), new Peer()]
      first.on('signal', data => second.signal(data))
      second.on('signal', data => first.signal(data))
      second.on('error', () => undefined)
      first.on('connect', () => first.send('hello'))
      second.on('data', data => {
        console.log(JSON.stringify([Peer.WEBRTC_SUPPORT, String(data)]))
        // simple-peer keeps a timer of its own for five seconds.
        process.exit()
      })`)
    assert.deepEqual(found, [true, 'hello'])
  })

  it('satisfies a detection like that of PeerJS: constructors, a data channel, unified plan', () => {
    const found = run(`
      await import('${polyfill}')
      const webRTC = typeof RTCPeerConnection !== 'undefined'
      const unified = 'currentDirection' in RTCRtpTransceiver.prototype
      const connection = new RTCPeerConnection()
      let data = false
      try { data = connection.createDataChannel('_PEERJSTEST').binaryType !== undefined } finally { connection.close() }
      connection.close()
      console.log(JSON.stringify({ webRTC, unified, data, track: 'addTrack' in RTCPeerConnection.prototype }))`)
    assert.deepEqual(found, { webRTC: true, unified: true, data: true, track: true })
  })

  it('has every interface that icefloe exports', () => {
    const exported = Object.keys(icefloe).filter(name => /^(?:RTC|MediaStream|OverconstrainedError)/.test(name))
    assert.deepEqual(Object.keys(interfaces).sort(), exported.sort())
  })
})

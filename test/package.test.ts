import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = new URL('../dist/', import.meta.url)

/** Runs a program as a user of the built package would. */
function run(program: string, type: 'commonjs' | 'module'): string {
  const args = [`--input-type=${type}`, '--eval', program]
  return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

describe('the package as it is built', () => {
  it('can be required and imported, and is the same either way', () => {
    const required = run(`console.log(Object.keys(require('icefloe')).sort().join())`, 'commonjs')
    const imported = run(`console.log(Object.keys(await import('icefloe')).sort().join())`, 'module')
    // Node marks what is required, for it has a default.
    assert.equal(required.trim().replace(',__esModule,', ','), imported.trim())
    assert.match(imported, /RTCDataChannel,.*RTCPeerConnection,/)
  })

  for (const [entry, name] of Object.entries({
    ice: 'IceAgent',
    dtls: 'DtlsConnection',
    'dtls/noble': 'nobleCryptoProvider',
    sctp: 'SctpAssociation',
    rtp: 'RtpSession',
    srtp: 'SrtpSession',
    sdp: 'parseSdp',
    testing: 'mediaDevices',
    polyfill: 'install',
    'compat/wrtc': 'nonstandard',
    'compat/node-datachannel-polyfill': 'RTCPeerConnection',
    'compat/webrtc-polyfill': 'RTCPeerConnection',
    'turn-server': 'createTurnServer',
  })) {
    it(`has the layer icefloe/${entry}`, () => {
      const exported = run(`console.log(Object.keys(await import('icefloe/${entry}')).join())`, 'module')
      assert.ok(exported.trim().split(',').includes(name), exported)
    })
  }

  it('is its default by itself, in place of packages that are imported by theirs', () => {
    const found = run(`import wrtc from 'icefloe'; console.log(typeof wrtc.RTCPeerConnection)`, 'module')
    assert.equal(found.trim(), 'function')
  })

  it('gives the default of icefloe/compat/wrtc to who requires it, as wrtc does', () => {
    const program = `const { nonstandard, ...wrtc } = require('icefloe/compat/wrtc')
      import('icefloe/compat/wrtc').then(({ default: imported }) =>
        console.log(nonstandard === imported.nonstandard, Object.keys(wrtc).every(name => wrtc[name] === imported[name])))`
    assert.equal(run(program, 'commonjs').trim(), 'true true')
  })

  it('installs globals in icefloe/polyfill alone', () => {
    const program = (entry: string) => `await import('${entry}'); console.log(typeof globalThis.RTCPeerConnection)`
    assert.equal(run(program('icefloe'), 'module').trim(), 'undefined')
    assert.equal(run(program('icefloe/polyfill'), 'module').trim(), 'function')
  })

  it('has declarations by structure of the interfaces of the W3C, so that they go with those of browsers', () => {
    const declared = readFileSync(new URL('pc/rtc-peer-connection.d.ts', dist), 'utf8')
    assert.match(declared, /^export declare class RTCPeerConnection /m)
    assert.doesNotMatch(declared, /#private/)
    assert.match(readFileSync(new URL('sctp/association.d.ts', dist), 'utf8'), /#private/)
  })

  it('has icefloe/worker, which brings the event of transforms to a worker', () => {
    const found = run(`await import('icefloe/worker'); console.log('onrtctransform' in globalThis)`, 'module')
    assert.equal(found.trim(), 'true')
  })

  it('has a program that runs as it is', () => {
    const program = fileURLToPath(new URL('cli.js', dist))
    assert.match(execFileSync(program, ['--help'], { encoding: 'utf8' }), /^ {2}doctor /m)
  })

  it('loads what takes long to load only when it is needed', () => {
    const shared = readdirSync(new URL('shared/', dist)).filter(file => file.endsWith('.js'))
    for (const file of ['index.js', ...shared.map(each => `shared/${each}`)]) {
      const code = readFileSync(new URL(file, dist), 'utf8')
      for (const late of ['@peculiar/x509', 'reflect-metadata', 'dns-packet', '@noble/']) {
        assert.doesNotMatch(code, new RegExp(`^import .*["']${late}`, 'm'), `${file} imports ${late}`)
      }
    }
  })
})

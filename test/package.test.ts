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
    assert.equal(required.trim(), imported.trim())
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
    'turn-server': 'createTurnServer',
  })) {
    it(`has the layer icefloe/${entry}`, () => {
      const exported = run(`console.log(Object.keys(await import('icefloe/${entry}')).join())`, 'module')
      assert.ok(exported.trim().split(',').includes(name), exported)
    })
  }

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

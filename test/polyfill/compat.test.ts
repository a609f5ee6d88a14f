import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import nodeDatachannel from 'node-datachannel/polyfill'
import * as nodeDatachannelCompat from '../../src/compat/node-datachannel-polyfill.ts'
import * as webrtcPolyfillCompat from '../../src/compat/webrtc-polyfill.ts'
import * as wrtcCompat from '../../src/compat/wrtc.ts'
import * as icefloe from '../../src/index.ts'
import { interfaces } from '../../src/polyfill/interfaces.ts'

interface SimplePeer extends Duplex {
  signal(data: unknown): void
  send(data: string): void
}

const require = createRequire(import.meta.url)
const Peer = require('simple-peer') as new (options: {
  readonly wrtc: object
  readonly initiator?: boolean
}) => SimplePeer

const entries = {
  wrtc: wrtcCompat,
  'node-datachannel-polyfill': nodeDatachannelCompat,
  'webrtc-polyfill': webrtcPolyfillCompat,
}

for (const [entry, module] of Object.entries(entries)) {
  describe(`icefloe/compat/${entry}`, () => {
    for (const [form, wrtc] of [
      ['default', module.default],
      ['namespace', module],
    ] as const) {
      it(`is what simple-peer wants as its WebRTC, by its ${form}`, async () => {
        assert.equal(await greet(wrtc), 'hello')
      })
    }

    it('has the interfaces of icefloe, and makes none of them global', () => {
      assert.equal(module.RTCPeerConnection, icefloe.RTCPeerConnection)
      for (const [name, value] of Object.entries(interfaces)) {
        assert.equal((module as Record<string, unknown>)[name], value, name)
        assert.equal((module.default as unknown as Record<string, unknown>)[name], value, name)
      }
      const program = `await import('icefloe/compat/${entry}'); console.log(typeof globalThis.RTCPeerConnection)`
      const options = { cwd: new URL('../..', import.meta.url), encoding: 'utf8' } as const
      assert.equal(
        execFileSync(process.execPath, ['--input-type=module', '--eval', program], options).trim(),
        'undefined',
      )
    })
  })
}

describe('the packages that icefloe stands in for', () => {
  it('have nothing that icefloe/compat has not: @roamhq/wrtc', () => {
    const names = Object.keys(require('@roamhq/wrtc') as object)
    assert.ok(names.includes('RTCPeerConnection'))
    assert.deepEqual(
      names.filter(name => !(name in wrtcCompat.default)),
      [],
    )
    assert.deepEqual(
      names.filter(name => !(name in wrtcCompat)),
      [],
    )
  })

  it('have nothing that icefloe/compat has not: node-datachannel/polyfill', () => {
    const names = Object.keys(nodeDatachannel)
    assert.ok(names.includes('RTCPeerConnection'))
    assert.deepEqual(
      names.filter(name => !(name in nodeDatachannelCompat.default)),
      [],
    )
  })
})

describe('what wrtc has beyond the standard', () => {
  it('has sources, whose tracks go wherever tracks go and carry nothing', () => {
    const { RTCAudioSource, RTCVideoSource } = wrtcCompat.default.nonstandard
    const tracks = [new RTCAudioSource(), new RTCVideoSource(), new RTCVideoSource({ isScreencast: true })].map(each =>
      each.createTrack(),
    )
    try {
      assert.deepEqual(
        new icefloe.MediaStream(tracks).getTracks().map(track => [track.kind, track.readyState]),
        [
          ['audio', 'live'],
          ['video', 'live'],
          ['video', 'live'],
        ],
      )
      assert.equal(new RTCVideoSource({ isScreencast: true }).isScreencast, true)
    } finally {
      for (const track of tracks) track.stop()
    }
  })

  it('gives a track of its own for each call, so that two of one source can be sent side by side', () => {
    const source = new wrtcCompat.default.nonstandard.RTCVideoSource()
    const [first, second] = [source.createTrack(), source.createTrack()]
    assert.notEqual(first.id, second.id)
    first.stop()
    assert.equal(second.readyState, 'live')
    second.stop()
  })

  it('is an error that says what to use instead where it is about samples and pictures', () => {
    const { RTCAudioSource, RTCVideoSource } = wrtcCompat.default.nonstandard
    assert.throws(() => new RTCAudioSource().onData({}), /nonstandard\.RTCAudioSource\.onData .*compat\.md/)
    assert.throws(() => new RTCVideoSource().onFrame({}), /nonstandard\.RTCVideoSource\.onFrame .*compat\.md/)
  })

  it('is an error once it is looked at and not before, if there is nothing of it', () => {
    const { nonstandard } = wrtcCompat.default
    const theirs = Object.keys((require('@roamhq/wrtc') as { nonstandard: object }).nonstandard)
    assert.ok(theirs.includes('RTCVideoSource'))
    for (const name of theirs.filter(each => !/^RTC(?:Audio|Video)Source$/.test(each))) {
      assert.throws(
        () => (nonstandard as unknown as Record<string, unknown>)[name],
        new RegExp(`nonstandard\\.${name} .*compat\\.md`),
      )
    }
    assert.deepEqual(Object.keys({ ...nonstandard }), ['RTCAudioSource', 'RTCVideoSource'])
  })

  it('is in icefloe itself, which packages are overridden by', () => {
    assert.equal(icefloe.nonstandard, wrtcCompat.default.nonstandard)
    assert.equal(icefloe.default.nonstandard, icefloe.nonstandard)
  })

  it('includes getUserMedia, which gives synthetic media', async () => {
    const stream = await wrtcCompat.default.getUserMedia({ audio: true, video: true })
    try {
      assert.ok(stream instanceof icefloe.MediaStream)
      assert.deepEqual(
        stream.getTracks().map(track => track.kind),
        ['audio', 'video'],
      )
    } finally {
      for (const track of stream.getTracks()) track.stop()
    }
  })
})

async function greet(wrtc: object): Promise<string> {
  const [first, second] = [new Peer({ wrtc, initiator: true }), new Peer({ wrtc })]
  try {
    return await new Promise((resolve, reject) => {
      for (const [from, to] of [
        [first, second],
        [second, first],
      ] as const) {
        from.on('signal', data => to.signal(data))
        from.on('error', reject)
      }
      first.on('connect', () => first.send('hello'))
      second.on('data', data => resolve(String(data)))
    })
  } finally {
    const closed = [first, second].map(peer => new Promise(resolve => peer.once('close', resolve)))
    first.destroy()
    second.destroy()
    await Promise.all(closed)
  }
}

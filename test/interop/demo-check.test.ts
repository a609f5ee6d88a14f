import assert from 'node:assert/strict'
import { DemoProcess } from './demo-process.ts'

describe('npm start -- --check', () => {
  it('tries every step, prints a table and exits with 0, all by itself', async function () {
    this.timeout(30_000)
    const demo = new DemoProcess('--check')
    assert.equal(await demo.exited, 0, demo.output)
    const steps = [
      ...['offer and answer', 'ICE connected', 'DTLS connected', 'data channel open', 'echo', 'throughput', 'close'],
      ...['audio and video', 'relay only, UDP', 'relay only, TCP', 'HTTP, visitor offers', 'HTTP, server offers'],
    ]
    for (const step of steps) assert.match(demo.output, new RegExp(`^ *✓ ${step} +[0-9.]+ +\\S`, 'm'))
    assert.match(demo.output, /ICE connected .* host udp \S+:\d+ ⇄ (host|prflx) udp \S+:\d+$/m)
    assert.match(demo.output, /DTLS connected .* DTLS 1\.3, x25519mlkem768, TLS_\w+, ECDSA P-256 certificate$/m)
    assert.match(demo.output, /throughput .* [0-9.]+ MB\/s/)
    assert.match(demo.output, /audio and video .* \d+ frames of opus whole, \d+ frames of VP8 whole, \w*AES\w*$/im)
    for (const transport of ['udp', 'tcp']) {
      const pair = `relay udp \\S+:\\d+, over ${transport} ⇄ relay udp \\S+:\\d+`
      assert.match(demo.output, new RegExp(`relay only, ${transport} .* ${pair}, there and back in [0-9.]+ ms$`, 'im'))
    }
    assert.match(demo.output, /All 12 steps passed/)
  })

  it('explains itself when it is asked for what it does not know', async () => {
    for (const args of [['--chekc'], ['--port', 'http'], ['--port', '65536'], ['--turn', '203.0.113.1']]) {
      const demo = new DemoProcess(...args)
      assert.equal(await demo.exited, 2)
      assert.match(demo.output, /Usage: npm start/)
    }
  })
})

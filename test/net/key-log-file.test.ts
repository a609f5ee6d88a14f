import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyLogOfEnvironment } from '../../src/net/key-log-file.ts'

describe('The file that SSLKEYLOGFILE names', () => {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'icefloe-keys-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('is not written unless there is one', () => {
    assert.equal(keyLogOfEnvironment({}), undefined)
    assert.equal(keyLogOfEnvironment({ SSLKEYLOGFILE: '' }), undefined)
  })

  it('gets a line after the other, and is for its owner alone', () => {
    const path = join(directory, 'keys')
    keyLogOfEnvironment({ SSLKEYLOGFILE: path })?.('first')
    keyLogOfEnvironment({ SSLKEYLOGFILE: path })?.('second')
    assert.equal(readFileSync(path, 'utf8'), 'first\nsecond\n')
    assert.equal(statSync(path).mode & 0o077, 0)
  })

  it('that cannot be written ends nothing', () => {
    keyLogOfEnvironment({ SSLKEYLOGFILE: join(directory, 'there', 'is', 'none') })?.('lost')
  })

  const program = `
    import { RTCPeerConnection } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
    for (let i = 0; i < 2; i++) new RTCPeerConnection({}, globalThis.process.env.WITH_OPTION ? { keyLog: () => {} } : {}).close()
  `
  const run = (variables: object): string =>
    spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      env: { ...process.env, SSLKEYLOGFILE: '', ...variables },
      encoding: 'utf8',
    }).stderr

  it('makes the process warn, once, and so does a log of the application; without either it is quiet', function () {
    this.timeout(30_000)
    const warning = /SecurityWarning: The keys of DTLS connections are being logged/g
    assert.equal(run({ SSLKEYLOGFILE: join(directory, 'keys') }).match(warning)?.length, 1)
    assert.equal(run({ WITH_OPTION: '1' }).match(warning)?.length, 1)
    assert.equal(run({}), '')
  })
})

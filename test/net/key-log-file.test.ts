import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
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

  it('keeps what is in it, and the permissions that its owner gave it', () => {
    const path = join(directory, 'keys')
    writeFileSync(path, 'of a browser\n', { mode: 0o640 })
    keyLogOfEnvironment({ SSLKEYLOGFILE: path })?.('ours')
    assert.equal(readFileSync(path, 'utf8'), 'of a browser\nours\n')
    assert.equal(statSync(path).mode & 0o777, 0o640)
  })

  it('takes whole lines of several processes at a time', async function () {
    this.timeout(30_000)
    const path = join(directory, 'keys')
    const lines = 500
    const writer = (name: string): string => `
      import { keyLogOfEnvironment } from ${JSON.stringify(new URL('../../src/net/key-log-file.ts', import.meta.url).href)}
      const log = keyLogOfEnvironment()
      for (let i = 0; i < ${lines}; i++) log('${name} ' + i + ' ' + 'ab'.repeat(80))
    `
    const names = ['one', 'two', 'three']
    const codes = names.map(name => {
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', writer(name)], {
        env: { ...process.env, SSLKEYLOGFILE: path },
        stdio: 'inherit',
      })
      return new Promise(resolve => child.on('exit', resolve))
    })
    assert.deepEqual(await Promise.all(codes), [0, 0, 0])
    const written = readFileSync(path, 'utf8').trimEnd().split('\n')
    const expected = names.flatMap(name => Array.from({ length: lines }, (_, i) => `${name} ${i} ${'ab'.repeat(80)}`))
    assert.deepEqual(written.sort(), expected.sort())
  })

  it('that cannot be written ends nothing, and makes the process warn once', function () {
    this.timeout(30_000)
    const nowhere = join(directory, 'there', 'is', 'none')
    const lost = `
      import { keyLogOfEnvironment } from ${JSON.stringify(new URL('../../src/net/key-log-file.ts', import.meta.url).href)}
      for (let i = 0; i < 3; i++) keyLogOfEnvironment()('lost')
      console.log('goes on')
    `
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', lost],
      { env: { ...process.env, SSLKEYLOGFILE: nowhere }, encoding: 'utf8' },
    )
    assert.deepEqual([stdout, status], ['goes on\n', 0])
    assert.equal(stderr.match(/ICEFLOE_KEY_LOG_FILE/g)?.length, 1)
    assert.doesNotMatch(stderr, /lost/)
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

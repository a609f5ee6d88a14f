import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { icefloe, password, runHere } from './support.ts'

const commands = ['stun', 'turn', 'doctor', 'turn-server']

/** What cannot be meant. None of it may lead to more than a line, and none of the passwords into it. */
const mistakes: readonly (readonly string[])[] = [
  ['nonsense'],
  ['--nonsense'],
  ['help', 'nonsense'],
  ['__proto__'],
  ['stun'],
  ['stun', ''],
  ['stun', 'one', 'two'],
  ['stun', 'http://example.org'],
  ['stun', 'stun:'],
  ['stun', 'stun:host:0'],
  ['stun', 'stun:host:99999'],
  ['stun', 'stun:host?transport=udp'],
  ['stun', 'turns:host?transport=udp'],
  ['stun', `stun:alice:${password}@example.org`],
  ['stun', 'host', '--count'],
  ['stun', 'host', '--count=0'],
  ['stun', 'host', '--count', '-1'],
  ['stun', 'host', '--count=1e3'],
  ['stun', 'host', '--timeout=0'],
  ['stun', 'host', '--timeout=soon'],
  ['stun', 'host', '--json=yes'],
  ['stun', 'host', '--ca', '/nowhere/to/be/found.pem'],
  ['stun', 'host', '--ca', 'package.json'],
  ['stun', 'host', '-x'],
  ['turn', 'turn:host'],
  ['turn', 'stun:host', '--user', 'alice', '--password', password],
  ['turn', 'turn:host', '--user', 'alice'],
  ['turn', 'turn:host', '--password', password],
  ['turn', 'turn:host', '--user', '', '--password', password],
  ['turn', 'turn:host', '--user', 'alice', '--password='],
  ['turn', 'turn:host', '--user', 'alice', `--pasword=${password}`],
  ['turn', 'turn:host', '--user', 'alice', password],
  ['turn', 'turn:host', '--user', 'alice', '--password', password, '--password-file', 'package.json'],
  ['turn', 'turn:host', '--user', 'alice', '--password-file', '/nowhere'],
  ['turn', 'turn:host', '--user', 'alice', '--password', password, '--lifetime=0'],
  ['doctor', 'somewhere'],
  ['doctor', '--server', 'http://host'],
  ['doctor', '--server', 'turn:host'],
  ['turn-server', 'somewhere'],
  ['turn-server', '--port=70000'],
  ['turn-server', '--port=-1'],
  ['turn-server', '--relay-ports=5-4'],
  ['turn-server', '--relay-ports=50000'],
  ['turn-server', '--external-ip=example.org'],
  ['turn-server', '--listen=localhost'],
  ['turn-server', '--user=alice'],
  ['turn-server', `--user=:${password}`],
  ['turn-server', '--user=alice:'],
  ['turn-server', '--secret='],
  ['turn-server', '--users-file=/dev/null'],
  ['turn-server', '--tls-port=5349'],
  ['turn-server', '--cert=package.json'],
  ['turn-server', '--cert=package.json', '--key=package.json'],
  ['turn-server', '--realm='],
  ['turn-server', '--max-allocations=none'],
  ['turn-server', `--secret=${password}`, '--secret-file=package.json'],
]

describe('the command line', () => {
  for (const args of mistakes) {
    it(`answers "${args.join(' ').replace(password, 'PASSWORD')}" with one line and exit code 2`, async () => {
      const { code, stdout, stderr } = await runHere(args)
      assert.equal(code, 2, stderr)
      assert.equal(stdout, '')
      assert.match(stderr, /^icefloe[a-z -]*: [^\n]+ \(see icefloe[a-z -]* --help\)$/)
      assert.ok(!stderr.includes(password), stderr)
    })
  }

  it('says so on standard error, as a process', async () => {
    const { code, stdout, stderr } = await icefloe(['turn', 'turn:host', '--user', 'alice', `--pasword=${password}`])
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
    assert.equal(stderr, 'icefloe turn: unknown option --pasword (see icefloe turn --help)\n')
  })

  it('helps without arguments, and names every command', async () => {
    const { code, stdout, stderr } = await icefloe([])
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    for (const command of commands) assert.match(stdout, new RegExp(`^ {2}${command} +\\S`, 'm'))
  })

  for (const command of commands) {
    it(`helps with ${command}, in lines that a terminal shows whole`, async () => {
      const { code, stdout } = await runHere([command, '--nonsense', '--help'])
      assert.equal(code, 0)
      assert.match(stdout, new RegExp(`Usage: icefloe ${command} `))
      assert.match(stdout, /Exit codes: 0 /)
      for (const line of stdout.split('\n')) assert.ok(line.length <= 125, line)
      assert.equal((await runHere(['help', command])).stdout, stdout)
    })
  }

  it('tells the version of the package', async () => {
    const { code, stdout } = await icefloe(['--version'])
    assert.equal(code, 0)
    assert.match(stdout, /^\d+\.\d+\.\d+\S*\n$/)
  })

  it('tells an unreadable users file by its mistake, not by its content', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'icefloe-cli-'))
    try {
      const file = join(directory, 'users')
      writeFileSync(file, `# users\n${password}\n`)
      const { code, stderr } = await runHere(['turn-server', `--users-file=${file}`])
      assert.equal(code, 2)
      assert.ok(!stderr.includes(password), stderr)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

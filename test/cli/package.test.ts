import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

describe('the program of the package as it is built', () => {
  const { bin, version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  const program = new URL(bin.icefloe, root)

  it('is executable, and says what runs it', () => {
    accessSync(program, constants.X_OK)
    assert.match(readFileSync(program, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  })

  it('runs', () => {
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [fileURLToPath(program), ...args], { encoding: 'utf8' })
    assert.equal(run('--version'), `${version}\n`)
    for (const command of ['stun', 'turn', 'doctor', 'turn-server']) {
      assert.match(run(command, '--help'), new RegExp(`^Usage: icefloe ${command} `, 'm'))
    }
  })

  it('does not load all of icefloe to ask a server', () => {
    assert.ok(hasAll(codeOf('doctor')))
    assert.ok(!hasAll(codeOf('stun')))
    assert.ok(!hasAll(codeOf('turn')))
  })

  function hasAll(code: string): boolean {
    return ['RTCPeerConnection', 'SctpAssociation'].some(name => new RegExp(`class _?${name}\\b`).test(code))
  }

  /** All that is loaded with a command. */
  function codeOf(command: string): string {
    const main = readFileSync(program, 'utf8')
    const late = new RegExp(`\n  ${command}: \\{[^}]*?import\\("(\\.[^"]+)"\\)`).exec(main)?.[1]
    const loaded = new Map<string, string>()
    const load = (file: URL): void => {
      if (loaded.has(file.href)) return
      const code = readFileSync(file, 'utf8')
      loaded.set(file.href, code)
      for (const [, path = ''] of code.matchAll(/^(?:import |\} from )"(\.[^"]+)"/gm)) load(new URL(path, file))
    }
    load(new URL(late ?? assert.fail(`${command} is not loaded late`), program))
    return [...loaded.values()].join('\n')
  }
})

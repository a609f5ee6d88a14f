import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./process-exit-program.ts', import.meta.url))
const limitMs = 2_000

describe('a process whose connections are closed', () => {
  it('ends by itself within two seconds, and writes nothing about errors', async function () {
    this.timeout(60_000)
    const child = spawn(process.execPath, ['--import', 'tsx', program], { stdio: ['ignore', 'pipe', 'pipe'] })
    let errors = ''
    child.stderr.on('data', data => {
      errors += String(data)
    })
    const exited = once(child, 'exit')
    let line = ''
    for await (line of createInterface({ input: child.stdout })) if (line === 'closed') break
    assert.equal(line, 'closed')
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
    const [code, signal] = await exited
    clearTimeout(timer)
    assert.equal(signal, null, `still there ${limitMs} ms after close()`)
    assert.equal(code, 0)
    assert.equal(errors, '')
  })
})

import assert from 'node:assert/strict'
import { unreachable } from '../../../src/pc/gathering/server-failure.ts'
import { ServerReports } from '../../../src/pc/gathering/server-reports.ts'

function reporting() {
  const told: string[] = []
  const reports = new ServerReports((url, { errorCode }) => told.push(`${url} ${errorCode}`))
  return { reports, told }
}

const unauthorized = { errorCode: 401, errorText: 'Unauthorized', local: undefined }

describe('Reports about servers', () => {
  it('come once for each URL, when the last way to it has failed', () => {
    const { reports, told } = reporting()
    reports.begin('stun:a')
    reports.begin('stun:a')
    reports.failed('stun:a', unreachable('no answer'))
    assert.deepEqual(told, [])
    reports.failed('stun:a', unreachable('no answer'))
    assert.deepEqual(told, ['stun:a 701'])
  })

  it('do not come for a server that was reached from one address and not from another', () => {
    const { reports, told } = reporting()
    reports.begin('stun:a')
    reports.begin('stun:a')
    reports.failed('stun:a', unreachable('no answer'))
    reports.spared('stun:a')
    assert.deepEqual(told, [])
  })

  it('tell what the server itself has said rather than that it was not reached, and tell it in any case', () => {
    const { reports, told } = reporting()
    for (let way = 0; way < 3; way++) reports.begin('turn:a')
    reports.failed('turn:a', unauthorized)
    reports.failed('turn:a', unreachable('no answer'))
    reports.spared('turn:a')
    assert.deepEqual(told, ['turn:a 401'])
  })

  it('do not come again for what is tried again, unless it has worked in between', () => {
    const { reports, told } = reporting()
    const fail = (): void => {
      reports.begin('turn:a')
      reports.failed('turn:a', unreachable('no answer'))
    }
    fail()
    fail()
    assert.deepEqual(told, ['turn:a 701'])
    reports.begin('turn:a')
    reports.worked('turn:a')
    fail()
    assert.deepEqual(told, ['turn:a 701', 'turn:a 701'])
  })
})

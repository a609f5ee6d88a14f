import assert from 'node:assert/strict'
import { assertNever, InternalError, MalformedError } from '../../src/base/errors.ts'

describe('the errors of base', () => {
  it('can be told apart by class and by name', () => {
    const [internal, malformed] = [new InternalError('x'), new MalformedError('y')]
    assert.ok(internal instanceof Error && !(internal instanceof MalformedError))
    assert.ok(malformed instanceof Error && !(malformed instanceof InternalError))
    assert.deepEqual([internal.name, malformed.name], ['InternalError', 'MalformedError'])
    assert.deepEqual([String(internal), String(malformed)], ['InternalError: x', 'MalformedError: y'])
  })

  it('name the value that the compiler had ruled out', () => {
    assert.throws(() => assertNever({ kind: 'odd' } as never), /^InternalError: unexpected value: \{"kind":"odd"\}$/)
    assert.throws(() => assertNever(undefined as never), InternalError)
  })
})

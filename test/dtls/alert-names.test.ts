import assert from 'node:assert/strict'
import { describeAlert } from '../../src/dtls/alert-names.ts'
import { Alert } from '../../src/dtls/errors.ts'

describe('An alert', () => {
  it('is told by its number and its name', () => {
    assert.equal(describeAlert(116), 'alert 116 (certificate_required)')
    for (const description of Object.values(Alert)) assert.match(describeAlert(description), /^alert \d+ \([a-z_]+\)$/)
  })

  it('is told by its number alone if it has no name', () => {
    assert.equal(describeAlert(255), 'alert 255')
  })
})

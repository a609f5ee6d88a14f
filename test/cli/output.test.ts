import assert from 'node:assert/strict'
import { count, facts, mark, milliseconds, printable, table, toJson } from '../../src/cli/output.ts'

describe('the output of the command line', () => {
  it('aligns columns and leaves no spaces at the end', () => {
    assert.deepEqual(
      table([
        ['a', 'bb', 'c'],
        ['aaa', 'b'],
        ['', '', 'd'],
      ]),
      ['  a    bb  c', '  aaa  b', '           d'],
    )
  })

  it('leaves out facts that are not known', () => {
    assert.deepEqual(
      facts(
        [
          ['one', '1'],
          ['two', undefined],
          ['three', '3'],
        ],
        0,
      ),
      ['one    1', 'three  3'],
    )
  })

  it('shows durations with three digits or so', () => {
    assert.deepEqual([0.417, 12.34, 140.4].map(milliseconds), ['0.42 ms', '12.3 ms', '140 ms'])
  })

  it('counts in singular and plural', () => {
    assert.deepEqual(
      [0, 1, 2].map(number => count(number, 'packet')),
      ['0 packets', '1 packet', '2 packets'],
    )
  })

  it('makes control characters and changes of direction from outside harmless', () => {
    assert.equal(
      printable('a\u001b[31mred\r\n\u009b2J\u202ex\u2028'),
      'a\\u001b[31mred\\u000d\\u000a\\u009b2J\\u202ex\\u2028',
    )
  })

  it('cuts text from outside', () => {
    assert.equal(printable('x'.repeat(200)), `${'x'.repeat(120)}...`)
  })

  it('writes JSON that stays the same value, without a character that a terminal obeys', () => {
    const value = { text: '\u001b[0m \u009b \u2028 \u202e " \\' }
    const json = toJson(value)
    assert.deepEqual(JSON.parse(json), value)
    assert.match(json, /^[\x20-\x7e]*$/)
  })

  it('uses colours only if it may', () => {
    assert.equal(mark('ok', false), 'ok  ')
    assert.equal(mark('fail', true), '\u001b[1;31mfail\u001b[0m')
  })
})

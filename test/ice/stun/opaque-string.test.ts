import assert from 'node:assert/strict'
import { opaqueString } from '../../../src/ice/stun/opaque-string.ts'

describe('The OpaqueString profile', () => {
  it('takes the legal passwords of RFC 8265 §4.3, and maps what it says', () => {
    for (const password of ['correct horse battery staple', 'Correct Horse Battery Staple', 'πßå', 'Jack of ♦s']) {
      assert.equal(opaqueString(password), password)
    }
    assert.equal(opaqueString('foo\u1680bar'), 'foo bar')
  })

  it('refuses the others of RFC 8265 §4.3', () => {
    assert.equal(opaqueString(''), undefined)
    assert.equal(opaqueString('my cat is a \tby'), undefined)
  })

  it('composes, and neither folds case nor width nor ligatures', () => {
    assert.equal(opaqueString('Ame\u0301lie'), 'Am\u00e9lie')
    assert.equal(opaqueString('\u1112\u1161\u11ab'), '\ud55c', 'conjoining Hangul')
    assert.equal(opaqueString('ＡＢＣ'), 'ＡＢＣ')
    assert.equal(opaqueString('\u2168\u00aa\ufb01'), '\u2168\u00aa\ufb01')
  })

  it('maps every space that is not ASCII', () => {
    for (const space of ['\u00a0', '\u2003', '\u202f', '\u3000']) assert.equal(opaqueString(`a${space}b`), 'a b')
  })

  it('refuses what cannot be seen or means nothing', () => {
    const bad = [
      '\0',
      '\r',
      '\x7f',
      '\x85',
      '\u2028',
      '\u2029',
      '\u00ad',
      '\ufeff',
      '\ufe0f',
      '\ue000',
      '\ud800',
      '\udc00',
    ]
    for (const text of [...bad, '\u0378', '\uffff', '\u{e0041}', '\u1100']) {
      assert.equal(opaqueString(`a${text}b`), undefined, JSON.stringify(text))
    }
    assert.equal(opaqueString('a\u200db'), 'a\u200db', 'joiners have their place')
  })
})

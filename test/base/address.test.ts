import assert from 'node:assert/strict'
import { addressKey, sameAddress, type TransportAddress } from '../../src/base/address.ts'

const v4: TransportAddress = { address: '192.0.2.1', port: 5000, family: 4 }
const v6: TransportAddress = { address: '2001:db8::1', port: 5000, family: 6 }

describe('sameAddress', () => {
  it('is true for the same object and for an equal one', () => {
    assert.equal(sameAddress(v4, v4), true)
    assert.equal(sameAddress(v6, { ...v6 }), true)
  })

  it('is false if address or port differ', () => {
    assert.equal(sameAddress(v4, { ...v4, port: 5001 }), false)
    assert.equal(sameAddress(v4, { ...v4, address: '192.0.2.2' }), false)
    assert.equal(sameAddress(v4, v6), false)
  })
})

describe('addressKey', () => {
  it('writes an IPv6 address in brackets', () => {
    assert.equal(addressKey(v4), '192.0.2.1:5000')
    assert.equal(addressKey(v6), '[2001:db8::1]:5000')
  })

  it('is equal exactly for equal addresses', () => {
    const all = [v4, v6].flatMap(each => [each, { ...each, port: 500 }, { ...each, port: 0 }])
    all.push({ ...v6, address: '2001:db8::1:5000', port: 0 }, { ...v6, address: '::' }, { ...v4, address: '0.0.0.0' })
    for (const [i, a] of all.entries()) {
      for (const [j, b] of all.entries()) {
        assert.equal(addressKey(a) === addressKey({ ...b }), i === j)
        assert.equal(sameAddress(a, { ...b }), i === j)
      }
    }
  })
})

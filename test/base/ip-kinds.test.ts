import assert from 'node:assert/strict'
import { isLinkLocalIpv6, isLoopback, isUnicast } from '../../src/base/ip.ts'

describe('Kinds of IP addresses', () => {
  const kinds: readonly (readonly [address: string, loopback: boolean, linkLocal: boolean, unicast: boolean])[] = [
    ['0.0.0.0', false, false, false],
    ['0.1.2.3', false, false, false],
    ['1.0.0.1', false, false, true],
    ['127.0.0.1', true, false, true],
    ['127.255.255.254', true, false, true],
    ['192.0.2.1', false, false, true],
    ['223.255.255.255', false, false, true],
    ['224.0.0.251', false, false, false],
    ['255.255.255.255', false, false, false],
    ['::', false, false, false],
    ['::1', true, false, true],
    ['2001:db8::1', false, false, true],
    ['fe7f::1', false, false, true],
    ['fe80::1', false, true, true],
    ['febf:ffff::1', false, true, true],
    ['fec0::1', false, false, true],
    ['ff02::fb', false, false, false],
    // 0fe8 and 00ff
    ['fe8::1', false, false, true],
    ['ff::1', false, false, true],
  ]
  for (const [address, loopback, linkLocal, unicast] of kinds) {
    it(`are told of ${address}`, () => {
      assert.deepEqual(
        [isLoopback(address), isLinkLocalIpv6(address), isUnicast(address)],
        [loopback, linkLocal, unicast],
      )
    })
  }
})

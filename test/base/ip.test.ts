import assert from 'node:assert/strict'
import { parseIp } from '../../src/base/ip.ts'

describe('IP address literals', () => {
  const canonical: readonly (readonly [string, string, 4 | 6])[] = [
    ['192.0.2.1', '192.0.2.1', 4],
    ['0.0.0.0', '0.0.0.0', 4],
    ['255.255.255.255', '255.255.255.255', 4],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1', 6],
    ['2001:db8::0:1', '2001:db8::1', 6],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', 6],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1', 6],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1', 6],
    ['::', '::', 6],
    ['::1', '::1', 6],
    ['1::', '1::', 6],
    ['fe80::00aB', 'fe80::ab', 6],
    ['::ffff:192.0.2.1', '192.0.2.1', 4],
    ['::FFFF:c000:0201', '192.0.2.1', 4],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221', 6],
  ]
  for (const [text, address, family] of canonical) {
    it(`reads ${text} as ${address}`, () => {
      assert.deepEqual(parseIp(text), { address, family })
    })
  }

  const malformed = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '12345::',
    'g::',
    'fe80::1%eth0',
    '[::1]',
    '::1.2.3',
    '1.2.3.4::',
    'host.local',
  ]
  for (const text of malformed) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parseIp(text), undefined)
    })
  }
})

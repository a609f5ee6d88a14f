import assert from 'node:assert/strict'
import type { NetworkInterfaceInfo } from 'node:os'
import { hostInterfaces, interfaceTable, usableInterfaces } from '../../src/net/host.ts'

function info(address: string, internal = false): NetworkInterfaceInfo {
  const common = { address, internal, mac: '00:00:00:00:00:00', cidr: null, netmask: '' }
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' }
}

function addresses(table: Record<string, string[]>): string[] {
  const infos = Object.entries(table).map(([name, list]) => [name, list.map(address => info(address, name === 'lo'))])
  return usableInterfaces(Object.fromEntries(infos)).map(({ address }) => address)
}

describe('the interfaces of the host', () => {
  it('leaves out IPv6 addresses that are link-local, site-local, IPv4-compatible, IPv4-mapped or unspecified', () => {
    const unusable = ['fe80::1', 'febf::1', 'fec0::1', 'feff::1', '::102:304', '::ffff:1.2.3.4', '::', '0.0.0.0']
    assert.deepEqual(addresses({ eth0: [...unusable, '2001:db8::1', '192.0.2.1'] }), ['2001:db8::1', '192.0.2.1'])
  })

  it('names an address once, however many interfaces have it', () => {
    assert.deepEqual(addresses({ eth0: ['192.0.2.1'], br0: ['192.0.2.1', '192.0.2.2'] }), ['192.0.2.1', '192.0.2.2'])
  })

  it('names the interface that has an address first', () => {
    const [first] = usableInterfaces({ eth0: [info('192.0.2.1')], br0: [info('192.0.2.1')] })
    assert.equal(first?.name, 'eth0')
  })

  it('finds none where the operating system refuses to tell', () => {
    const refuse = () => {
      throw Object.assign(new Error('uv_interface_addresses returned EACCES'), { code: 'ERR_SYSTEM_ERROR' })
    }
    assert.deepEqual(interfaceTable(refuse), {})
  })

  it('puts loopback last and marks it internal', () => {
    const table = { lo: [info('127.0.0.1', true), info('::1', true)], eth0: [info('192.0.2.1')] }
    assert.deepEqual(usableInterfaces(table), [
      { name: 'eth0', address: '192.0.2.1', family: 4, internal: false },
      { name: 'lo', address: '127.0.0.1', family: 4, internal: true },
      { name: 'lo', address: '::1', family: 6, internal: true },
    ])
  })

  it('puts an IPv4 address after every few IPv6 addresses, as many as RFC 8421 computes', () => {
    const ipv6 = Array.from({ length: 6 }, (_, i) => `2001:db8::${i + 1}`)
    assert.deepEqual(addresses({ a: ['192.0.2.1'], b: ['192.0.2.2', ...ipv6] }), [
      ...ipv6.slice(0, 4),
      '192.0.2.1',
      ...ipv6.slice(4),
      '192.0.2.2',
    ])
  })

  it('prefers global IPv6 addresses to unique local ones', () => {
    assert.deepEqual(addresses({ a: ['fd00::1', 'fc00::1', '2001:db8::1'] }), ['2001:db8::1', 'fd00::1', 'fc00::1'])
  })

  it('takes what the operating system reports, with no usable interface at all too', () => {
    assert.deepEqual(usableInterfaces({}), [])
    assert.ok(
      hostInterfaces().some(({ internal, family, address }) => internal && family === 4 && address.startsWith('127.')),
    )
  })
})

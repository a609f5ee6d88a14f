import assert from 'node:assert/strict'
import {
  networkOf,
  type PeerKind,
  PeerRules,
  type PeerRulesOptions,
  peerKind,
} from '../../src/ice/turn/server/peer-rules.ts'

const kinds: readonly [PeerKind, readonly string[]][] = [
  [
    'public',
    ['8.8.8.8', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.169.0.1', '223.255.255.255'],
  ],
  ['public', ['2606:4700::1', '2a00::1', '64:ff9b::808:808']],
  ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '64:ff9b::7f00:1', '::7f00:1', '::ffff:0:7f00:1']],
  ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fdff::1', 'fec0::1']],
  ['private', ['100.64.0.1', '100.127.255.255', '198.18.0.1', '198.19.255.255', '64:ff9b:1::a00:1', '64:ff9b::a00:1']],
  ['private', ['::a00:1', '::ffff:0:a00:1', '64:ff9b::c0a8:101', '64:ff9b::6440:1']],
  ['link-local', ['169.254.1.1', '169.254.169.254', 'fe80::1', 'febf::1', '64:ff9b::a9fe:a9fe']],
  ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1', '64:ff9b::e000:1']],
  ['unspecified', ['0.0.0.0', '0.1.2.3', '::', '64:ff9b::']],
  [
    'tunnel',
    ['2002:808:808::1', '2002:a00:1::', '2001::1', '2001:0:808:808::1', '192.88.99.1', '2606:4700::5efe:808:808'],
  ],
  ['reserved', ['240.0.0.1', '255.255.255.255', '192.0.0.1', '100::1', '::808:808', '4000::1', '1::1', '64:ff9b:2::1']],
]

const strict: PeerRulesOptions = {
  own: ['203.0.113.1', '203.0.113.2', '2001:db8::1', '10.0.0.1'],
  relayed: ['203.0.113.1'],
  allowLoopbackPeers: false,
  allowPrivatePeers: false,
  allowOwnPeers: false,
}

describe('Peer rules', () => {
  for (const [kind, addresses] of kinds) {
    for (const address of addresses) {
      it(`take ${address} for ${kind}`, () => assert.equal(peerKind(address), kind))
      if (kind === 'public') continue
      it(`refuse ${address} unless told otherwise`, () => {
        assert.equal(new PeerRules(strict).judge(address), 'forbidden')
      })
    }
  }

  it('let public addresses be reached, and of the own ones only relayed addresses', () => {
    const rules = new PeerRules(strict)
    assert.equal(rules.judge('8.8.8.8'), 'open')
    assert.equal(rules.judge('2606:4700::1'), 'open')
    assert.equal(rules.judge('203.0.113.1'), 'relays')
    assert.equal(rules.judge('203.0.113.2'), 'forbidden')
    assert.equal(rules.judge('2001:db8::1'), 'forbidden')
  })

  it('follow the host to other addresses', () => {
    const rules = new PeerRules(strict)
    rules.setOwn(['8.8.8.8'])
    assert.equal(rules.judge('8.8.8.8'), 'forbidden')
    assert.equal(rules.judge('203.0.113.2'), 'open')
  })

  it('allow each group on its own', () => {
    const loopback = new PeerRules({ ...strict, allowLoopbackPeers: true })
    assert.equal(loopback.judge('127.0.0.1'), 'guarded')
    assert.equal(loopback.judge('10.0.0.2'), 'forbidden')
    const local = new PeerRules({ ...strict, allowPrivatePeers: true })
    assert.equal(local.judge('10.0.0.2'), 'open')
    assert.equal(local.judge('fd00::1'), 'open')
    assert.equal(local.judge('10.0.0.1'), 'forbidden', 'an address of the host stays what it is')
    assert.equal(local.judge('127.0.0.1'), 'forbidden')
    assert.equal(local.judge('169.254.169.254'), 'forbidden', 'where clouds keep their secrets')
    const own = new PeerRules({ ...strict, allowOwnPeers: true })
    assert.equal(own.judge('203.0.113.2'), 'guarded')
    assert.equal(own.judge('10.0.0.1'), 'forbidden', 'it is a private one')
  })

  it('ask a function first, which can open anything but tunnels', () => {
    const asked: [string, PeerKind][] = []
    const rules = new PeerRules({
      ...strict,
      allowPeer: (address, kind) => {
        asked.push([address, kind])
        return address === '8.8.8.8' ? false : address === '10.9.9.9' ? true : undefined
      },
    })
    assert.equal(rules.judge('8.8.8.8'), 'forbidden')
    assert.equal(rules.judge('10.9.9.9'), 'open')
    assert.equal(rules.judge('10.9.9.8'), 'forbidden')
    assert.equal(rules.judge('9.9.9.9'), 'open')
    assert.equal(new PeerRules({ ...strict, allowPeer: () => true }).judge('2002:808:808::1'), 'forbidden')
    assert.deepEqual(asked[1], ['10.9.9.9', 'private'])
  })

  it('count the addresses of one IPv6 network as one', () => {
    assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), networkOf('2001:db8:1:2::9'))
    assert.notEqual(networkOf('2001:db8:1:2::'), networkOf('2001:db8:1:3::'))
    assert.equal(networkOf('192.0.2.1'), '192.0.2.1')
  })
})

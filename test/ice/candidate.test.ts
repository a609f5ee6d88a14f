import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import {
  forComponent,
  hostCandidate,
  type IceCandidate,
  type LocalCandidate,
  localPeerReflexive,
  mappedHostCandidate,
  peerReflexivePriority,
  relayCandidate,
  serverReflexiveCandidate,
  type TcpType,
  tcpHostCandidate,
} from '../../src/ice/candidate.ts'
import { pairPriority } from '../../src/ice/candidate-pair.ts'
import { candidatePriority, localPreferences, maxLocalPreference } from '../../src/ice/candidate-priority.ts'
import { IceError } from '../../src/ice/errors.ts'
import { canPair, usableRemoteCandidate } from '../../src/ice/pairing-rules.ts'
import { createIceParameters, validateIceParameters, validateRemoteIceParameters } from '../../src/ice/parameters.ts'
import { prng } from '../support/prng.ts'
import { address } from './network.ts'

describe('ICE candidates', () => {
  it('have the priorities of RFC 8445 §5.1.2.1', () => {
    assert.equal(candidatePriority('host', 65535, 1), 2130706431)
    assert.equal(candidatePriority('srflx', 65535, 1), 1694498815)
    assert.equal(candidatePriority('relay', 0, 2), 254)
    assert.equal(hostCandidate(address('192.0.2.1', 1), { component: 2 }).priority, 2130706430)
  })

  it('are checked with the priority of a peer-reflexive one', () => {
    const host = hostCandidate(address('192.0.2.1', 1), { localPreference: 77 })
    assert.equal(peerReflexivePriority(host), candidatePriority('prflx', 77, 1))
  })

  it('are of another component with the priority of that, and nothing else changed', () => {
    const base = address('192.0.2.1', 1)
    const [mapped, serverAddress] = [address('203.0.113.1', 2), address('198.51.100.1', 3478)]
    const made = (component: 1 | 2): LocalCandidate[] => {
      const host = hostCandidate(base, { component })
      return [
        host,
        mappedHostCandidate(base, mapped, { component, localPreference: 77 }),
        ...(['active', 'passive', 'so'] as const).map(type => tcpHostCandidate(base, type, { component })),
        serverReflexiveCandidate({ base: host, address: mapped, serverAddress, url: '' }),
        localPeerReflexive(host, mapped),
        relayCandidate({
          relayed: mapped,
          mapped: serverAddress,
          serverAddress,
          serverTransport: 'udp',
          url: '',
          localPreference: 65535,
          component,
        }),
      ]
    }
    assert.deepEqual(
      made(1).map(candidate => forComponent(candidate, 2)),
      made(2),
    )
    assert.deepEqual(
      made(2).map(candidate => forComponent(candidate, 1)),
      made(1),
    )
    const [own] = made(2)
    assert.ok(own)
    assert.equal(forComponent(own, 2), own)
    assert.equal(forComponent(own, 1).base, base)
    assert.equal(peerReflexivePriority(own), candidatePriority('prflx', 65535, 2))
  })

  it('share a foundation if, and only if, type and IP address are the same', () => {
    const foundation = (ip: string, port: number) => hostCandidate(address(ip, port)).foundation
    assert.equal(foundation('192.0.2.1', 1), foundation('192.0.2.1', 2))
    assert.notEqual(foundation('192.0.2.1', 1), foundation('192.0.2.2', 1))
    const host = hostCandidate(address('192.0.2.1', 1))
    assert.notEqual(localPeerReflexive(host, address('198.51.100.1', 9)).foundation, host.foundation)
    for (let i = 0; i < 300; i++) assert.match(foundation(`192.0.2.${i}`, 1), /^[A-Za-z0-9+/]{1,32}$/)
  })

  it('hide their address behind a salted foundation', () => {
    const salted = (foundationSalt: string) => hostCandidate(address('192.0.2.1', 1), { foundationSalt }).foundation
    assert.notEqual(salted('a'), salted('b'))
    assert.equal(salted('a'), salted('a'))
  })

  it('keep the object that they were given as base', () => {
    const base = address('192.0.2.1', 1)
    assert.equal(hostCandidate(base).base, base)
    assert.equal(hostCandidate(base).address, base)
  })

  it('pair within a family, loopback with loopback and link-local with link-local', () => {
    const addresses = [
      '192.0.2.1',
      '198.51.100.1',
      '127.0.0.1',
      '2001:db8::1',
      '2001:db8::2',
      '::1',
      'fe80::1',
      'febf::2',
    ]
    const kind = (ip: string) => {
      if (ip === '::1') return 'loopback6'
      if (ip.startsWith('127.')) return 'loopback4'
      if (ip.startsWith('fe')) return 'link-local'
      return ip.includes(':') ? 'global6' : 'global4'
    }
    for (const from of addresses) {
      for (const to of addresses) {
        assert.equal(
          canPair(hostCandidate(address(from, 1)), remote(to, 1)),
          kind(from) === kind(to),
          `${from} to ${to}`,
        )
      }
    }
  })

  it('pair within a component and over UDP', () => {
    const local = hostCandidate(address('192.0.2.1', 1))
    assert.equal(canPair(local, remote('192.0.2.2', 1)), true)
    assert.equal(canPair(local, { ...remote('192.0.2.2', 1), component: 2 }), false)
    assert.equal(canPair(local, { ...remote('192.0.2.2', 9), protocol: 'tcp', tcpType: 'active' }), false)
  })

  it('are brought into canonical form when they come from the peer', () => {
    const canonical = (ip: string) => usableRemoteCandidate(remote(ip, 1))?.address
    assert.deepEqual(canonical('2001:DB8:0:0::A'), address('2001:db8::a', 1))
    assert.deepEqual(canonical('::ffff:192.0.2.1'), address('192.0.2.1', 1))
    assert.deepEqual(canonical('192.0.2.1'), address('192.0.2.1', 1))
  })

  it('are of no use without the address and port of a single host', () => {
    const nobody = ['0.0.0.0', '0.1.2.3', '224.0.0.251', '239.1.1.1', '255.255.255.255', '::', 'ff02::fb']
    for (const ip of [...nobody, 'a.local', 'example.com', '', '[::1]', '192.0.2.256', 'fe80::1%eth0']) {
      assert.equal(usableRemoteCandidate(remote(ip, 1)), undefined, ip)
    }
    for (const port of [0, -1, 65536, 1.5, Number.NaN])
      assert.equal(usableRemoteCandidate(remote('192.0.2.1', port)), undefined)
    for (const priority of [-1, 2 ** 32, Number.NaN]) {
      assert.equal(usableRemoteCandidate({ ...remote('192.0.2.1', 1), priority }), undefined)
    }
  })

  it('make pairs with the priority of RFC 8445 §6.1.2.3, the same on both sides', () => {
    const ours = hostCandidate(address('192.0.2.1', 1), { localPreference: 10 })
    const theirs = hostCandidate(address('192.0.2.2', 1), { localPreference: 9 })
    const [g, d] = [BigInt(ours.priority), BigInt(theirs.priority)]
    assert.equal(pairPriority(ours, theirs, 'controlling'), 2n ** 32n * d + 2n * g + 1n)
    assert.equal(pairPriority(ours, theirs, 'controlling'), pairPriority(theirs, ours, 'controlled'))
    assert.equal(pairPriority(theirs, ours, 'controlling'), pairPriority(ours, theirs, 'controlled'))
    assert.equal(pairPriority(theirs, ours, 'controlling'), 2n ** 32n * d + 2n * g)
  })
})

describe('Reflexive and relayed candidates', () => {
  const server = address('203.0.113.1', 3478)
  const own = hostCandidate(address('192.0.2.1', 5000), { localPreference: 65534 })
  const seen = address('198.51.100.7', 61000)
  const relayOptions = {
    relayed: address('203.0.113.1', 50000),
    mapped: seen,
    serverAddress: server,
    serverTransport: 'udp',
    url: 'turn:turn.test',
    localPreference: 100,
  } as const

  it('that are server-reflexive share the base, the local preference and the component of their host candidate', () => {
    const url = 'stun:stun.test'
    const reflexive = serverReflexiveCandidate({ base: own, address: seen, serverAddress: server, url })
    assert.equal(reflexive.base, own.base)
    assert.equal(reflexive.priority, candidatePriority('srflx', 65534, 1))
    assert.deepEqual(
      [reflexive.type, reflexive.protocol, reflexive.address, reflexive.url],
      ['srflx', 'udp', seen, url],
    )
    assert.deepEqual([reflexive.relatedAddress, reflexive.relatedPort], ['192.0.2.1', 5000])
  })

  it('have a foundation that depends on base address, server address and type, and hides a salted host', () => {
    const foundation = (base: LocalCandidate, serverAddress: TransportAddress) =>
      serverReflexiveCandidate({ base, address: seen, serverAddress, url: '' }).foundation
    assert.equal(
      foundation(own, server),
      foundation(hostCandidate(address('192.0.2.1', 9)), address('203.0.113.1', 99)),
    )
    assert.notEqual(foundation(own, server), foundation(own, address('203.0.113.2', 3478)))
    assert.notEqual(foundation(own, server), own.foundation)
    const salted = (foundationSalt: string) => hostCandidate(address('192.0.2.1', 5000), { foundationSalt })
    assert.notEqual(foundation(salted('a'), server), foundation(salted('b'), server))
  })

  it('that are relayed are their own base, tell the mapped address, and how the server is reached', () => {
    const relay = relayCandidate(relayOptions)
    assert.equal(relay.base, relayOptions.relayed)
    assert.equal(relay.address, relayOptions.relayed)
    assert.deepEqual([relay.relatedAddress, relay.relatedPort], ['198.51.100.7', 61000])
    assert.deepEqual(
      [relay.type, relay.protocol, relay.relayProtocol, relay.url],
      ['relay', 'udp', 'udp', 'turn:turn.test'],
    )
  })

  it('come in the order direct UDP, direct TCP, relays over UDP, TCP and TLS', () => {
    const reflexive = serverReflexiveCandidate({ base: own, address: seen, serverAddress: server, url: '' })
    const relays = (['udp', 'tcp', 'tls'] as const).map(serverTransport =>
      // Even if the local preference would have it otherwise.
      relayCandidate({ ...relayOptions, serverTransport, localPreference: serverTransport === 'tls' ? 65535 : 0 }),
    )
    const tcp = (['active', 'passive', 'so'] as const).map(type => tcpHostCandidate(address('192.0.2.1', 9), type))
    const priorities = [own, reflexive, ...tcp, ...relays].map(({ priority }) => priority)
    assert.deepEqual(
      priorities,
      priorities.toSorted((a, b) => b - a),
    )
    assert.equal(new Set(priorities).size, priorities.length)
    assert.equal(new Set(relays.map(({ foundation }) => foundation)).size, 3)
  })

  it('over TCP have the local preferences of RFC 6544 §4.2', () => {
    const preference = ({ priority }: IceCandidate) => (priority >> 8) & 0xffff
    const host = (tcpType: TcpType, localPreference: number) =>
      tcpHostCandidate(address('192.0.2.1', 9), tcpType, { localPreference })
    assert.equal(preference(host('active', 65535)), 2 ** 13 * 6 + 8191)
    assert.equal(preference(host('passive', 65530)), 2 ** 13 * 4 + 8186)
    assert.equal(preference(host('so', 0)), 2 ** 13 * 2)
    const reflexive = (base: LocalCandidate) =>
      serverReflexiveCandidate({ base, address: seen, serverAddress: server, url: '' })
    assert.equal(preference(reflexive(host('active', 65530))), 2 ** 13 * 4 + 8186)
    assert.equal(preference(reflexive(host('so', 65535))), 2 ** 13 * 6 + 8191)
    assert.equal(reflexive(host('so', 65535)).tcpType, 'so')
  })

  it('of a host behind a one-to-one NAT tell its public address, and are sent from the private one', () => {
    const base = address('10.0.0.1', 5000)
    const mapped = mappedHostCandidate(base, address('198.51.100.1', 5000))
    assert.deepEqual([mapped.type, mapped.address.address], ['host', '198.51.100.1'])
    assert.equal(mapped.base, base)
    assert.equal(mapped.priority, hostCandidate(base).priority)
  })
})

describe('Local preferences', () => {
  const order = (families: string) => {
    const addresses = [...families].map(family => ({ family: family === '4' ? 4 : 6 }) as const)
    const preferences = localPreferences(addresses)
    const indices = addresses.map((_, index) => index)
    return indices
      .toSorted((a, b) => (preferences[b] ?? 0) - (preferences[a] ?? 0))
      .map(index => families[index])
      .join('')
  }

  it('mingle the families as RFC 8421 §4 does', () => {
    assert.equal(order('44666666'), '66664664')
    assert.equal(order('46'), '64')
    assert.equal(order('444'), '444')
    assert.equal(order('666'), '666')
    assert.equal(order('44446'), '64444')
    assert.equal(order(''), '')
  })

  it('are unique, begin with the greatest, and keep the order of the host within a family', () => {
    const preferences = localPreferences([6, 4, 6, 4, 4, 6].map(family => ({ family: family === 4 ? 4 : 6 }) as const))
    assert.equal(new Set(preferences).size, 6)
    assert.equal(Math.max(...preferences), maxLocalPreference)
    const [six, four, six2, four2, four3, six3] = preferences
    assert.ok((six ?? 0) > (six2 ?? 0) && (six2 ?? 0) > (six3 ?? 0))
    assert.ok((four ?? 0) > (four2 ?? 0) && (four2 ?? 0) > (four3 ?? 0))
  })
})

describe('ICE parameters', () => {
  it('are random letters, digits, + and /, of which every one occurs', () => {
    const random = prng(3)
    const seen = new Set<string>()
    for (let i = 0; i < 200; i++) {
      const { usernameFragment, password } = createIceParameters(length => random.bytes(length))
      assert.match(usernameFragment, /^[A-Za-z0-9+/]{8}$/)
      assert.match(password, /^[A-Za-z0-9+/]{24}$/)
      for (const char of usernameFragment + password) seen.add(char)
    }
    assert.equal(seen.size, 64)
  })

  it('are refused if RFC 8839 §5.4 does not allow them, without telling what they are', () => {
    const password = 'secretsecretsecretsecret'
    const bad: readonly [string, string][] = [
      ['abc', password],
      ['a'.repeat(257), password],
      ['ab:cd', password],
      ['abcd\r\n', password],
      ['abcd', 'secret'],
      ['abcd', `${password}\n`],
    ]
    for (const validate of [validateIceParameters, validateRemoteIceParameters]) {
      for (const [usernameFragment, secret] of bad) {
        assert.throws(
          () => validate({ usernameFragment, password: secret }),
          (error: unknown) => {
            assert.ok(error instanceof IceError)
            assert.equal(error.code, 'invalid-parameters')
            assert.ok(!error.message.includes('secret'))
            return true
          },
        )
      }
    }
    validateIceParameters({ usernameFragment: 'a+/9', password: '1234567890123456789012' })
    validateRemoteIceParameters({ usernameFragment: 'a-=#', password: '-_=#567890123456789012' })
  })
})

function remote(ip: string, port: number): IceCandidate {
  return {
    foundation: '1',
    component: 1,
    protocol: 'udp',
    priority: 100,
    address: { address: ip, port, family: ip.includes(':') ? 6 : 4 },
    type: 'host',
  }
}

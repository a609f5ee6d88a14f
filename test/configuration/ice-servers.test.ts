import assert from 'node:assert/strict'
import { addressKey, type TransportAddress } from '../../src/base/address.ts'
import type { Environment } from '../../src/base/environment.ts'
import type { RTCIceServer } from '../../src/pc/configuration.ts'
import type { ConnectionExtensions } from '../../src/pc/connection-extensions.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { fixedCertificates } from '../sim/peers.ts'
import { startTurnServer } from '../sim/servers.ts'
import { Simulation } from '../sim/virtual-environment.ts'

const server = '203.0.113.9'
const user = { username: 'user', credential: 'password' }

interface Watched {
  readonly environment: Environment
  /** How each server was reached: `udp`, `tcp` or `tls` and its address, each time. */
  readonly attempts: string[]
  /** The datagrams, in hexadecimal digits. */
  readonly sent: string[]
  /** The certificates that servers are verified with. */
  readonly authorities: (string | undefined)[]
}

/** Counts datagrams and connections by where they go and what they are. */
function watch(environment: Environment): Watched {
  const { network } = environment
  const attempts: string[] = []
  const sent: string[] = []
  const authorities: (string | undefined)[] = []
  const note = (how: string, to: TransportAddress): number => attempts.push(`${how} ${addressKey(to)}`)
  const watched: Environment['network'] = {
    ...network,
    interfaces: () => network.interfaces(),
    watchInterfaces: changed => network.watchInterfaces(changed),
    listenTcp: (...listening) => network.listenTcp(...listening),
    bindUdp: async (address, port, receive) => {
      const socket = await network.bindUdp(address, port, receive)
      const { send } = socket
      socket.send = (data, to) => {
        note('udp', to)
        sent.push(Buffer.from(data).toString('hex'))
        send.call(socket, data, to)
      }
      return socket
    },
    connectTcp: (to, handler, options) => {
      note(options?.tls === undefined ? 'tcp' : 'tls', to)
      if (options?.tls !== undefined) authorities.push(options.tls.ca)
      return network.connectTcp(to, handler, options)
    },
  }
  return { environment: { ...environment, network: watched }, attempts, sent, authorities }
}

interface Gathered extends Watched {
  readonly peer: RTCPeerConnection
  readonly errors: readonly number[]
}

/** Gathers candidates with these servers, until there are no more. */
async function gather(
  sim: Simulation,
  iceServers: RTCIceServer[],
  extensions: ConnectionExtensions = {},
  addresses: readonly string[] = ['192.0.2.1'],
): Promise<Gathered> {
  const watched = watch(sim.host('here', addresses))
  const [certificate] = fixedCertificates()
  const own = { ...extensions, environment: watched.environment }
  const peer = new RTCPeerConnection({ iceServers, certificates: [certificate] }, own)
  const errors: number[] = []
  peer.onicecandidateerror = ({ errorCode }) => errors.push(errorCode)
  peer.createDataChannel('data')
  void peer.setLocalDescription()
  assert.ok(await sim.run(() => peer.iceGatheringState === 'complete', 120_000))
  return { ...watched, peer, errors }
}

/** RFC 7064 §3.2 and RFC 7065 §3.2: the port and the transport that a URL means. */
const reached: Readonly<Record<string, string>> = {
  'stun:203.0.113.9': 'udp 203.0.113.9:3478',
  'stun:203.0.113.9:1234': 'udp 203.0.113.9:1234',
  'STUN:[2001:db8::9]:1234': 'udp [2001:db8::9]:1234',
  'stuns:203.0.113.9': 'tls 203.0.113.9:5349',
  'stuns:203.0.113.9:443': 'tls 203.0.113.9:443',
  'turn:203.0.113.9': 'udp 203.0.113.9:3478',
  'turn:203.0.113.9:1234?transport=udp': 'udp 203.0.113.9:1234',
  'turn:203.0.113.9?transport=tcp': 'tcp 203.0.113.9:3478',
  'turns:203.0.113.9': 'tls 203.0.113.9:5349',
  'turns:203.0.113.9:443?transport=tcp': 'tls 203.0.113.9:443',
}

describe('The urls of a server', () => {
  for (const [url, expected] of Object.entries(reached)) {
    it(`${url} means ${expected}, and nothing else is sent`, async () => {
      const sim = new Simulation(1)
      const { peer, attempts, errors } = await gather(sim, [{ urls: url, ...user }], {}, ['192.0.2.1', '2001:db8::1'])
      assert.deepEqual([...new Set(attempts)], [expected])
      assert.deepEqual([...new Set(errors)], [701])
      peer.close()
    })
  }

  it('are a text for a list of one, and are all asked if there are more', async () => {
    const sim = new Simulation(2)
    const urls = ['stun:203.0.113.9', 'stun:203.0.113.10', 'turn:203.0.113.11?transport=tcp']
    const { peer, attempts } = await gather(sim, [{ urls, ...user }])
    assert.deepEqual([...new Set(attempts)].sort(), [
      'tcp 203.0.113.11:3478',
      'udp 203.0.113.10:3478',
      'udp 203.0.113.9:3478',
    ])
    peer.close()
  })

  it('send nothing where there are none', async () => {
    const { peer, attempts } = await gather(new Simulation(3), [])
    assert.deepEqual(attempts, [])
    peer.close()
  })
})

describe('The username and the credential of a server', () => {
  const right = { username: 'user', credential: 'password' }
  const cases = [
    { what: 'that it knows make an allocation', given: right, allocations: 1, errors: [] },
    {
      what: 'with a wrong credential make none',
      given: { ...right, credential: 'other' },
      allocations: 0,
      errors: [401],
    },
    { what: 'with a wrong user name make none', given: { ...right, username: 'other' }, allocations: 0, errors: [401] },
  ]
  for (const { what, given, allocations, errors } of cases) {
    it(`${what}: the server counts ${allocations}`, async () => {
      const sim = new Simulation(4)
      const turn = await startTurnServer(sim, 'turn', server)
      const gathered = await gather(sim, [{ urls: `turn:${server}`, ...given }])
      assert.equal(turn.server.stats().openAllocations, allocations)
      assert.deepEqual(gathered.errors, errors)
      gathered.peer.close()
    })
  }

  it('are not sent to a STUN server, which gets the same bytes without them', async () => {
    const [without, withThem] = [[] as string[], [] as string[]]
    for (const [credentials, into] of [
      [{}, without],
      [right, withThem],
    ] as const) {
      const { peer, sent } = await gather(new Simulation(5), [{ urls: 'stun:203.0.113.9', ...credentials }])
      into.push(...sent)
      peer.close()
    }
    assert.ok(without.length > 0)
    assert.deepEqual(withThem, without)
  })
})

describe('tlsCa', () => {
  it('is what every server over TLS is verified with, and nothing is unless it is given', async () => {
    for (const tlsCa of [undefined, 'an authority']) {
      const urls = ['stuns:203.0.113.9', 'turns:203.0.113.10']
      const extensions = tlsCa === undefined ? {} : { tlsCa }
      const { peer, authorities } = await gather(new Simulation(6), [{ urls, ...user }], extensions)
      assert.equal(authorities.length, 2)
      assert.deepEqual([...new Set(authorities)], [tlsCa])
      peer.close()
    }
  })
})

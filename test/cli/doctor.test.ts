import assert from 'node:assert/strict'
import type { Environment } from '../../src/base/environment.ts'
import { explainNat, mappingOf } from '../../src/cli/doctor/nat.ts'
import { conclusion } from '../../src/cli/doctor.ts'
import { decodeMessage, encodeMessage } from '../../src/ice/index.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import type { ListenOptions, TurnServer } from '../../src/turn-server/index.ts'
import { hurried, icefloe, password, portOf, runHere, silence, startServer, udpPeer, user } from './support.ts'

describe('icefloe doctor', () => {
  it('examines this host without contacting any server, and says so', async () => {
    const { code, stdout, stderr } = await icefloe(['doctor'])
    assert.equal(stderr, '')
    assert.match(stdout, /^icefloe \d+\.\d+\.\d+\S*, Node\.js v/)
    for (const title of [
      'Interfaces: \\d+ of \\d+ addresses used',
      'Candidates: \\d+, gathered in',
      'Multicast DNS: ',
    ]) {
      assert.match(stdout, new RegExp(`^(ok {2}|warn) {2}${title}`, 'm'))
    }
    assert.match(stdout, /^ok {4}Connection of this host with itself: open after [\d.]+ ms, data there and back in/m)
    assert.match(stdout, /^ {6}Data goes from host udp /m)
    assert.match(stdout, /^skip {2}NAT and relays: not looked at, as no server was named/m)
    assert.equal(code, 0, stdout)
  })

  it('writes the same as JSON, with the history of the pairs', async () => {
    const { code, stdout } = await runHere(['doctor', '--json'])
    assert.equal(code, 0, stdout)
    const { ok, interfaces, candidates, connection, turn } = JSON.parse(stdout)
    assert.equal(ok, true)
    assert.ok(interfaces.addresses.some((each: { used: boolean }) => each.used))
    assert.ok(candidates.candidates.some(({ type }: { type: string }) => type === 'host'))
    const selected = connection.pairs.find((pair: { selected: boolean }) => pair.selected)
    assert.ok(
      selected.history.some(({ what }: { what: string }) => what === 'selected'),
      JSON.stringify(selected),
    )
    assert.match(selected.explanation, /works, in use/)
    assert.deepEqual(turn, [])
  })

  describe('with servers', () => {
    let server: TurnServer

    before(async () => {
      server = await startWithTwoAddresses()
    })

    after(() => server.close())

    it('finds out about NATs with a server of RFC 5780, and tries a relay over each transport', async () => {
      const address = `127.0.0.1:${portOf(server, 'udp')}`
      const args = ['doctor', '--server', `stun:${address}`, '--server', `turn:${address}`]
      const { code, stdout } = await runHere([...args, '--user', user, '--password', password])
      assert.equal(code, 0, stdout)
      assert.match(
        stdout,
        /^ok {4}STUN server stun:\S+: answers\n {6}udp {2}127\S+ {2}sees 127\.0\.0\.1:\d+, [\d.]+ ms$/m,
      )
      assert.match(stdout, /^ok {4}NAT: no address translation$/m)
      assert.match(stdout, /^ {8}filtering: lets in packets of anybody/m)
      assert.match(stdout, /^ {8}That means: direct connections work with every peer that can send at all\.$/m)
      assert.match(stdout, /^ok {4}TURN server turn:127\.0\.0\.1:\d+: relays$/m)
      assert.match(stdout, /^ {6}udp {2}127\.0\.0\.1:\d+ {2}ok {2}relayed 127\.0\.0\.1:\d+, [\d.]+ ms, relays$/m)
      assert.match(stdout, /^ {6}tcp {2}127\.0\.0\.1:\d+ {2}ok {2}relayed .* \(not named, only tried\)$/m)
      assert.match(stdout, /^ {6}relay +udp +127\.0\.0\.1:\d+ +by turn:/m)
      assert.match(stdout, /^Nothing is broken/m)
      assert.ok(!stdout.includes(password))
      assert.equal(server.stats().openAllocations, 0)
    })

    it('says what is broken: a password that is wrong', async () => {
      const url = `turn:127.0.0.1:${portOf(server, 'udp')}?transport=udp`
      const { code, stdout } = await runHere([
        'doctor',
        '--server',
        url,
        '--user',
        user,
        '--password',
        'mistaken-secret',
      ])
      assert.equal(code, 1, stdout)
      assert.match(stdout, /^fail {2}TURN server turn:\S+: is of no use$/m)
      assert.match(stdout, /^ {6}udp {2}127\.0\.0\.1:\d+ {2}fail {2}the credentials are not accepted: 401/m)
      assert.match(stdout, /^Something is broken: .*TURN server/m)
      assert.doesNotMatch(stdout, /mistaken-secret/)
    })
  })

  it('says what is broken: a server that is silent', async () => {
    const { port, socket } = await silence()
    try {
      const args = ['doctor', '--server', `stun:127.0.0.1:${port}`, '--json']
      const { code, stdout } = await runHere(args, { environment: hurried(8) })
      const { ok, candidates, nat, stun } = JSON.parse(stdout)
      assert.deepEqual({ code, ok }, { code: 1, ok: false })
      assert.equal(candidates.failures.length, 1)
      assert.equal(stun[0].status, 'fail')
      assert.equal(stun[0].servers[0].error, 'the server does not answer')
      assert.equal(nat.title, 'NAT: no server has answered over UDP')
      assert.equal(nat.servers[0].obstacle, 'no-answer')
    } finally {
      socket.close()
    }
  })

  it('compares what servers at different addresses see, as few of them know RFC 5780', async () => {
    const [one, two] = [await seenAs('127.0.0.1', '127.0.1.1'), await seenAs('127.0.0.2', '127.0.1.2')]
    try {
      const args = [
        'doctor',
        '--timeout',
        '1',
        '--server',
        `127.0.0.1:${one.port}`,
        '--server',
        `127.0.0.2:${two.port}`,
      ]
      const { code, stdout } = await runHere(args)
      assert.equal(code, 0, stdout)
      assert.match(stdout, /^ok {4}NAT: another public address for each host/m)
      assert.match(stdout, /^ {8}127\.0\.0\.2:\d+ sees 127\.0\.1\.2:4000$/m)
      assert.match(stdout, /a TURN server is needed/)
    } finally {
      one.socket.close()
      two.socket.close()
    }
  })

  it('says that a host without addresses cannot connect', async () => {
    const { code, stdout } = await runHere(['doctor'], { environment: withoutInterfaces() })
    assert.equal(code, 1)
    assert.match(stdout, /^fail {2}Interfaces: 0 of \d+ addresses used$/m)
    assert.match(stdout, /^fail {2}Candidates: 0/m)
    assert.match(stdout, /^fail {2}Connection of this host with itself: none after 1 s$/m)
    assert.match(stdout, /^ {6}There are no pairs: an end has no candidates/m)
  })

  it('tells in one line how it ended', () => {
    const finding = { topic: '', lines: [], data: {} }
    assert.equal(conclusion([{ ...finding, status: 'ok', title: 'One: fine' }]), 'Nothing is broken.')
    assert.equal(
      conclusion([{ ...finding, status: 'warn', title: 'One: odd' }]),
      'Nothing is broken; worth a look: One.',
    )
    assert.equal(
      conclusion([
        { ...finding, status: 'fail', title: 'One: bad' },
        { ...finding, status: 'warn', title: 'Two: odd' },
        { ...finding, status: 'fail', title: 'Three: bad' },
      ]),
      'Something is broken: One, Three.',
    )
  })
})

describe('servers that see us', () => {
  const at = (address: string, port: number) => ({ address, port, family: 4 }) as const
  const local = at('192.168.0.2', 5_000)
  const compare = (...mapped: ReturnType<typeof at>[]) =>
    mappingOf({
      family: 4,
      local,
      seen: mapped.map((each, index) => ({ server: at(`198.51.100.${index}`, 3478), mapped: each })),
    })

  it('at our own address know that there is no NAT', () => assert.equal(compare(local, local), 'no-nat'))

  it('at one and the same address know a NAT that connects well', () =>
    assert.equal(compare(at('203.0.113.1', 1), at('203.0.113.1', 1)), 'endpoint-independent'))

  it('at different ports know one that does not', () =>
    assert.equal(compare(at('203.0.113.1', 1), at('203.0.113.1', 2)), 'address-dependent'))
})

describe('what the behaviour of NATs means', () => {
  const mapped = { address: '203.0.113.7', port: 4_000, family: 4 } as const

  it('is nothing where nobody answered', () => {
    const lines = explainNat({ mapping: 'unknown', filtering: 'unknown', obstacle: 'no-answer' })
    assert.deepEqual(lines, ['it does not answer over UDP: UDP is blocked on the way, or there is no such server'])
  })

  for (const [mapping, filtering, meaning] of [
    ['no-nat', 'endpoint-independent', /work with every peer/],
    ['no-nat', 'address-and-port-dependent', /a firewall without address translation/],
    ['no-nat', 'unknown', /unless a firewall is in the way/],
    ['endpoint-independent', 'endpoint-independent', /work with nearly every peer/],
    ['endpoint-independent', 'address-and-port-dependent', /work with most peers/],
    ['endpoint-independent', 'unknown', /work with most peers/],
    ['address-dependent', 'address-dependent', /a TURN server is needed/],
    ['address-and-port-dependent', 'address-and-port-dependent', /a TURN server is needed/],
  ] as const) {
    it(`is told for the mapping ${mapping} and the filtering ${filtering}`, () => {
      const text = explainNat({ mapping, filtering, mapped }).join(' ')
      assert.match(text, meaning)
      assert.equal(/203\.0\.113\.7:4000/.test(text), mapping !== 'no-nat')
    })
  }

  it('is left open where the server cannot tell', () => {
    const lines = explainNat({ mapping: 'unknown', filtering: 'unknown', mapped, obstacle: 'no-other-address' })
    assert.deepEqual(lines, [
      'mapping: there is address translation, of unknown kind, public address 203.0.113.7:4000',
      'it has no second address (RFC 5780), so that more cannot be found out with it',
    ])
  })
})

/** RFC 5780 wants the same two ports on two addresses; between finding them free and taking them others may. */
async function startWithTwoAddresses(): Promise<TurnServer> {
  for (let attempt = 1; ; attempt++) {
    const main = 20_000 + Math.floor(Math.random() * 10_000)
    const listen: ListenOptions[] = ['127.0.0.1', '127.0.0.2'].flatMap(address =>
      [main, main + 1].map(port => ({ address, port, transport: 'udp' as const })),
    )
    try {
      return await startServer({ listen: [...listen, { address: '127.0.0.1', port: main, transport: 'tcp' }] })
    } catch (error) {
      if (attempt === 5) throw error
    }
  }
}

/** A STUN server that sees everybody at one address, at port 4000. */
function seenAs(listenOn: string, address: string): ReturnType<typeof udpPeer> {
  return udpPeer(request => {
    const message = decodeMessage(request)
    if (message === undefined) return undefined
    const { transactionId } = message
    const attributes = { xorMappedAddress: { address, port: 4_000, family: 4 as const } }
    return encodeMessage({ class: 'success', method: 1, transactionId, attributes })
  }, listenOn)
}

function withoutInterfaces(): Environment {
  const system = createSystemEnvironment()
  return { ...system, network: { ...system.network, interfaces: () => [] } }
}

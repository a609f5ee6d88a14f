import assert from 'node:assert/strict'
import type { RTCConfiguration } from '../../src/pc/configuration.ts'
import { RTCCertificate } from '../../src/pc/rtc-certificate.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { type HostileValue, hostileValues } from '../idl/hostile-values.ts'
import { type IdlType, loadModel, type Member } from '../idl/model.ts'
import { logEvents } from '../pc/webrtc-pc/outcomes.ts'
import { fixedCertificates } from '../sim/peers.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { type Observed, observe } from '../support/observed-environment.ts'

const model = loadModel()
const turn = { urls: 'turn:192.0.2.9', username: 'user', credential: 'secret' }

/** A connection with something to lose in every member, and what it has opened for it. */
interface Configured {
  readonly sim: Simulation
  readonly seen: Observed
  readonly peer: RTCPeerConnection
}

function configured(): Configured {
  const sim = new Simulation(71)
  const seen = observe(sim.host('here', ['192.0.2.1']))
  const [certificate] = fixedCertificates()
  const configuration: RTCConfiguration = {
    ...{ iceServers: [turn], iceCandidatePoolSize: 2, iceTransportPolicy: 'all', certificates: [certificate] },
    ...{ bundlePolicy: 'max-compat', rtcpMuxPolicy: 'negotiate', alwaysNegotiateDataChannels: true },
    ...{ rtpHeaderEncryptionPolicy: 'require', targetLatency: 'none', peerIdentity: 'alice@example.org' },
  }
  return { sim, seen, peer: new RTCPeerConnection(configuration, { environment: seen.environment }) }
}

function isObject(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** WebIDL §3.2: the values that are a TypeError by themselves, whatever the member is for. */
function isTypeError({ idlType: type, required }: Member, value: unknown): boolean {
  if (value === undefined) return required
  if (type.generic === 'sequence') return !isObject(value)
  if (type.union) return typeof value === 'symbol'
  const name = String(type.idlType)
  const values = model.enums.get(name)
  if (values !== undefined) return typeof value === 'symbol' || (!isObject(value) && !values.includes(String(value)))
  if (name === 'octet') return !isObject(value) && isNoOctet(value)
  return name === 'DOMString' && typeof value === 'symbol'
}

/** WebIDL §3.2.4.9, with [EnforceRange] */
function isNoOctet(value: unknown): boolean {
  if (typeof value === 'symbol' || typeof value === 'bigint') return true
  const number = Math.trunc(Number(value))
  return !(number >= 0 && number <= 255)
}

function membersOf(name: string): readonly Member[] {
  const members = model.dictionaries.get(name)?.members ?? []
  assert.ok(members.length > 0)
  return members
}

interface Place {
  readonly where: string
  readonly member: Member
  readonly around: (value: unknown) => object
}

const places: readonly Place[] = [
  ...membersOf('RTCConfiguration').map(member => ({
    where: member.name,
    member,
    around: (value: unknown) => ({ [member.name]: value }),
  })),
  ...membersOf('RTCIceServer').map(member => ({
    where: `iceServers[].${member.name}`,
    member,
    around: (value: unknown) => ({ iceServers: [turn, { ...turn, [member.name]: value }] }),
  })),
]

function isBoolean({ idlType }: { readonly idlType: IdlType }): boolean {
  return idlType.idlType === 'boolean'
}

describe('A wrong value in a configuration', () => {
  for (const { where, member, around } of places) {
    if (isBoolean(member)) continue
    const wrong: readonly HostileValue[] = hostileValues.filter(({ make }) => isTypeError(member, make()))
    it(`as ${where} is a TypeError of the constructor, and no socket is opened`, async () => {
      const sim = new Simulation(72)
      const { environment, opened } = observe(sim.host('here', ['192.0.2.1']))
      for (const { what, make } of wrong) {
        assert.throws(() => new RTCPeerConnection(around(make()), { environment }), TypeError, what)
      }
      await sim.runFor(1_000)
      assert.equal(opened(), 0)
      assert.ok(wrong.length > 1, `${wrong.length} values`)
    })

    it(`as ${where} is a TypeError of setConfiguration, and everything stays as it was`, async () => {
      const { sim, seen, peer } = configured()
      await sim.runFor(1_000)
      const events = logEvents(peer)
      const [before, opened, open] = [peer.getConfiguration(), seen.opened(), seen.open.size]
      assert.equal(open, 2)
      for (const { what, make } of wrong) {
        const whole = { ...before, iceTransportPolicy: 'relay' as const, ...around(make()) }
        assert.throws(() => peer.setConfiguration(whole), TypeError, what)
        assert.deepEqual(peer.getConfiguration(), before, what)
      }
      await sim.runFor(1_000)
      assert.deepEqual([seen.opened(), seen.open.size, events], [opened, open, []])
      peer.close()
    })
  }

  it('cannot be had of a boolean: everything is true or false (WebIDL §3.2.3)', () => {
    const environment = new Simulation(74).host('here', ['192.0.2.1'])
    for (const { what, make } of hostileValues) {
      const value = make()
      const peer = new RTCPeerConnection({ alwaysNegotiateDataChannels: value as boolean }, { environment })
      assert.equal(peer.getConfiguration().alwaysNegotiateDataChannels, Boolean(value), what)
      peer.close()
    }
  })

  const prototype = Object.create(RTCCertificate.prototype) as RTCCertificate
  const cases: readonly (readonly [what: string, change: object, error: string])[] = [
    ['what only has the prototype of a certificate', { certificates: [prototype] }, 'TypeError'],
    ['a certificate that is null', { certificates: [null] }, 'TypeError'],
    ['a server that is a number', { iceServers: [1] }, 'TypeError'],
    ['a server without urls', { iceServers: [turn, {}] }, 'TypeError'],
    ['a server with the url of old', { iceServers: [{ url: 'stun:192.0.2.9' }] }, 'TypeError'],
    ['a server with no urls', { iceServers: [{ urls: [] }] }, 'SyntaxError'],
    ['a server for the web', { iceServers: [turn, { urls: ['stun:a', 'https://example.org'] }] }, 'SyntaxError'],
    ['a relay without a credential', { iceServers: [{ urls: turn.urls, username: 'user' }] }, 'InvalidAccessError'],
    ['a relay without a user name', { iceServers: [{ urls: turn.urls, credential: 'c' }] }, 'InvalidAccessError'],
    ['TURN over DTLS', { iceServers: [{ ...turn, urls: 'turns:a?transport=udp' }] }, 'NotSupportedError'],
  ]
  for (const [what, change, error] of cases) {
    it(`is ${error} if it is ${what}`, () => {
      const { peer, seen } = configured()
      const before = peer.getConfiguration()
      const { environment } = seen
      assert.throws(() => new RTCPeerConnection(change, { environment }), { name: error })
      assert.throws(() => peer.setConfiguration({ ...before, iceTransportPolicy: 'relay', ...change }), { name: error })
      assert.deepEqual(peer.getConfiguration(), before)
      peer.close()
    })
  }

  it('as what cannot be changed is an InvalidModificationError, and everything stays as it was', () => {
    const { peer } = configured()
    const before = peer.getConfiguration()
    const [, other] = fixedCertificates()
    const changes: Record<string, object> = {
      bundlePolicy: { bundlePolicy: 'balanced' },
      certificates: { certificates: [other] },
      'no certificates': { certificates: undefined },
      peerIdentity: { peerIdentity: 'bob@example.org' },
      rtcpMuxPolicy: { rtcpMuxPolicy: 'require' },
    }
    for (const [what, change] of Object.entries(changes)) {
      const whole = { ...before, iceTransportPolicy: 'relay', ...change } as RTCConfiguration
      assert.throws(() => peer.setConfiguration(whole), { name: 'InvalidModificationError' }, what)
      assert.deepEqual(peer.getConfiguration(), before, what)
    }
    peer.close()
  })
})

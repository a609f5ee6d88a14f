import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { RTCIceCandidate, type RTCLocalIceCandidateInit, toIceCandidateInit } from '../../src/pc/rtc-ice-candidate.ts'

const host = 'candidate:1905690388 1 udp 2113937151 192.0.2.7 58041 typ host generation 0 ufrag thC8 network-cost 50'
const reflexive = 'candidate:2 2 UDP 1694498815 2001:db8::1 3478 typ srflx raddr 10.0.0.1 rport 5000'
const tcp = 'candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active'

const derived = [
  'foundation',
  'component',
  'priority',
  'address',
  'protocol',
  'port',
  'type',
  'tcpType',
  'relatedAddress',
  'relatedPort',
] as const

function attributes(candidate: string): unknown[] {
  const made = new RTCIceCandidate({ candidate, sdpMid: '0' })
  assert.equal(made.candidate, candidate)
  return derived.map(name => made[name])
}

describe('RTCIceCandidate', () => {
  it('derives its attributes from the text', () => {
    assert.deepEqual(attributes(host), [
      '1905690388',
      'rtp',
      2_113_937_151,
      '192.0.2.7',
      'udp',
      58_041,
      'host',
      null,
      null,
      null,
    ])
    assert.deepEqual(attributes(reflexive), [
      '2',
      'rtcp',
      1_694_498_815,
      '2001:db8::1',
      'udp',
      3478,
      'srflx',
      null,
      '10.0.0.1',
      5000,
    ])
    assert.deepEqual(attributes(tcp), ['3', 'rtp', 1_518_280_447, '192.0.2.7', 'tcp', 9, 'host', 'active', null, null])
  })

  it('leaves them null where the text cannot be read or holds what an attribute cannot have', () => {
    const nothing = derived.map(() => null)
    for (const text of [
      '',
      'nonsense',
      host.replace(' typ host', ''),
      host.replace(' 1 udp', ' 3 udp'),
      host.replace('udp', 'sctp'),
      host.replace('typ host', 'typ guest'),
      tcp.replace('active', 'lazy'),
      tcp.replace(' tcptype active', ''),
      host.replace('58041', '65536'),
      host.replace('2113937151', '4294967296'),
      'x'.repeat(100_000),
    ]) {
      assert.deepEqual(attributes(text), nothing, text.slice(0, 80))
    }
  })

  it('does not take the user name fragment from the text', () => {
    assert.equal(new RTCIceCandidate({ candidate: host, sdpMid: '0' }).usernameFragment, null)
    const named = new RTCIceCandidate({ candidate: host, sdpMid: '0', usernameFragment: 'thC8' })
    assert.equal(named.usernameFragment, 'thC8')
  })

  it('demands to know the media description it belongs to', () => {
    for (const init of [undefined, {}, { candidate: host }, { sdpMid: null, sdpMLineIndex: null }]) {
      assert.throws(() => new RTCIceCandidate(init), /sdpMid and sdpMLineIndex must not both be null/)
    }
    assert.equal(new RTCIceCandidate({ sdpMid: '' }).sdpMLineIndex, null)
    assert.equal(new RTCIceCandidate({ sdpMLineIndex: 0 }).sdpMid, null)
    assert.equal(new RTCIceCandidate({ sdpMLineIndex: 65_536 }).sdpMLineIndex, 0)
  })

  it('keeps what is known of a local candidate out of JSON', () => {
    const init: RTCLocalIceCandidateInit = { sdpMid: '0', relayProtocol: 'tls', url: 'turns:turn.example' }
    const candidate = new RTCIceCandidate(init)
    assert.equal(candidate.relayProtocol, 'tls')
    assert.equal(candidate.url, 'turns:turn.example')
    assert.deepEqual(candidate.toJSON(), { candidate: '', sdpMid: '0', sdpMLineIndex: null, usernameFragment: null })
    assert.equal(JSON.stringify(candidate), JSON.stringify(candidate.toJSON()))
    assert.throws(() => new RTCIceCandidate({ sdpMid: '0', relayProtocol: 'sctp' as 'udp' }), TypeError)
    assert.equal(new RTCIceCandidate({ sdpMid: '0' }).relayProtocol, null)
    assert.equal(new RTCIceCandidate({ sdpMid: '0' }).url, null)
  })

  it('can be given to addIceCandidate, as can its JSON', () => {
    const candidate = new RTCIceCandidate({ candidate: host, sdpMid: '0', sdpMLineIndex: 0 })
    assert.deepEqual(toIceCandidateInit(candidate, 'x'), candidate.toJSON())
    assert.deepEqual(toIceCandidateInit(JSON.parse(JSON.stringify(candidate)), 'x'), candidate.toJSON())
    assert.equal(String(candidate), '[object RTCIceCandidate]')
  })
})

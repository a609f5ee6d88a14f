// Two peers of ours and our TURN server on one host: offers, answers, trickles, exchanges data, closes.
//
// Usage: relay-capture-program.ts all|relay
import assert from 'node:assert/strict'
import { type RTCConfiguration, RTCPeerConnection } from '../../src/index.ts'
import { createTurnServer } from '../../src/turn-server/index.ts'
import { eventually } from '../dtls/program.ts'

const [, , argument] = process.argv
const policy = argument === 'relay' ? 'relay' : 'all'

const address = '203.0.113.1'
const server = await createTurnServer({
  listen: (['udp', 'tcp'] as const).map(transport => ({ address, port: 3478, transport })),
  realm: 'example',
  users: { user: 'password' },
  relayPorts: [20_000, 20_100],
})
const urls = [`turn:${address}?transport=udp`, `turn:${address}?transport=tcp`, 'stun:198.51.100.99']
const configuration = {
  iceServers: [{ urls, username: 'user', credential: 'password' }],
  iceTransportPolicy: policy,
  iceCandidatePoolSize: 1,
} satisfies RTCConfiguration
const [alice, bob] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)]
for (const [from, to] of [
  [alice, bob],
  [bob, alice],
] as const) {
  from.addEventListener('icecandidate', ({ candidate }) => void to.addIceCandidate(candidate))
}
let received = ''
bob.ondatachannel = ({ channel }) => {
  channel.onmessage = ({ data }) => {
    received = String(data)
    channel.send('answer')
  }
}
const channel = alice.createDataChannel('capture')
let answered = false
channel.onopen = () => channel.send('question')
channel.onmessage = () => {
  answered = true
}
await alice.setLocalDescription()
await bob.setRemoteDescription(described(alice))
await bob.setLocalDescription()
await alice.setRemoteDescription(described(bob))
const name = '01234567-89ab-cdef-0123-456789abcdef.local'
await bob.addIceCandidate({ candidate: `candidate:9 1 udp 2130706431 ${name} 5000 typ host`, sdpMid: '0' })
// A peer that would like to be checked at an address of its choice.
await bob.addIceCandidate({ candidate: 'candidate:8 1 udp 2130706431 198.51.100.77 9999 typ host', sdpMid: '0' })
await eventually(() => answered, 'data went both ways', 10_000)
assert.equal(received, 'question')
alice.close()
bob.close()
await eventually(() => server.stats().openAllocations === 0, 'allocations are given back')
server.close()
console.log('done')

function described({ localDescription }: RTCPeerConnection): { type: 'offer' | 'answer'; sdp: string } {
  assert.ok(localDescription !== null)
  return { type: localDescription.type === 'offer' ? 'offer' : 'answer', sdp: localDescription.sdp }
}

// Run by process-exit.test.ts: connects, talks, closes, says so, and does nothing to end.
import { once } from 'node:events'
import { RTCPeerConnection } from '../../src/index.ts'
import { negotiate } from '../sim/peers.ts'

async function main(): Promise<void> {
  const alice = new RTCPeerConnection()
  const bob = new RTCPeerConnection()
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    from.onicecandidate = ({ candidate }) => {
      if (candidate !== null && to.remoteDescription !== null) void to.addIceCandidate(candidate)
    }
  }
  const channel = alice.createDataChannel('x')
  bob.ondatachannel = event => {
    event.channel.onmessage = ({ data }) => event.channel.send(data)
  }
  await negotiate(alice, bob)
  await once(channel, 'open')
  channel.send('hello')
  await once(channel, 'message')
  alice.close()
  bob.close()
  // A third one, which never got further than an offer.
  const carol = new RTCPeerConnection({ iceCandidatePoolSize: 1 })
  carol.createDataChannel('y')
  await carol.setLocalDescription()
  carol.close()
  console.log('closed')
}

void main()

// How long a relayed candidate takes after setLocalDescription, with an ICE candidate pool and without.
//
//   npx tsx bench/candidate-pool.ts [rounds]
//
// The TURN server is ours, in this process, on loopback: a real one is a round trip or two (TLS: four) further away.

import { RTCPeerConnection } from '../src/pc/rtc-peer-connection.ts'
import { createTurnServer } from '../src/turn-server/index.ts'

const rounds = Number(process.argv[2] ?? 50)
const settleMs = 200

const server = await createTurnServer({
  listen: [{ address: '127.0.0.1', port: 0, transport: 'udp' }],
  realm: 'bench',
  users: { user: 'password' },
  allowLoopbackPeers: true,
})
const [address] = server.addresses
const urls = `turn:127.0.0.1:${address?.port}?transport=udp`
const iceServers = [{ urls, username: 'user', credential: 'password' }]

for (const iceCandidatePoolSize of [0, 1]) {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) times.push(await timeToRelay(iceCandidatePoolSize))
  times.sort((a, b) => a - b)
  const [median, worst] = [times[times.length >> 1] ?? 0, times[Math.ceil(times.length * 0.95) - 1] ?? 0]
  console.log(
    `pool ${iceCandidatePoolSize}: p50 ${median.toFixed(2)} ms, p95 ${worst.toFixed(2)} ms (${rounds} rounds)`,
  )
}
server.close()

async function timeToRelay(iceCandidatePoolSize: number): Promise<number> {
  const peer = new RTCPeerConnection({ iceServers, iceCandidatePoolSize, iceTransportPolicy: 'relay' })
  peer.createDataChannel('bench')
  await peer.createOffer()
  await new Promise(resolve => setTimeout(resolve, settleMs))
  const startedAt = performance.now()
  const found = new Promise<number>(resolve => {
    peer.onicecandidate = ({ candidate }) => {
      if (candidate?.type === 'relay') resolve(performance.now() - startedAt)
    }
  })
  await peer.setLocalDescription()
  const elapsedMs = await found
  peer.close()
  return elapsedMs
}

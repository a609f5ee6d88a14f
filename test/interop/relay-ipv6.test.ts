import assert from 'node:assert/strict'
import { RTCPeerConnection } from '../../src/index.ts'
import { eventually } from '../dtls/program.ts'
import { type Coturn, startCoturn } from './coturn.ts'

describe('a TURN server that relays on both families, and knows nothing of dual allocations', () => {
  let coturn: Coturn

  before(async function () {
    this.timeout(30_000)
    coturn = await startCoturn(this, { relayOn: '127.0.0.1', args: ['--relay-ip', '::1'] })
  })

  after(() => coturn?.stop())

  it('gives an address of each, over UDP and over TCP, and takes all of them back', async () => {
    const peer = new RTCPeerConnection({ iceServers: [coturn.iceServer('udp', 'tcp')], iceTransportPolicy: 'relay' })
    const relayed: string[] = []
    const errors: string[] = []
    peer.onicecandidate = ({ candidate }) => {
      if (candidate?.type === 'relay') relayed.push(`${candidate.relayProtocol} ${candidate.address}`)
    }
    peer.onicecandidateerror = ({ errorCode, errorText }) => errors.push(`${errorCode} ${errorText}`)
    peer.createDataChannel('x')
    await peer.setLocalDescription()
    await eventually(() => peer.iceGatheringState === 'complete', 'gathering is complete')
    assert.deepEqual(relayed.sort(), ['tcp 127.0.0.1', 'tcp ::1', 'udp 127.0.0.1', 'udp ::1'])
    assert.deepEqual(errors, [])
    assert.equal(coturn.allocations(), 4)
    peer.close()
    await eventually(() => coturn.allocations() === 0, 'all given back')
  })
})

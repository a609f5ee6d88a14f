import assert from 'node:assert/strict'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { loadModel } from '../idl/model.ts'
import { describeLocally, settled } from '../pc/negotiation/media-pair.ts'
import { fixedCertificates } from '../sim/peers.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { observe } from '../support/observed-environment.ts'
import { rowsOf } from './documented.ts'

/** What browsers have had, or have: with a value that would not be without effect there. */
const obsolete: Readonly<Record<string, unknown>> = {
  sdpSemantics: 'plan-b',
  encodedInsertableStreams: true,
  offerExtmapAllowMixed: false,
  enableDscp: true,
  enableDtlsSrtp: false,
  enableRtpDataChannels: true,
  rtcAudioJitterBufferMaxPackets: 1,
}
const obsoleteOfServers: Readonly<Record<string, unknown>> = {
  url: 'stun:192.0.2.10',
  credentialType: 'oauth',
}

/** Has the members, and counts how often each is read. */
function counted(values: Readonly<Record<string, unknown>>, reads: string[]): object {
  const members = Object.entries(values).map(([name, value]) => {
    const get = (): unknown => {
      reads.push(name)
      return value
    }
    return [name, { enumerable: true, get }] as const
  })
  return Object.defineProperties({}, Object.fromEntries(members))
}

/** What a connection says and does in the same world, with the same seed. */
async function behaviour(own: object, ofServers: object): Promise<readonly unknown[]> {
  const sim = new Simulation(73)
  const { environment, opened, destinations } = observe(sim.host('here', ['192.0.2.1']))
  const server = Object.defineProperties(
    { urls: 'turn:192.0.2.9', username: 'u', credential: 'c' },
    Object.getOwnPropertyDescriptors(ofServers),
  )
  const [certificate] = fixedCertificates()
  const configuration = Object.defineProperties(
    { iceServers: [server], certificates: [certificate] },
    Object.getOwnPropertyDescriptors(own),
  )
  const peer = new RTCPeerConnection(configuration, { environment })
  peer.addTransceiver('audio')
  peer.createDataChannel('data')
  const offer = await describeLocally(sim, peer)
  await settled(sim, peer.createOffer())
  await sim.runFor(10_000)
  const held = peer.getConfiguration()
  peer.close()
  return [offer, opened(), [...destinations], held]
}

describe('A member of a configuration that no document defines', () => {
  it('is not read, and makes no difference to descriptions, sockets, packets and what is held', async () => {
    const reads: string[] = []
    const without = await behaviour({}, {})
    const all = await behaviour(counted(obsolete, reads), counted(obsoleteOfServers, reads))
    assert.deepEqual(all, without)
    assert.deepEqual(reads, [])
  })

  it('is in the table of docs/configuration.md, if browsers have had it', () => {
    const names = [...Object.keys(obsolete), ...Object.keys(obsoleteOfServers).map(name => `iceServers[].${name}`)]
    const documented = rowsOf('obsolete').flatMap(({ members }) => members)
    assert.deepEqual([...documented].sort(), names.sort())
  })

  it('is not one that a document does define', () => {
    const { dictionaries } = loadModel()
    const names = (of: string): string[] => (dictionaries.get(of)?.members ?? []).map(({ name }) => name)
    for (const name of names('RTCConfiguration')) assert.ok(!(name in obsolete), name)
    for (const name of names('RTCIceServer')) assert.ok(!(name in obsoleteOfServers), name)
  })

  it('cannot take the place of one that is needed: a server with url alone is refused', () => {
    const iceServers = [{ url: 'stun:192.0.2.10' }] as never
    assert.throws(() => new RTCPeerConnection({ iceServers }), { name: 'TypeError', message: /urls is required/ })
  })

  it('is text like any other credential, if it is an object: no secret is made up of it', () => {
    const credential = { macKey: 'a', accessToken: 'b' } as unknown as string
    const peer = new RTCPeerConnection({ iceServers: [{ urls: 'turn:192.0.2.9', username: 'u', credential }] })
    assert.equal(peer.getConfiguration().iceServers?.[0]?.credential, '[object Object]')
    peer.close()
  })
})

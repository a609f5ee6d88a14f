import assert from 'node:assert/strict'
import type { RTCConfiguration } from '../../../src/pc/configuration.ts'
import { takesHeaderEncryption } from '../../../src/pc/negotiation/header-encryption.ts'
import { parseSdp } from '../../../src/sdp/index.ts'
import {
  addSection,
  agree,
  close,
  connected,
  createMediaPair,
  type Munge,
  outline,
  settled,
} from '../negotiation/media-pair.ts'
import { createMediaCall, extensionProfile, type MediaCall } from './media-call.ts'

/** RFC 8285 §4.2 and RFC 9335 §5: what the one-byte form is called in clear, and enciphered. */
const clear = 0xbede
const enciphered = 0xc0de
const require: RTCConfiguration = { rtpHeaderEncryptionPolicy: 'require' }
const withoutCryptex: Munge = sdp => sdp.replaceAll('a=cryptex\r\n', '')

function profiles({ wire }: MediaCall): (number | undefined)[] {
  return [...new Set(wire.map(extensionProfile))]
}

function negotiated({ alice, bob }: Pick<MediaCall, 'alice' | 'bob'>): boolean[] {
  return [alice, bob].flatMap(peer =>
    peer.getTransceivers().map(({ rtpHeaderEncryptionNegotiated }) => rtpHeaderEncryptionNegotiated),
  )
}

describe('rtpHeaderEncryptionPolicy (webrtc-extensions §12, RFC 9335)', () => {
  it('offers and answers a=cryptex in every section of media, and in none of data', async () => {
    const pair = createMediaPair({ seed: 1, sections: ['audio', 'video', 'data'] })
    await agree(pair, pair.alice, pair.bob)
    for (const { localDescription } of [pair.alice, pair.bob]) {
      assert.deepEqual(outline(localDescription?.sdp, ['cryptex']), ['audio cryptex', 'video cryptex', 'application'])
    }
    close(pair)
  })

  it('enciphers the header extensions of all packets where both ends can', async () => {
    const call = await createMediaCall({ seed: 2 })
    await call.talk(10)
    assert.deepEqual(negotiated(call), [true, true])
    assert.deepEqual(profiles(call), [enciphered])
    assert.equal(call.collector.packets.length, 10)
    // The MID is enciphered like all else, so that bob finds the track only if he deciphers it.
    assert.equal(call.wire.length, 10)
    close(call)
  })

  it('enciphers contributing sources as well, with no other extension to go with them', async () => {
    const call = await createMediaCall({ seed: 12, munge: sdp => sdp.replace(/^a=extmap:.*\r\n/gm, '') })
    await call.talk(10, [0x0102_0304, 0x0506_0708])
    assert.deepEqual(profiles(call), [enciphered])
    const text = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8])
    assert.ok(call.wire.every(packet => (packet[0] ?? 0) % 16 === 2 && !Buffer.from(packet).includes(text)))
    const sources = call.collector.packets.map(({ packet }) => packet.csrcs)
    assert.deepEqual(sources, Array(10).fill([0x0102_0304, 0x0506_0708]))
    close(call)
  })

  it('sends them in clear to who does not know of it', async () => {
    const call = await createMediaCall({ seed: 3, munge: withoutCryptex })
    await call.talk(10)
    assert.deepEqual(negotiated(call), [false, false])
    assert.deepEqual(profiles(call), [clear])
    assert.equal(call.collector.packets.length, 10)
    close(call)
  })

  it('is not in the answer to an offer without it', async () => {
    const pair = createMediaPair({ seed: 4, sections: ['audio'] })
    const { sim, alice, bob } = pair
    const offer = await settled(sim, alice.createOffer())
    await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: withoutCryptex(offer.sdp ?? '') }))
    const answer = await settled(sim, bob.createAnswer())
    assert.deepEqual(outline(answer.sdp, ['cryptex']), ['audio'])
    close(pair)
  })

  it('begins and ends with a later negotiation', async () => {
    const call = await createMediaCall({ seed: 5, munge: withoutCryptex })
    const { alice, bob } = call
    const seen: (number | undefined)[][] = []
    for (const munge of [undefined, withoutCryptex]) {
      await agree(call, alice, bob, munge)
      const before = call.wire.length
      await call.talk(5)
      seen.push([...new Set(call.wire.slice(before).map(extensionProfile))])
    }
    assert.deepEqual(seen, [[enciphered], [clear]])
    assert.equal(call.collector.packets.length, 10)
    close(call)
  })

  it('is for a whole bundle or not at all', async () => {
    const pair = createMediaPair({ seed: 6, sections: ['audio', 'video'] })
    const { sim, alice, bob } = pair
    const { sdp: offer = '' } = await settled(sim, alice.createOffer())
    const partial = offer.replace('a=cryptex\r\n', '')
    assert.deepEqual(takesHeaderEncryption(parseSdp(offer)), [true, true])
    assert.deepEqual(takesHeaderEncryption(parseSdp(partial)), [false, false])
    assert.deepEqual(takesHeaderEncryption(parseSdp(partial.replace('t=0 0\r\n', 't=0 0\r\na=cryptex\r\n'))), [
      true,
      true,
    ])
    await agree(pair, alice, bob, sdp => sdp.replace('a=cryptex\r\n', ''))
    assert.deepEqual(negotiated(pair), [false, false, false, false])
    close(pair)
  })

  for (const [type, options] of [
    ['offer', { bob: require }],
    ['answer', { alice: require }],
  ] as const) {
    it(`has an InvalidAccessError for an ${type} without it if it is required, and nothing changes`, async () => {
      const pair = createMediaPair({ seed: 7, sections: ['audio'], ...options })
      const { alice, bob } = pair
      await assert.rejects(agree(pair, alice, bob, withoutCryptex), { name: 'InvalidAccessError' })
      assert.deepEqual([alice.signalingState, bob.signalingState], ['have-local-offer', 'stable'])
      assert.equal(negotiated(pair).includes(true), false)
      close(pair)
    })
  }

  it('connects two who require it, and one who requires it with data alone', async () => {
    const call = await createMediaCall({ seed: 8, alice: require, bob: require })
    await call.talk(5)
    assert.deepEqual([profiles(call), call.collector.packets.length], [[enciphered], 5])
    close(call)
    const pair = createMediaPair({ seed: 9, alice: require, bob: require, sections: ['data'] })
    await agree(pair, pair.alice, pair.bob, withoutCryptex)
    assert.equal(await connected(pair), true)
    close(pair)
  })

  it('holds for what comes after setConfiguration()', async () => {
    const pair = createMediaPair({ seed: 10, sections: ['audio'] })
    const { alice, bob } = pair
    await agree(pair, alice, bob, withoutCryptex)
    alice.setConfiguration({ ...alice.getConfiguration(), ...require })
    assert.equal(alice.getConfiguration().rtpHeaderEncryptionPolicy, 'require')
    addSection(bob, 'video')
    await assert.rejects(agree(pair, bob, alice, withoutCryptex), { name: 'InvalidAccessError' })
    assert.equal(alice.signalingState, 'stable')
    close(pair)
  })

  it('is false of a transceiver that has no transport, or not any more', async () => {
    const call = await createMediaCall({ seed: 11 })
    const transceiver = call.alice.addTransceiver('audio')
    assert.equal(transceiver.rtpHeaderEncryptionNegotiated, false)
    transceiver.stop()
    assert.equal(transceiver.rtpHeaderEncryptionNegotiated, false)
    close(call)
  })
})

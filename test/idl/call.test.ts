import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { settled } from '../pc/negotiation/media-pair.ts'
import { listen, type MediaCall, mediaCall, settle, Talker, talk } from '../pc/stats/media-call.ts'
import { dictionaryOf } from '../pc/stats/stats-dictionaries.ts'
import { attributeDifferences, isInstance } from './conversions.ts'
import { assertKnown } from './differences.ts'
import { loadModel } from './model.ts'
import { resultDifferences } from './results.ts'
import { mismatches } from './values.ts'

const model = loadModel()

describe('IDL, in a call', () => {
  let call: MediaCall
  before(async () => {
    call = await mediaCall(11, 0.03)
    const { sim, alice, bob } = call
    const [audio, video] = [new Talker('audio'), new Talker('video')]
    listen(bob)
    alice.addTrack(audio.track)
    alice.addTrack(video.track)
    await settle(sim, alice, bob)
    await talk(sim, 200, audio, video)
  })
  after(() => call.close())

  /** The objects of one end, one of each interface at a time. */
  function objects(): Map<string, object>[] {
    return [call.alice, call.bob].flatMap(peer => {
      const own = [peer, peer.sctp, peer.remoteDescription, ...peer.getTransceivers()]
      const media = peer
        .getTransceivers()
        .flatMap(({ sender, receiver }) => [sender, receiver, receiver.track, sender.dtmf])
      const dtls = [peer.sctp?.transport, ...peer.getSenders().map(({ transport }) => transport)]
      const ice = dtls.flatMap(transport => [transport, transport?.iceTransport])
      const pairs = ice.map(each =>
        each && 'getSelectedCandidatePair' in each ? each.getSelectedCandidatePair() : null,
      )
      const candidates = pairs.flatMap(pair => [pair, pair?.local, pair?.remote])
      return [...own, ...media, ...ice, ...candidates].flatMap(each =>
        each ? [new Map<string, object>([[each.constructor.name, each]])] : [],
      )
    })
  }

  it('attributes have the types that they are said to have', () => {
    const found = objects().flatMap(instances =>
      [...model.interfaces.values()].flatMap(each => attributeDifferences(each, instances, model)),
    )
    assertKnown('attributes', found)
  })

  it('operations give what they are said to give', async () => {
    const found: string[] = []
    for (const instances of objects()) {
      for (const each of model.interfaces.values()) {
        const pending = resultDifferences(each, instances, model)
        await call.sim.runFor(1)
        found.push(...(await pending))
      }
    }
    assertKnown('results', [...new Set(found)])
  })

  it('statistics have the members, and those the types, of the dictionary for their type', async () => {
    const found = new Set<string>()
    const seen = new Set<string>()
    for (const peer of [call.alice, call.bob]) {
      for (const entry of (await settled(call.sim, peer.getStats())).values()) {
        const dictionary = model.dictionaries.get(String(dictionaryOf(entry)))
        assert.ok(dictionary, entry.type)
        seen.add(entry.type)
        for (const difference of mismatches(entry, dictionary, model, isInstance)) found.add(difference)
      }
    }
    assert.ok(seen.size >= 12, [...seen].join())
    assertKnown('statistics', [...found])
  })
})

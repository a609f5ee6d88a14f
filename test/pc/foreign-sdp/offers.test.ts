import assert from 'node:assert/strict'
import { checkAnswer, outline } from './answer-check.ts'
import { expectedAnswers } from './expected-answers.ts'
import { recorded, recordedOffers, withPeer } from './foreign-peer.ts'

/** Its audio and its video have another meaning for one identifier: RFC 8285 §7 forbids it, and Chromium refuses it as we do. */
const refused = new Set(['aiortc-1.4.0-media-offer', 'aiortc-1.4.0-receive-offer'])
const taken = recordedOffers.filter(name => !refused.has(name))

describe('Recorded offers of other stacks', () => {
  it('are all looked at', () => {
    assert.deepEqual(Object.keys(expectedAnswers).sort(), taken)
    assert.ok(taken.length >= 40)
  })

  for (const name of taken) {
    it(`${name} is answered section by section, by one who only receives`, async () => {
      await withPeer(async peer => {
        const answer = await peer.answer(recorded(name))
        checkAnswer(recorded(name), answer)
        assert.deepEqual(outline(answer), expectedAnswers[name])
        assert.equal(peer.pc.signalingState, 'stable')
      })
    })

    it(`${name} is answered by one who sends as well, as far as the offer wants it`, async () => {
      await withPeer(async peer => {
        peer.addTracks()
        const answer = await peer.answer(recorded(name))
        checkAnswer(recorded(name), answer)
        for (const { direction, currentDirection, mid, sender } of peer.pc.getTransceivers()) {
          if (mid === null || direction === 'stopped') continue
          if (currentDirection === 'sendrecv' || currentDirection === 'sendonly') {
            assert.ok(sender.getParameters().codecs.length > 0, `codecs of mid ${mid}`)
          }
        }
      })
    })

    it(`${name} is taken again after a rollback`, async () => {
      await withPeer(async peer => {
        const offer = { type: 'offer', sdp: recorded(name) } as const
        await peer.settled(peer.pc.setRemoteDescription(offer))
        await peer.settled(peer.pc.setRemoteDescription({ type: 'rollback' }))
        assert.deepEqual([peer.pc.signalingState, peer.pc.getTransceivers().length], ['stable', 0])
        checkAnswer(offer.sdp, await peer.answer(offer.sdp))
      })
    })
  }

  for (const name of refused) {
    it(`${name} is refused while it is bundled, and taken without its group`, async () => {
      await withPeer(async peer => {
        await assert.rejects(peer.answer(recorded(name)), { name: 'InvalidAccessError', message: /a=extmap:2 / })
        assert.deepEqual([peer.pc.signalingState, peer.pc.getTransceivers().length], ['stable', 0])
        const apart = recorded(name).replace(/^a=group:.*\r\n/m, '')
        checkAnswer(apart, await peer.answer(apart))
      })
    })
  }
})

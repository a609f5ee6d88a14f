import assert from 'node:assert/strict'
import { parseSdp } from '../../../src/sdp/index.ts'
import { checkAnswer, outline } from './answer-check.ts'
import { recorded, withPeer } from './foreign-peer.ts'

const browsers = ['chromium-156', 'firefox-153'] as const

function fragment(sdp: string): string | undefined {
  return parseSdp(sdp).media[0]?.iceUfrag
}

describe('Recorded offers that follow one another', () => {
  for (const browser of browsers) {
    it(`are answered, of ${browser}: a call, its restart, a section stopped, that section recycled`, async () => {
      await withPeer(async peer => {
        const answers: string[] = []
        for (const what of ['media', 'restart', 'stopped', 'recycled']) {
          const offer = recorded(`${browser}-${what}-offer`)
          const answer = await peer.answer(offer)
          checkAnswer(offer, answer)
          answers.push(answer)
        }
        const [media = '', restart = '', stopped = '', recycled = ''] = answers
        // RFC 8839 §4.4.1.1.1: new credentials for new ones, and no others
        assert.notEqual(fragment(media), fragment(restart))
        assert.deepEqual([fragment(stopped), fragment(recycled)], [fragment(restart), fragment(restart)])
        assert.equal(outline(stopped)[1], 'video rejected')
        assert.deepEqual(
          parseSdp(recycled).media.map(({ mid }) => mid),
          ['0', '3', '2', '4'],
        )
        assert.deepEqual(
          peer.pc.getTransceivers().map(({ mid, currentDirection }) => [mid, currentDirection]),
          [
            ['0', 'recvonly'],
            ['3', 'inactive'],
            ['4', 'inactive'],
          ],
        )
      })
    })
  }

  it('are answered, of wrtc and of Pion: a call and its restart', async () => {
    for (const stack of ['wrtc-0.10.0', 'pion-3.1.56']) {
      await withPeer(async peer => {
        const first = await peer.answer(recorded(`${stack}-media-offer`))
        const offer = recorded(`${stack}-restart-offer`)
        const second = await peer.answer(offer)
        checkAnswer(offer, second)
        assert.notEqual(fragment(first), fragment(second), stack)
      })
    }
  })

  it('are answered, of mediasoup-client: consumers, then data, then a consumer is gone', async () => {
    await withPeer(async peer => {
      for (const what of ['receive', 'receive-data', 'receive-closed']) {
        const offer = recorded(`mediasoup-client-3.18.7-${what}-offer`)
        checkAnswer(offer, await peer.answer(offer))
      }
      assert.equal(peer.pc.sctp?.maxMessageSize, 262_144)
      assert.deepEqual(
        peer.pc.getTransceivers().map(({ mid }) => mid),
        ['0', 'probator'],
      )
    })
  })
})

describe('An offer of data in the form of before RFC 8841', () => {
  it('is answered in the same form, with our port and a map, and the association is kept', async () => {
    await withPeer(async peer => {
      const answer = await peer.answer(recorded('aiortc-1.4.0-data-offer'))
      assert.match(answer, /^m=application 9 DTLS\/SCTP 5000\r\n/m)
      assert.match(answer, /^a=sctpmap:5000 webrtc-datachannel 65535\r\n/m)
      assert.doesNotMatch(answer, /^a=sctp-port/m)
      assert.equal(peer.pc.sctp?.maxMessageSize, 65_536)
      assert.equal(peer.pc.sctp?.state, 'connecting')
    })
  })
})

describe('Credentials with characters that are no ice-chars', () => {
  it('are taken, as browsers take them, and given back by the remote description', async () => {
    await withPeer(async peer => {
      const sdp = recorded('chromium-156-data-offer')
        .replace(/^a=ice-ufrag:.*$/m, 'a=ice-ufrag:4ht-1y=_#')
        .replace(/^a=ice-pwd:.*$/m, 'a=ice-pwd:Bt3emDc0z7yjfo0MOewFCSDXe6U=')
        .replace(/^a=candidate:.*\r\n/gm, '')
      checkAnswer(sdp, await peer.answer(sdp))
      const candidate = 'candidate:1 1 udp 2130706431 192.0.2.9 50000 typ host ufrag 4ht-1y=_#'
      await peer.settled(peer.pc.addIceCandidate({ candidate, sdpMLineIndex: 0, usernameFragment: '4ht-1y=_#' }))
      assert.match(peer.pc.remoteDescription?.sdp ?? '', /a=candidate:.* ufrag 4ht-1y=_#\r\n/)
    })
  })
})

import assert from 'node:assert/strict'
import { parseSdp, type SdpSession, serializeSdp } from '../../../../src/sdp/index.ts'
import { captured, capturedNames } from '../../../sdp/captured.ts'
import { fingerprint, MediaPeer } from './media-peer.ts'

describe('The check of a description', () => {
  for (const name of capturedNames.filter(each => !each.includes('answer'))) {
    it(`lets ${name} pass`, () => {
      const session = parseSdp(captured(name))
      new MediaPeer().transceivers.check({ side: 'remote', type: 'offer', session, offer: undefined })
    })
  }

  for (const protocol of ['RTP/AVP', 'RTP/AVPF']) {
    it(`refuses ${protocol} without a fingerprint, with section and reason`, () => {
      assert.throws(
        () => checkOffer(text => plain(text, protocol).replace(/a=fingerprint.*\r\n/g, '')),
        (error: unknown) => {
          assert.ok(error instanceof DOMException)
          assert.equal(error.name, 'InvalidAccessError')
          assert.ok(error.message.startsWith('m= section 0 (audio, mid 0)'), error.message)
          assert.ok(error.message.includes(`${protocol} without a=fingerprint`), error.message)
          return true
        },
      )
    })

    it(`takes ${protocol} with a fingerprint for DTLS-SRTP`, () => {
      checkOffer(text => plain(text, protocol))
      checkOffer(text =>
        plain(text, protocol)
          .replace(/a=fingerprint.*\r\n/g, '')
          .replace('t=0 0\r\n', `t=0 0\r\na=fingerprint:sha-256 ${fingerprint}\r\n`),
      )
    })
  }

  it('refuses a secure profile without a fingerprint', () => {
    refuses(text => text.replace(/a=fingerprint.*\r\n/g, ''), 'm= section 0 (audio, mid 0): there is no a=fingerprint')
  })

  it('refuses a payload type with two meanings in a bundle, and lets it pass without one', () => {
    const change = (text: string): string => text.replace(/ 111 /, ' 96 ').replaceAll(':111 ', ':96 ')
    refuses(change, 'payload type 96 has two meanings')
    checkOffer(text => change(text).replace(/a=group.*\r\n/, ''))
  })

  it('refuses an identifier with two meanings in a bundle', () => {
    refuses(text => text.replace(/a=extmap:4 .*\r\n/, 'a=extmap:4 urn:other\r\n'), 'a=extmap:4 has two meanings')
  })

  it('refuses more lines than a section may have', () => {
    refuses(tooMany, 'm= section 0 (audio, mid 0): there must be at most')
  })

  it('refuses a simulcast of rids that are not there', () => {
    refuses(text => `${text}a=rid:a send\r\na=simulcast:send a;b\r\n`, 'the rid b')
  })

  it('refuses retransmissions of nothing', () => {
    refuses(text => text.replace('apt=96', 'apt=50'), 'repairs no payload type')
  })

  it('refuses feedback that was not offered', () => {
    refusesAnswer(text => text.replace('a=rtcp-fb:111 nack\r\n', '$&a=rtcp-fb:111 ccm tmmbr\r\n'), '"ccm tmmbr"')
  })

  it('refuses another protocol than was offered', () => {
    refusesAnswer(text => text.replace('UDP/TLS/RTP/SAVPF', 'RTP/SAVPF'), 'the protocol is RTP/SAVPF')
  })

  it('refuses a direction that the offer does not leave', () => {
    refusesAnswer(text => text.replace('a=recvonly', 'a=sendrecv'), 'sendrecv is no answer to sendonly')
  })

  it('looks at no section that is rejected', () => {
    checkOffer(text => tooMany(text.replace('m=audio 9', 'm=audio 0')).replace(/a=group.*\r\n/, ''))
  })
})

function offerText(): { peer: MediaPeer; text: string } {
  const peer = new MediaPeer(1)
  peer.transceivers.addTransceiver('audio', { direction: 'sendonly' })
  peer.transceivers.addTransceiver('video')
  return { peer, text: serializeSdp(peer.createOffer()) }
}

function tooMany(text: string): string {
  const lines = Array.from({ length: 65 }, (_, index) => `a=msid:s${index} t\r\n`)
  return text.replace('a=rtcp-rsize\r\n', `$&${lines.join('')}`)
}

function plain(text: string, protocol: string): string {
  return text.replaceAll('UDP/TLS/RTP/SAVPF', protocol)
}

function checkOffer(change: (text: string) => string): void {
  const session = parseSdp(change(offerText().text))
  new MediaPeer(2).setRemote('offer', session)
}

function refuses(change: (text: string) => string, reason: string): void {
  assert.throws(() => checkOffer(change), refusal(reason))
}

function refusesAnswer(change: (text: string) => string, reason: string): void {
  const { peer, text } = offerText()
  const offer: SdpSession = parseSdp(text)
  const other = new MediaPeer(2)
  other.setRemote('offer', offer)
  const answer = serializeSdp(other.createAnswer())
  const changed = change(answer)
  assert.notEqual(changed, answer)
  peer.setLocal('offer', offer)
  assert.throws(() => peer.setRemote('answer', parseSdp(changed)), refusal(reason))
}

function refusal(reason: string): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof DOMException, String(error))
    assert.equal(error.name, 'InvalidAccessError')
    assert.ok(error.message.includes(reason), error.message)
    return true
  }
}

import assert from 'node:assert/strict'
import {
  agreedHeaderExtensions,
  answerDirection,
  answerHeaderExtensions,
  answerSimulcast,
  commonDirection,
  conflictingExtensionIds,
  parseSdp,
  proposedSendRids,
  regularRtcpInterval,
  reverseDirection,
  rtpMedia,
  type SdpDirection,
  type SdpHeaderExtension,
  type SimulcastAbilities,
  simulcastToSend,
} from '../../src/sdp/index.ts'
import { captured, capturedNames, capturedRtp, rtpOf, videoWith } from './captured.ts'

const directions: readonly SdpDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']

describe('directions', () => {
  // RFC 3264 §6.1
  it('of an answer are what the offer leaves over and this side wants', () => {
    const expected: Record<SdpDirection, readonly SdpDirection[]> = {
      sendrecv: ['sendrecv', 'sendonly', 'recvonly', 'inactive'],
      sendonly: ['recvonly', 'inactive', 'recvonly', 'inactive'],
      recvonly: ['sendonly', 'sendonly', 'inactive', 'inactive'],
      inactive: ['inactive', 'inactive', 'inactive', 'inactive'],
    }
    for (const offered of directions) {
      assert.deepEqual(
        directions.map(wanted => answerDirection(offered, wanted)),
        expected[offered],
      )
    }
    assert.deepEqual(
      directions.map(wanted => answerDirection(undefined, wanted)),
      expected.sendrecv,
    )
  })

  it('reverse, and reverse back', () => {
    assert.deepEqual(directions.map(reverseDirection), ['sendrecv', 'recvonly', 'sendonly', 'inactive'])
    for (const direction of directions) {
      assert.equal(reverseDirection(reverseDirection(direction)), direction)
      assert.equal(commonDirection(direction, direction), direction)
    }
  })
})

describe('answerHeaderExtensions', () => {
  // RFC 8285 §7: the example of the section
  it('remaps what only said that it could be negotiated, and adjusts directions', () => {
    const offered = [
      extension(1, 'toffset'),
      extension(14, 'obscure'),
      extension(4096, 'gps-string'),
      extension(4096, 'gps-binary'),
      extension(4097, 'frametype'),
    ]
    const video = [{ uri: 'toffset' }, { uri: 'gps-string', direction: 'recvonly' }, { uri: 'frametype' }] as const
    assert.deepEqual(answerHeaderExtensions(offered, video, false), [
      extension(1, 'toffset'),
      extension(2, 'gps-string', 'recvonly'),
      extension(3, 'frametype'),
    ])
    assert.deepEqual(answerHeaderExtensions(offered, [{ uri: 'toffset', direction: 'sendonly' }], false), [
      extension(1, 'toffset', 'sendonly'),
    ])
  })

  it('takes at most one extension of each negotiation identifier', () => {
    const offered = [extension(4096, 'a'), extension(4096, 'b')]
    assert.deepEqual(answerHeaderExtensions(offered, [{ uri: 'a' }, { uri: 'b' }], false), [extension(1, 'a')])
  })

  it('keeps the offered direction as far as this side wants it', () => {
    const offered = [extension(1, 'a', 'recvonly'), extension(2, 'b', 'sendonly'), extension(3, 'c', 'inactive')]
    const local = ['a', 'b', 'c'].map(uri => ({ uri }))
    assert.deepEqual(answerHeaderExtensions(offered, local, false), [
      extension(1, 'a', 'sendonly'),
      extension(2, 'b', 'recvonly'),
    ])
  })

  it('uses free identifiers up to 14, and beyond 15 if the forms may be mixed', () => {
    const offered = Array.from({ length: 13 }, (_, index) => extension(index + 1, `x${index}`))
    const more = ['a', 'b', 'c'].map((uri, index) => extension(4096 + index, uri))
    const local = ['a', 'b', 'c'].map(uri => ({ uri }))
    const ids = (allowMixed: boolean): number[] =>
      answerHeaderExtensions([...offered, ...more], local, allowMixed).map(({ id }) => id)
    assert.deepEqual(ids(false), [14])
    assert.deepEqual(ids(true), [14, 16, 17])
  })

  // RFC 6904 §4.1
  it('prefers the encrypted form of an extension, and marks the other one inactive', () => {
    const offered = [extension(1, 'a'), { ...extension(2, 'a'), encrypted: true }]
    assert.deepEqual(answerHeaderExtensions(offered, [{ uri: 'a', encryptable: true }], false), [
      extension(1, 'a', 'inactive'),
      { ...extension(2, 'a'), encrypted: true },
    ])
    assert.deepEqual(answerHeaderExtensions(offered, [{ uri: 'a' }], false), [extension(1, 'a')])
    assert.deepEqual(answerHeaderExtensions(offered.slice(1), [{ uri: 'a' }], false), [])
  })

  it('agrees with the offers of the browsers', () => {
    const offered = capturedRtp('firefox-simulcast').headerExtensions
    const local = offered.map(({ uri }) => ({ uri }))
    const answer = answerHeaderExtensions(offered, local, true)
    const [own, theirs] = [agreedHeaderExtensions(answer, offered), agreedHeaderExtensions(offered, answer)]
    assert.equal(own.length, 8)
    assert.deepEqual(
      own.map(({ id, direction = 'sendrecv' }) => [id, reverseDirection(direction)]),
      theirs.map(({ id, direction }) => [id, direction]),
    )
    assert.equal(own.find(({ id }) => id === 9)?.direction, 'recvonly')
  })
})

describe('agreedHeaderExtensions', () => {
  it('are those that both map to the same identifier, in the direction that both allow', () => {
    const own = [extension(1, 'a'), extension(2, 'b'), extension(3, 'c', 'sendonly'), extension(4096, 'd')]
    const peer = [extension(1, 'a', 'recvonly'), extension(2, 'x'), extension(3, 'c', 'sendonly'), extension(4096, 'd')]
    assert.deepEqual(agreedHeaderExtensions(own, peer), [extension(1, 'a', 'sendonly')])
  })
})

describe('conflictingExtensionIds', () => {
  it('finds none in the captured descriptions, and those that mean two extensions', () => {
    for (const name of capturedNames) {
      const session = parseSdp(captured(name))
      const audioAndVideo = session.media.filter(({ kind }) => kind !== 'application')
      assert.deepEqual(conflictingExtensionIds(audioAndVideo.map(media => rtpMedia(session, media))), [], name)
    }
    const [first, second] = ['a=extmap:1 a', 'a=extmap:1 b'].map(line => rtpOf(videoWith(line, 'a=extmap:2 c')))
    assert.ok(first && second)
    assert.deepEqual(conflictingExtensionIds([first, second]), [1])
  })
})

describe('answerSimulcast', () => {
  const maps = ['a=rtpmap:96 VP8/90000', 'a=rtpmap:97 VP9/90000', 'a=rtpmap:98 AV1/90000']
  const able: SimulcastAbilities = {
    maxSend: 3,
    maxReceive: 3,
    restrictions: new Set(['max-width']),
    payloadTypes: new Set([96, 97]),
  }
  const plain = { paused: false }

  it('receives what a browser sends', () => {
    const offer = capturedRtp('chromium-simulcast')
    assert.deepEqual(answerSimulcast(offer, able), {
      rids: ['h', 'm', 'l'].map(id => ({ id, direction: 'recv', restrictions: [] })),
      simulcast: { recv: ['h', 'm', 'l'].map(rid => [{ rid, ...plain }]) },
    })
    assert.deepEqual(answerSimulcast(offer, { ...able, maxReceive: 2 }).simulcast, {
      recv: ['h', 'm'].map(rid => [{ rid, ...plain }]),
    })
    assert.deepEqual(answerSimulcast(offer, { ...able, maxReceive: 0 }), { rids: [] })
  })

  // webrtc-pc §4.4.2
  it('sends the first of the alternatives, and each rid once', () => {
    const offer = rtpOf(videoWith('a=rid:1 recv', 'a=rid:2 recv', 'a=rid:3 recv', 'a=simulcast:recv 2,1;3;2;3,1'))
    assert.deepEqual(proposedSendRids(offer), ['2', '3'])
    assert.deepEqual(answerSimulcast(offer, able), {
      rids: ['2', '3'].map(id => ({ id, direction: 'send', restrictions: [] })),
      simulcast: { send: ['2', '3'].map(rid => [{ rid, ...plain }]) },
    })
    assert.deepEqual(answerSimulcast(offer, { ...able, sendRids: new Set(['3', 'x']) }).simulcast, {
      send: [[{ rid: '3', ...plain }]],
    })
  })

  // RFC 8851 §6.2.2 and §6.3
  it('refuses to send under restrictions that it does not know, and lets the peer have its own', () => {
    const rids = ['1 recv pt=96,50;max-width=640', '2 recv max-fps=30', '3 send max-fps=30', '4 send pt=98']
    const offer = rtpOf(videoWith(...maps, ...rids.map(rid => `a=rid:${rid}`), 'a=simulcast:recv 1;2 send 3;4'))
    assert.deepEqual(answerSimulcast(offer, able), {
      rids: [
        { id: '1', direction: 'send', payloadTypes: [96], restrictions: [{ name: 'max-width', value: '640' }] },
        { id: '3', direction: 'recv', restrictions: [{ name: 'max-fps', value: '30' }] },
      ],
      simulcast: { send: [[{ rid: '1', ...plain }]], recv: [[{ rid: '3', ...plain }]] },
    })
    const { restrictions: _, ...ignoring } = able
    assert.deepEqual(answerSimulcast(offer, ignoring).rids, [
      { id: '1', direction: 'send', payloadTypes: [96], restrictions: [] },
      { id: '2', direction: 'send', restrictions: [] },
      { id: '3', direction: 'recv', restrictions: [] },
    ])
  })

  it('passes over rids that are not there, or go the other way', () => {
    const offer = rtpOf(videoWith('a=rid:1 send', 'a=rid:2 recv', 'a=simulcast:recv 1;2;3'))
    assert.deepEqual(answerSimulcast(offer, able).simulcast, { send: [[{ rid: '2', ...plain }]] })
  })

  // RFC 8853 §5.3.2
  it('keeps a stream paused only if the peer could resume it', () => {
    const lines = [...maps, 'a=rid:1 recv', 'a=rid:2 recv', 'a=simulcast:recv ~1;2']
    const paused = (offer: readonly string[]): boolean[] | undefined =>
      answerSimulcast(rtpOf(videoWith(...offer)), able).simulcast?.send?.map(([version]) => version?.paused === true)
    assert.deepEqual(paused(lines), [false, false])
    assert.deepEqual(paused([...lines, 'a=rtcp-fb:* ccm pause nowait']), [true, false])
  })

  it('has nothing for an offer without simulcast', () => {
    assert.deepEqual(answerSimulcast(rtpOf(videoWith('a=rid:1 send')), able), { rids: [] })
  })
})

describe('simulcastToSend', () => {
  const map = 'a=rtpmap:96 VP8/90000'
  const offer = rtpOf(videoWith(map, 'a=rid:1 send', 'a=rid:2 send pt=96', 'a=rid:3 send', 'a=simulcast:send 1;2,3'))
  const toSend = (...answer: readonly string[]): unknown => simulcastToSend(offer, rtpOf(videoWith(map, ...answer)))

  // RFC 8853 §5.3.3
  it('is what the answer is ready to receive', () => {
    assert.deepEqual(toSend('a=rid:1 recv', 'a=rid:3 recv', 'a=simulcast:recv ~1;3'), [
      { rid: '1', paused: true },
      { rid: '3', paused: false },
    ])
    assert.deepEqual(toSend('a=rid:1 recv', 'a=simulcast:send 1'), [])
    assert.deepEqual(toSend(), [])
  })

  // RFC 8851 §6.4
  it('leaves out rids that the answer has added something to', () => {
    assert.deepEqual(toSend('a=rid:1 recv max-width=1', 'a=rid:2 recv pt=96', 'a=simulcast:recv 1;2'), [
      { rid: '2', paused: false },
    ])
    assert.deepEqual(toSend('a=rid:1 recv pt=96', 'a=simulcast:recv 1'), [])
    assert.deepEqual(toSend('a=rid:1 send', 'a=simulcast:recv 1'), [])
    assert.deepEqual(toSend('a=simulcast:recv 1'), [])
  })

  it('is what an answer of this side to a browser lets it send', () => {
    const browser = capturedRtp('firefox-simulcast')
    const answer = answerSimulcast(browser, { maxSend: 0, maxReceive: 2, payloadTypes: new Set([120]) })
    assert.deepEqual(
      simulcastToSend(browser, { ...browser, ...answer }).map(({ rid }) => rid),
      ['h', 'm'],
    )
  })
})

describe('regularRtcpInterval', () => {
  // RFC 8829 §5.1.2
  it('is zero with a feedback profile or feedback, 4000 without, and otherwise what is said', () => {
    const interval = (profile: string, ...lines: readonly string[]): number => {
      const text = videoWith('a=rtpmap:96 VP8/90000', 'a=rtpmap:97 VP9/90000', ...lines)
      const session = parseSdp(text.replace('UDP/TLS/RTP/SAVPF', profile))
      const [media] = session.media
      assert.ok(media)
      return regularRtcpInterval(media, rtpMedia(session, media))
    }
    assert.equal(interval('UDP/TLS/RTP/SAVPF'), 0)
    assert.equal(interval('RTP/AVP'), 4000)
    assert.equal(interval('RTP/SAVP'), 4000)
    assert.equal(interval('RTP/AVP', 'a=rtcp-fb:96 nack'), 0)
    assert.equal(interval('RTP/SAVPF', 'a=rtcp-fb:96 trr-int 200', 'a=rtcp-fb:97 trr-int 100'), 200)
    assert.equal(interval('RTP/SAVPF', 'a=rtcp-fb:96 trr-int x'), 0)
  })
})

function extension(id: number, uri: string, direction?: SdpDirection): SdpHeaderExtension {
  return { id, uri, encrypted: false, ...(direction === undefined ? {} : { direction }) }
}

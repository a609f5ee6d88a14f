import assert from 'node:assert/strict'
import { RTCError } from '../../src/pc/rtc-error.ts'
import { RTCIceCandidate } from '../../src/pc/rtc-ice-candidate.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { parseSdp } from '../../src/sdp/index.ts'
import { type LonelyPeer, withPeer } from './foreign-sdp/foreign-peer.ts'
import { data, lines, session, video } from './hostile-descriptions.ts'

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'] as const

/** What `use` leaves behind on the objects that everything inherits from has to be what was there before. */
async function unpolluted(use: () => Promise<void>): Promise<void> {
  const shared = [Object.prototype, Array.prototype, Function.prototype, Map.prototype, String.prototype]
  const members = (): unknown[] => shared.map(each => Object.getOwnPropertyDescriptors(each))
  const before = members()
  await use()
  assert.deepEqual(members(), before)
  assert.deepEqual(Object.keys(Object.getOwnPropertyDescriptors({})), [])
}

describe('Names that objects have', () => {
  for (const name of names) {
    it(`${name} is a name like any other, wherever a description has one`, async () => {
      await unpolluted(async () => {
        await withPeer(async peer => {
          const mid = name.slice(0, 16)
          const added = [
            `a=${name}:x`,
            `a=fmtp:96 ${name}=1;x=${name}`,
            `a=rtpmap:97 ${name}/90000`,
            `a=fmtp:97 ${name}`,
            `a=rtcp-fb:96 ${name} ${name}`,
            `a=extmap:3 ${name} ${name}`,
            `a=ssrc:1 ${name}:${name}`,
            `a=ssrc:1 cname:${name}`,
            `a=ssrc-group:${name} 1 2`,
            `a=msid:${name} ${name}`,
          ]
          const text = session(
            [`a=group:BUNDLE ${mid}`, `a=group:${name} ${mid} ${name}`, `a=ice-options:${name}`, `a=${name}`],
            video(...added).map(line => line.replace('a=mid:v', `a=mid:${mid}`).replace('SAVPF 96', 'SAVPF 96 97')),
          )
          const answer = await peer.answer(text)
          assert.deepEqual(
            parseSdp(answer).media.map(section => section.mid),
            [mid],
          )
          const [transceiver] = peer.pc.getTransceivers()
          assert.equal(transceiver?.mid, mid)
          assert.deepEqual(
            transceiver?.receiver.getParameters().codecs.map(({ mimeType }) => mimeType),
            ['video/VP8'],
          )
          const candidate = `candidate:1 1 udp 1 192.0.2.9 9 typ host ${name} ${name}`
          await peer.settled(peer.pc.addIceCandidate({ candidate, sdpMid: mid }))
          assert.ok(peer.pc.remoteDescription?.sdp.includes(candidate))
          await peer.settled(peer.pc.getStats())
        })
      })
    })
  }

  it('are the names of simulcast streams, where they are rids', async () => {
    await unpolluted(async () => {
      await withPeer(async peer => {
        const rids = names.map(name => `a=rid:${name} send ${name.replaceAll('_', '-')}=1`)
        const answer = await peer.answer(session([], video(...rids, `a=simulcast:send ${names.slice(0, 3).join(';')}`)))
        assert.match(answer, /^a=simulcast:recv __proto__;constructor;prototype\r\n/m)
      })
    })
  })

  it('mean nothing in dictionaries', async () => {
    await unpolluted(async () => {
      const evil = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}') as object
      const pc = new RTCPeerConnection(evil)
      pc.createDataChannel('__proto__', evil)
      const candidate = new RTCIceCandidate({ ...evil, candidate: '', sdpMid: '__proto__' })
      assert.equal(candidate.sdpMid, '__proto__')
      pc.close()
    })
  })
})

/** What could break a line in two, or a text off, and what is no text. */
const characters = ['\r', '\n', '\r\n', '\0', '\u2028', '\u2029', '\u0085', '\ud800', '\udc00x', '\u001b[31m'] as const
const injected = 'a=injected:1'
const nameOf = (text: string): string => JSON.stringify(text)

/** An offer is lines of SDP, and says nothing that was brought in by a field. */
async function checkOffer(peer: LonelyPeer): Promise<void> {
  const { sdp = '' } = await peer.settled(peer.pc.createOffer())
  assert.ok(sdp.endsWith('\r\n'))
  for (const line of sdp.slice(0, -2).split('\r\n')) assert.match(line, /^[a-z]=[ -~]*$/)
  assert.ok(!sdp.includes('injected'))
}

describe('Characters that end a line or a text, in the fields of the API', () => {
  for (const character of characters) {
    const evil = `x${character}${injected}`

    it(`${nameOf(character)} in a label and a protocol is kept for the peer, and is in no description`, async () => {
      await withPeer(async peer => {
        const channel = peer.pc.createDataChannel(evil, { protocol: evil })
        // WebIDL: USVString has no lone surrogates
        const wellFormed = evil.replace(/[\ud800-\udfff]/g, '\ufffd')
        assert.deepEqual([channel.label, channel.protocol], [wellFormed, wellFormed])
        await checkOffer(peer)
      })
    })

    it(`${nameOf(character)} in a rid is a TypeError, in a codec an InvalidModificationError`, async () => {
      await withPeer(async peer => {
        const encodings = [{ rid: evil }, { rid: 'b' }]
        assert.throws(() => peer.pc.addTransceiver('video', { sendEncodings: encodings }), TypeError)
        assert.equal(peer.pc.getTransceivers().length, 0)
        const transceiver = peer.pc.addTransceiver('video')
        for (const codec of [
          { mimeType: `video/VP8${evil}`, clockRate: 90_000 },
          { mimeType: 'video/VP8', clockRate: 90_000, sdpFmtpLine: evil },
        ]) {
          assert.throws(() => transceiver.setCodecPreferences([codec]), { name: 'InvalidModificationError' })
        }
        await checkOffer(peer)
      })
    })

    it(`${nameOf(character)} in a candidate, its mid or its fragment is an OperationError`, async () => {
      await withPeer(async peer => {
        await peer.answer(session([], data()))
        const { remoteDescription } = peer.pc
        const good = 'candidate:1 1 udp 1 192.0.2.9 9 typ host'
        for (const init of [
          { candidate: `${good} ${evil} y`, sdpMid: 'd' },
          { candidate: good.replace('192.0.2.9', evil), sdpMid: 'd' },
          { candidate: good, sdpMid: `d${character}` },
          { candidate: good, sdpMid: 'd', usernameFragment: `abcd${character}` },
        ]) {
          // Line separators of Unicode are visible characters to SDP, as any other beyond ASCII; they end no line of it.
          if (/[\u0085\u2028\u2029\ud800-\udfff]/.test(init.candidate)) continue
          await assert.rejects(peer.settled(peer.pc.addIceCandidate(init)), { name: 'OperationError' })
        }
        assert.equal(peer.pc.remoteDescription?.sdp, remoteDescription?.sdp)
        const { foundation, address } = new RTCIceCandidate({
          candidate: `${good}${character}\r\n${injected}`,
          sdpMid: 'd',
        })
        assert.ok(foundation === null && address === null)
      })
    })

    it(`${nameOf(character)} in a server's URL is a SyntaxError, or is what the URL standard leaves out`, () => {
      const urls = `stun:stun.example.org${character}${injected}`
      const create = (): void => new RTCPeerConnection({ iceServers: [{ urls }] }).close()
      // URL standard, basic URL parser, step 3: line ends and tabs are removed, with which it is another URL.
      if (/^[\r\n]+$/.test(character)) create()
      else assert.throws(create, { name: 'SyntaxError' })
    })

    it(`${nameOf(character)} in the algorithm of a certificate is a NotSupportedError`, async () => {
      for (const algorithm of [`ECDSA${character}`, { name: 'ECDSA', namedCurve: `P-256${character}` }]) {
        await assert.rejects(RTCPeerConnection.generateCertificate(algorithm), { name: 'NotSupportedError' })
      }
    })

    it(`${nameOf(character)} in a description is a syntax error, or text that ends nothing`, async () => {
      await withPeer(async peer => {
        const sdp = session([], data(`a=x:${character}y`, `a=mid:d${character}`))
        await assert.rejects(peer.settled(peer.pc.setRemoteDescription({ type: 'offer', sdp })), error => {
          assert.ok(error instanceof RTCError && error.errorDetail === 'sdp-syntax-error')
          assert.ok((error.sdpLineNumber ?? 0) >= 11)
          return true
        })
        assert.deepEqual([peer.pc.signalingState, peer.pc.remoteDescription], ['stable', null])
      })
    })
  }

  it('are refused in what is applied here, which has to be what was created', async () => {
    for (const character of characters) {
      await withPeer(async peer => {
        peer.pc.createDataChannel('x')
        const { sdp = '' } = await peer.settled(peer.pc.createOffer())
        const munged = sdp.replace('a=mid:0', `a=mid:0${character}`)
        await assert.rejects(peer.settled(peer.pc.setLocalDescription({ type: 'offer', sdp: munged })), {
          name: 'InvalidModificationError',
        })
        assert.deepEqual([peer.pc.signalingState, peer.pc.localDescription], ['stable', null])
      })
    }
  })

  it('are not brought in by the streams and the names of a peer', async () => {
    await withPeer(async peer => {
      const evil = 'x\u2028y\u0085z\ud83d\ude00'
      await peer.answer(session([], video(`a=msid:${evil} ${evil}`, `a=ssrc:1 cname:${evil}`)))
      assert.doesNotMatch(peer.pc.localDescription?.sdp ?? lines(evil), /\u2028/)
    })
  })
})

/**
 * Session descriptions in the manner of the implementations that one meets: their lines, in their order, with invented
 * values and documentation addresses.
 */
export interface Fixture {
  readonly from: string
  readonly text: string
  /** Index of the section for data channels. */
  readonly data: number
}

export const sha256: string =
  '0F:1E:2D:3C:4B:5A:69:78:87:96:A5:B4:C3:D2:E1:F0:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF'

const mdnsName = '3b0a8f5e-7c1d-4e92-9a46-d2c7f1e80b35.local'

const chromiumOffer = lines(
  'v=0',
  'o=- 5836291047120394857 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS',
  'm=application 51472 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 203.0.113.7',
  `a=candidate:2817356401 1 udp 2113937151 ${mdnsName} 51472 typ host generation 0 network-cost 999`,
  'a=candidate:842163049 1 udp 1677729535 203.0.113.7 51472 typ srflx raddr 0.0.0.0 rport 0 generation 0 network-cost 999',
  'a=ice-ufrag:Xw3k',
  'a=ice-pwd:uK2pQ9sT4vB7nM1cZ8xL5aHd',
  'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${sha256}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
)

const chromiumEarlyHandshakeOffer = chromiumOffer
  .replace('a=ice-options:trickle', 'a=ice-options:trickle sped googspedv1')
  .replace('a=max-message-size', 'a=sctp-init:AQAAIAABAgMAAgAAAQABAAQFBgc=\r\na=max-message-size')

const chromiumAnswer = lines(
  'v=0',
  'o=- 1203948571203948571 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'b=AS:30',
  'a=ice-ufrag:7dQ+',
  'a=ice-pwd:/bM3fR6yJ0kW9eGtPqS2uVnX',
  'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${sha256}`,
  'a=setup:active',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
)

const firefoxOffer = lines(
  'v=0',
  'o=mozilla...THIS_IS_SDPARTA-99.0 7120394857120394857 0 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  `a=fingerprint:sha-256 ${sha256}`,
  'a=group:BUNDLE 0',
  'a=ice-options:trickle',
  'a=msid-semantic:WMS *',
  'm=application 53321 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 198.51.100.23',
  `a=candidate:0 1 UDP 2122252543 ${mdnsName} 53321 typ host`,
  `a=candidate:2 1 TCP 2105524479 ${mdnsName} 9 typ host tcptype active`,
  `a=candidate:0 2 UDP 2122252542 ${mdnsName} 53322 typ host`,
  'a=candidate:1 1 UDP 1685987327 198.51.100.23 53321 typ srflx raddr 0.0.0.0 rport 0',
  'a=sendrecv',
  'a=end-of-candidates',
  'a=ice-pwd:0123456789abcdef0123456789abcdef',
  'a=ice-ufrag:fedcba98',
  'a=mid:0',
  'a=setup:actpass',
  'a=sctp-port:5000',
  'a=max-message-size:1073741823',
)

const firefoxMediaOffer = lines(
  'v=0',
  'o=mozilla...THIS_IS_SDPARTA-99.0 2039485712039485712 0 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  `a=fingerprint:sha-256 ${sha256}`,
  'a=group:BUNDLE 0 1 2',
  'a=ice-options:trickle',
  'a=msid-semantic:WMS *',
  'm=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101',
  'c=IN IP4 0.0.0.0',
  'a=sendrecv',
  'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1',
  'a=fmtp:101 0-15',
  'a=ice-pwd:0123456789abcdef0123456789abcdef',
  'a=ice-ufrag:fedcba98',
  'a=mid:0',
  'a=msid:{6f0c1b2a-3d4e-4f50-8a1b-2c3d4e5f6071} {7a1b2c3d-4e5f-4607-9182-93a4b5c6d7e8}',
  'a=rtcp-mux',
  'a=rtcp-rsize',
  'a=rtpmap:109 opus/48000/2',
  'a=rtpmap:9 G722/8000/1',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:101 telephone-event/8000/1',
  'a=setup:actpass',
  'a=ssrc:1029384756 cname:{8b2c3d4e-5f60-4718-a293-a4b5c6d7e8f9}',
  'm=video 0 UDP/TLS/RTP/SAVPF 120 124',
  'c=IN IP4 0.0.0.0',
  'a=bundle-only',
  'a=sendrecv',
  'a=fmtp:120 max-fs=12288;max-fr=60',
  'a=fmtp:124 apt=120',
  'a=mid:1',
  'a=rtcp-fb:120 nack pli',
  'a=rtcp-fb:120 ccm fir',
  'a=rtcp-mux',
  'a=rtpmap:120 VP8/90000',
  'a=rtpmap:124 rtx/90000',
  'a=ssrc-group:FID 564738291 192837465',
  'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=bundle-only',
  'a=sendrecv',
  'a=mid:2',
  'a=sctp-port:5000',
  'a=max-message-size:1073741823',
)

const safariOffer = lines(
  'v=0',
  'o=- 3948571203948571203 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS 5c6d7e8f-9a0b-4c1d-8e2f-3a4b5c6d7e8f',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 110 126',
  'c=IN IP4 0.0.0.0',
  'a=rtcp:9 IN IP4 0.0.0.0',
  'a=ice-ufrag:aB/c',
  'a=ice-pwd:Zy8XwVuTsRqPoNmLkJiHgFeD',
  'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${sha256}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  'a=sendrecv',
  'a=msid:5c6d7e8f-9a0b-4c1d-8e2f-3a4b5c6d7e8f 1a2b3c4d-5e6f-4a0b-9c1d-2e3f4a5b6c7d',
  'a=rtcp-mux',
  'a=rtcp-rsize',
  'a=rtpmap:111 opus/48000/2',
  'a=rtcp-fb:111 transport-cc',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
  'a=rtpmap:110 telephone-event/48000',
  'a=ssrc:2938475610 cname:QwErTyUiOpAsDfGh',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=ice-ufrag:aB/c',
  'a=ice-pwd:Zy8XwVuTsRqPoNmLkJiHgFeD',
  'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${sha256}`,
  'a=setup:actpass',
  'a=mid:1',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
)

const libdatachannelOffer = lines(
  'v=0',
  'o=rtc 2938471056 0 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=group:LS 0',
  'a=msid-semantic:WMS *',
  'a=setup:actpass',
  'a=ice-ufrag:p+2y',
  'a=ice-pwd:hV7tRk2LmQ0xYc5Zb8NwEs',
  'a=ice-options:ice2,trickle',
  `a=fingerprint:sha-256 ${sha256}`,
  'm=application 60614 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 192.0.2.14',
  'a=mid:0',
  'a=sendrecv',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
  'a=candidate:1 1 UDP 2122317823 192.0.2.14 60614 typ host',
  'a=candidate:2 1 UDP 2122317567 2001:db8::14 60614 typ host',
  'a=candidate:3 1 UDP 1686109951 203.0.113.14 60614 typ srflx raddr 0.0.0.0 rport 0',
  'a=end-of-candidates',
)

const pionAnswer = lines(
  'v=0',
  'o=- 4857120394857120394 1731312345 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  'a=msid-semantic:WMS*',
  `a=fingerprint:sha-256 ${sha256}`,
  'a=extmap-allow-mixed',
  'a=group:BUNDLE 0',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=setup:active',
  'a=mid:0',
  'a=sendrecv',
  'a=sctp-port:5000',
  'a=max-message-size:1073741823',
  'a=ice-ufrag:LkJhGfDsAqWeRtYu',
  'a=ice-pwd:MnBvCxZlKjHgFdSaPoIuYtReWqAsDfGh',
  'a=candidate:1966762134 1 udp 2130706431 192.0.2.77 41234 typ host',
  'a=candidate:1966762134 2 udp 2130706431 192.0.2.77 41234 typ host',
  'a=end-of-candidates',
)

const aiortcOffer = lines(
  'v=0',
  'o=- 3971203948 3971203948 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=msid-semantic:WMS *',
  'm=application 39485 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 192.0.2.33',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:65536',
  'a=candidate:0a1b2c3d4e5f60718293a4b5c6d7e8f9 1 udp 2130706431 192.0.2.33 39485 typ host',
  'a=candidate:f9e8d7c6b5a4938271605f4e3d2c1b0a 1 udp 1694498815 203.0.113.33 39485 typ srflx raddr 192.0.2.33 rport 39485',
  'a=end-of-candidates',
  'a=ice-ufrag:zXcV',
  'a=ice-pwd:bNmAsDfGhJkLqWeRtYuIoP',
  `a=fingerprint:sha-256 ${sha256}`,
  `a=fingerprint:sha-384 ${sha256}:${sha256.slice(0, 47)}`,
  `a=fingerprint:sha-512 ${sha256}:${sha256}`,
  'a=setup:actpass',
)

const werift = lines(
  'v=0',
  'o=- 39485712 0 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=msid-semantic:WMS *',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=ice-ufrag:d4e5',
  'a=ice-pwd:1a2b3c4d5e6f7a8b9c0d1e2f3a',
  'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${sha256}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:65536',
)

/** RFC 8829 §7.3: rich in lines; the data section is bundled into the audio section. */
const jsepOffer = lines(
  'v=0',
  'o=- 1070771854436052752 1 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  'a=ice-options:trickle ice2',
  'a=group:BUNDLE a1 d1',
  'a=group:LS a1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 96 0 8',
  'c=IN IP4 0.0.0.0',
  'a=mid:a1',
  'a=sendrecv',
  'a=rtpmap:96 opus/48000/2',
  'a=maxptime:120',
  'a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=msid:71317484-2ed4-49d7-9eb7-1414322a7aae',
  'a=ice-ufrag:4ZcD',
  'a=ice-pwd:ZaaG6OG7tCn4J/lehAGz+HHD',
  `a=fingerprint:sha-256 ${sha256}`,
  'a=setup:actpass',
  'a=tls-id:7a25ab85b195acaf3121f5a8ab4f0f71',
  'a=rtcp-mux',
  'a=rtcp-mux-only',
  'a=rtcp-rsize',
  'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=mid:d1',
  'a=sctp-port:5000',
  'a=max-message-size:65536',
  'a=bundle-only',
)

const earlyOffer = lines(
  'v=0',
  'o=- 6382910471203948571 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE data',
  'a=msid-semantic: WMS',
  'm=application 9 DTLS/SCTP 5000',
  'c=IN IP4 0.0.0.0',
  'b=AS:30',
  'a=ice-ufrag:1Qaz2Wsx3Edc4Rfv',
  'a=ice-pwd:5Tgb6Yhn7Ujm8Ik9Ol0Pp1Qq',
  'a=ice-options:google-ice',
  `a=fingerprint:sha-256 ${sha256.toLowerCase()}`,
  'a=setup:actpass',
  'a=mid:data',
  'a=sctpmap:5000 webrtc-datachannel 1024',
)

export const fixtures: readonly Fixture[] = [
  { from: 'Chromium, an offer', text: chromiumOffer, data: 0 },
  { from: 'Chromium, an offer of early handshakes', text: chromiumEarlyHandshakeOffer, data: 0 },
  { from: 'Chromium, an answer', text: chromiumAnswer, data: 0 },
  { from: 'Firefox, an offer', text: firefoxOffer, data: 0 },
  { from: 'Firefox, an offer of audio, video and data', text: firefoxMediaOffer, data: 2 },
  { from: 'Safari, an offer of audio and data', text: safariOffer, data: 1 },
  { from: 'libdatachannel, an offer', text: libdatachannelOffer, data: 0 },
  { from: 'Pion, an answer', text: pionAnswer, data: 0 },
  { from: 'aiortc, an offer', text: aiortcOffer, data: 0 },
  { from: 'werift, an offer', text: werift, data: 0 },
  { from: 'the examples of RFC 8829, an offer of audio and data', text: jsepOffer, data: 1 },
  { from: 'an early browser, an offer', text: earlyOffer, data: 0 },
  {
    from: 'Chromium, an offer without its ICE options',
    text: chromiumOffer.replace('a=ice-options:trickle\r\n', ''),
    data: 0,
  },
  { from: 'Firefox, an offer with LF alone', text: firefoxOffer.replaceAll('\r\n', '\n'), data: 0 },
  { from: 'Safari, an offer without its last line end', text: safariOffer.trimEnd(), data: 1 },
  {
    from: 'Chromium, an answer with its bandwidth moved behind the attributes',
    text: `${chromiumAnswer.replace('b=AS:30\r\n', '')}b=AS:512\r\n`,
    data: 0,
  },
]

/** A fixture by the beginning of its name. */
export function fixture(from: string): string {
  const found = fixtures.find(each => each.from.startsWith(from))
  if (found === undefined) throw new Error(`no fixture from ${from}`)
  return found.text
}

/** The smallest description there is, with lines added to its session section. */
export function sessionWith(...added: readonly string[]): string {
  return lines('v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', ...added)
}

/** The smallest description with one data section, with lines added to that. */
export function mediaWith(...added: readonly string[]): string {
  return sessionWith('m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', ...added)
}

export function lines(...all: readonly string[]): string {
  return all.map(line => `${line}\r\n`).join('')
}

/** Descriptions that a peer could send to do harm. All say enough of transport to be answered, if what they add is fit for it. */

const fingerprint = `a=fingerprint:sha-256 ${new Array(32).fill('AB').join(':')}`
const credentials = ['a=ice-ufrag:abcd', `a=ice-pwd:${'p'.repeat(22)}`, fingerprint]

export function lines(...all: readonly string[]): string {
  return all.map(line => `${line}\r\n`).join('')
}

export function numbered(n: number, line: (index: number) => string): string[] {
  return Array.from({ length: Math.floor(n) }, (_, index) => line(index))
}

/** The lines of a session section, and what follows it. */
export function session(added: readonly string[], ...sections: readonly (readonly string[])[]): string {
  return lines('v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', ...credentials, ...added, ...sections.flat())
}

export function video(...added: readonly string[]): string[] {
  const section = [
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'c=IN IP4 0.0.0.0',
    'a=mid:v',
    'a=rtcp-mux',
    'a=rtpmap:96 VP8/90000',
  ]
  return [...section, ...added]
}

export function data(...added: readonly string[]): string[] {
  return ['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:d', 'a=sctp-port:5000', ...added]
}

/** `n` sections of PCMU, of which each is named by its number. */
function audios(n: number, port = 9): string[] {
  return numbered(n, i => `m=audio ${port} UDP/TLS/RTP/SAVPF 0\r\na=mid:${i}\r\na=rtcp-mux`)
}

function bundle(n: number): string {
  return `a=group:BUNDLE ${numbered(n, String).join(' ')}`
}

const h264 = (parameters: number): string[] => [
  `m=video 9 UDP/TLS/RTP/SAVPF ${numbered(30, i => String(96 + i)).join(' ')}`,
  'a=mid:v',
  'a=rtcp-mux',
  ...numbered(30, i => `a=rtpmap:${96 + i} H264/90000`),
  ...numbered(30, i => `a=fmtp:${96 + i} packetization-mode=1;profile-level-id=42e01f;${'x=1;'.repeat(parameters)}`),
]

/** A shape, the largest `n` for it, and the description of a size: one that is answered, whatever `n` is. */
export type Shape = readonly [what: string, n: number, grow: (n: number) => string]

export const growing: readonly Shape[] = [
  ['sections in a bundle', 512, n => session([bundle(n)], audios(n))],
  ['sections with a transport each', 512, n => session([], audios(n))],
  ['rejected sections', 512, n => session([], audios(n, 0))],
  [
    'data sections',
    512,
    n =>
      session(
        [bundle(n)],
        ...numbered(n, i =>
          lines(...data())
            .replace('mid:d', `mid:${i}`)
            .trimEnd(),
        ).map(text => [text]),
      ),
  ],
  [
    'sections and groups',
    512,
    n =>
      session(
        numbered(n * 8, () => 'a=group:BUNDLE x'),
        audios(n),
      ),
  ],
  ['sections and members of a group', 512, n => session([`a=group:BUNDLE${' y z'.repeat(n * 20)}`], audios(n))],
  [
    'sections and attributes of the session',
    512,
    n => session([...numbered(n * 20, () => 'a=x:y'), bundle(n)], audios(n)),
  ],
  [
    'sections with header extensions of the session',
    256,
    n => session([...numbered(128, i => `a=extmap:${4096 + i} urn:${i}`), bundle(n)], audios(n)),
  ],
  [
    'sections of 64 streams',
    128,
    n =>
      session(
        [bundle(n)],
        audios(n).flatMap((audio, at) => [audio, ...numbered(64, i => `a=msid:s${at}.${i} t`)]),
      ),
  ],
  [
    'groups',
    8_000,
    n =>
      session(
        numbered(n, () => 'a=group:BUNDLE v'),
        video(),
      ),
  ],
  [
    'candidates',
    8_000,
    n => session([], data(...numbered(n, i => `a=candidate:${i} 1 udp 1 192.0.2.1 ${i + 1} typ host`))),
  ],
  [
    'candidates of names',
    8_000,
    n => session([], data(...numbered(n, i => `a=candidate:${i} 1 udp 1 n${i}.local ${i + 1} typ host`))),
  ],
  [
    'fingerprints',
    8_000,
    n =>
      session(
        numbered(n, i => `a=fingerprint:x${i} 00`),
        data(),
      ),
  ],
  [
    'ICE options',
    20_000,
    n =>
      session(
        numbered(n, i => `a=ice-options:o${i}`),
        data(),
      ),
  ],
  ['attributes that nobody knows', 40_000, n => session([], video(...numbered(n, i => `a=x${i}`)))],
  [
    'rids',
    240,
    n =>
      session(
        [],
        video(...numbered(n, i => `a=rid:r${i} send`), `a=simulcast:send ${numbered(n, i => `r${i}`).join(';')}`),
      ),
  ],
  [
    'simulcast streams of one rid',
    40_000,
    n => session([], video('a=rid:r send', `a=simulcast:send r${';r'.repeat(n)}`)),
  ],
  ['sources', 1_000, n => session([], video(...numbered(n, i => `a=ssrc:${i} cname:x`)))],
  [
    'pairs of sources',
    1_000,
    n =>
      session(
        [],
        video(...numbered(n, i => `a=ssrc-group:FID ${i} ${i + 5_000}`), ...numbered(n, i => `a=ssrc:${i} cname:x`)),
      ),
  ],
  ['maps that say the same', 30_000, n => session([], video(...numbered(n, () => 'a=rtpmap:96 VP8/90000')))],
  ['parameters of one name', 40_000, n => session([], video(`a=fmtp:96 ${'x=1;'.repeat(n)}`))],
  ['parameters', 20_000, n => session([], video(`a=fmtp:96 ${numbered(n, i => `x${i}=1`).join(';')}`))],
  ['lines of parameters', 15_000, n => session([], video(...numbered(n, i => `a=fmtp:96 x${i}=1`)))],
  ['parameters of each of 30 codecs', 600, n => session([], h264(n))],
  [
    'formats that are repeated',
    60_000,
    n =>
      session(
        [],
        video().map((line, i) => (i === 0 ? `${line}${' 96'.repeat(n)}` : line)),
      ),
  ],
  ['bandwidths', 20_000, n => session([], video(...numbered(n, () => 'b=AS:1')))],
  [
    'maps of the old form of data',
    10_000,
    n =>
      session(
        [],
        [
          'm=application 9 DTLS/SCTP 5000',
          'a=mid:d',
          ...numbered(n, i => `a=y:${i}`),
          'a=sctpmap:5000 webrtc-datachannel 1',
        ],
      ),
  ],
]

const many = 100_000

/** What comes of a description: `ok`, the line of a syntax error (null: it was not read), or the name of another error. */
export type Outcome = 'ok' | number | null | 'InvalidAccessError'

/** 10 MB, or 10^5 of something: what the bounds let through, and what they stop. */
export const oversized: readonly (readonly [what: string, sdp: () => string, outcome: Outcome])[] = [
  [
    '10 MB of candidates',
    () =>
      session(
        [],
        data('a=candidate:1 1 udp 1 192.0.2.1 9 typ host generation 0 network-id 1\r\n'.repeat(150_000).trimEnd()),
      ),
    null,
  ],
  ['10 MB on one line', () => session([`a=x:${'y'.repeat(10_000_000)}`], data()), null],
  ['10 MB of line ends', () => session([], data()) + '\r\n'.repeat(5_000_000), null],
  ['10 MB without a line end', () => 'v'.repeat(10_000_000), null],
  [
    '10^5 sections',
    () =>
      session(
        [],
        numbered(many, () => 'm=x 0 x'),
      ),
    7 + 1_025,
  ],
  [
    '10^5 attributes of the session',
    () =>
      session(
        numbered(many, () => 'a=x'),
        data(),
      ),
    'ok',
  ],
  ['10^5 attributes of a section', () => session([], video(...numbered(many, () => 'a=x'))), 'ok'],
  [
    '10^5 candidates',
    () => session([], data(...numbered(many, i => `a=candidate:${i} 1 udp 1 192.0.2.1 9 typ host`))),
    null,
  ],
  [
    '20,000 candidates',
    () => session([], data(...numbered(20_000, i => `a=candidate:${i} 1 udp 1 ::${i} 9 typ host`))),
    'ok',
  ],
  ['30,000 lines of parameters', () => session([], video(...numbered(30_000, i => `a=fmtp:96 x${i}=1`))), 'ok'],
  [
    '40,000 maps',
    () => session([], video(...numbered(40_000, i => `a=rtpmap:${i % 90 > 63 ? 97 : i % 90} x/${1 + (i % 90)}`))),
    12 + 64 + 2,
  ],
  [
    '40,000 header extensions',
    () => session([], video(...numbered(40_000, i => `a=extmap:4096 urn:${i}`))),
    'InvalidAccessError',
  ],
  ['40,000 rids', () => session([], video(...numbered(40_000, i => `a=rid:r${i} send`))), 'InvalidAccessError'],
  ['40,000 sources', () => session([], video(...numbered(40_000, i => `a=ssrc:${i} cname:x`))), 'InvalidAccessError'],
  [
    '40,000 groups of sources',
    () => session([], video(...numbered(40_000, () => 'a=ssrc-group:FID 1 2'))),
    'InvalidAccessError',
  ],
  [
    '40,000 kinds of feedback',
    () => session([], video(...numbered(40_000, i => `a=rtcp-fb:96 x${i}`))),
    'InvalidAccessError',
  ],
  [
    '50,000 groups',
    () =>
      session(
        numbered(50_000, () => 'a=group:BUNDLE v'),
        video(),
      ),
    'ok',
  ],
  ['10^5 members of a group', () => session([`a=group:BUNDLE${' v'.repeat(many)}`], video()), 'ok'],
  [
    '10^5 formats',
    () =>
      session(
        [],
        ['m=video 9 UDP/TLS/RTP/SAVPF 96'.concat(' 96'.repeat(many)), 'a=mid:v', 'a=rtcp-mux', 'a=rtpmap:96 VP8/90000'],
      ),
    'ok',
  ],
  [
    'a mid of 16 characters',
    () =>
      session(
        [],
        data().map(line => (line === 'a=mid:d' ? 'a=mid:0123456789abcdef' : line)),
      ),
    'ok',
  ],
  [
    'a mid of 17 characters',
    () =>
      session(
        [],
        data().map(line => (line === 'a=mid:d' ? 'a=mid:0123456789abcdefg' : line)),
      ),
    'InvalidAccessError',
  ],
  [
    'a mid of 500,000 characters',
    () =>
      session(
        [],
        video().map(line => (line === 'a=mid:v' ? `a=mid:${'m'.repeat(500_000)}` : line)),
      ),
    'InvalidAccessError',
  ],
  [
    'a candidate of 500,000 characters',
    () => session([], data(`a=candidate:1 1 udp 1 192.0.2.1 9 typ host${' a b'.repeat(125_000)}`)),
    11,
  ],
  ['a password of 500,000 characters', () => session([], data(`a=ice-pwd:${'p'.repeat(500_000)}`)), 11],
]

import assert from 'node:assert/strict'
import { IceError } from '../../src/ice/errors.ts'
import { parseServerUrl } from '../../src/ice/server-url.ts'

describe('The URL of a STUN or TURN server', () => {
  it('says host, port and transport', () => {
    const cases: readonly [string, string, string, number, string][] = [
      ['stun:example.org', 'stun', 'example.org', 3478, 'udp'],
      ['stuns:example.org', 'stuns', 'example.org', 5349, 'tls'],
      ['turn:example.org', 'turn', 'example.org', 3478, 'udp'],
      ['turns:example.org', 'turns', 'example.org', 5349, 'tls'],
      ['turn:example.org?transport=udp', 'turn', 'example.org', 3478, 'udp'],
      ['turn:example.org?transport=tcp', 'turn', 'example.org', 3478, 'tcp'],
      ['turns:example.org?transport=tcp', 'turns', 'example.org', 5349, 'tls'],
      ['turns:example.org?transport=udp', 'turns', 'example.org', 5349, 'dtls'],
      ['stun:example.org:8000', 'stun', 'example.org', 8000, 'udp'],
      ['turns:example.org:1?transport=tcp', 'turns', 'example.org', 1, 'tls'],
      // The usual port of `https`, which parsers of URLs leave out.
      ['turn:example.org:443?transport=tcp', 'turn', 'example.org', 443, 'tcp'],
      ['turns:[2001:db8::1]:443', 'turns', '2001:db8::1', 443, 'tls'],
      // RFC 3986 §3.2.3: a port may be empty
      ['stun:example.org:', 'stun', 'example.org', 3478, 'udp'],
      ['stun:192.0.2.1:65535', 'stun', '192.0.2.1', 65535, 'udp'],
      ['STUN:Example.ORG', 'stun', 'example.org', 3478, 'udp'],
      ['stun:[2001:DB8:0:0::1]', 'stun', '2001:db8::1', 3478, 'udp'],
      ['stun:[::ffff:192.0.2.1]', 'stun', '192.0.2.1', 3478, 'udp'],
      ['stun:münchen.example', 'stun', 'xn--mnchen-3ya.example', 3478, 'udp'],
    ]
    for (const [url, scheme, host, port, transport] of cases) {
      assert.deepEqual(parseServerUrl(url), { scheme, host, port, transport, url }, url)
    }
  })

  it('is refused if webrtc-pc §4.4.1.5 says so', () => {
    const bad = [
      // step 2: no URL, or not one of the four schemes
      ...['', 'example.org', 'http://example.org', 'https:example.org', 'stunx:example.org', 'xturn:example.org', ':h'],
      ...['constructor:h', 'stun', 'javascript:alert(1)'],
      // a path that is not opaque, or that says more than host and port
      ...[
        'stun://example.org',
        'turn:/example.org',
        'stun:example.org/',
        'turn:example.org/a',
        'turn:user@example.org',
      ],
      ...['turn:user:pass@example.org:1', 'stun:example.org\\a', 'turn:example.org\\'],
      // a fragment
      ...['stun:example.org#', 'turn:example.org#a', 'turn:example.org?transport=udp#'],
      // a query of STUN
      ...['stun:example.org?', 'stuns:example.org?transport=tcp', 'stun:example.org?transport=udp'],
      // step 5: no host and port
      ...['stun:', 'turn::3478', 'stun:example.org:65536', 'stun:example.org:-1', 'stun:example.org:x', 'stun:a:1:2'],
      ...[
        'stun:[2001:db8::1',
        'stun:2001:db8::1',
        'stun:[::1%25lo]',
        'stun:a b',
        'stun:256.0.0.1',
        'stun:%2f',
        'stun:a%40b',
      ],
      // step 6: any other query
      ...['turn:example.org?', 'turn:example.org?transport=', 'turn:example.org?transport=sctp'],
      ...['turn:example.org?transport=UDP', 'turn:example.org?transport=udp&a=b', 'turn:example.org?a=b&transport=tcp'],
      // nothing can be there
      'stun:example.org:0',
    ]
    for (const url of bad) {
      assert.throws(
        () => parseServerUrl(url),
        (error: unknown) => error instanceof IceError && error.code === 'invalid-url',
        url,
      )
    }
  })

  it('is not repeated in the error, as there may be a password in it', () => {
    assert.throws(
      () => parseServerUrl('turn:user:canary@example.org'),
      (error: unknown) => error instanceof IceError && !error.message.includes('canary'),
    )
  })
})

import assert from 'node:assert/strict'
import { encodeProtocols } from '../../src/dtls/application-protocol.ts'
import { helloGraceMs } from '../../src/dtls/doubts.ts'
import { ExtensionType } from '../../src/dtls/extensions.ts'
import { decodeClientHello, decodeServerHello, encodeClientHello, encodeServerHello } from '../../src/dtls/hello.ts'
import type { DtlsOptions } from '../../src/dtls/index.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { createPair, exchange, type Pair, start, withTampering } from './support.ts'

const { applicationLayerProtocolNegotiation } = ExtensionType

type Protocols = DtlsOptions['protocols']

/** What an end speaks; nothing: the extension is unknown to it. */
function speaks(names: readonly string[], required = false): { protocols: NonNullable<Protocols> } {
  return { protocols: { names, required } }
}

function run(version: '1.2' | '1.3', client: Partial<DtlsOptions>, server: Partial<DtlsOptions>): Pair {
  const only = { minVersion: version, maxVersion: version }
  const pair = createPair({ client: { ...only, ...client }, server: { ...only, ...server } })
  start(pair)
  exchange(pair)
  if (pair.server.dtls.state === 'connecting') {
    // A better hello may come, for a moment.
    pair.server.dtls.handleTimeout(helloGraceMs)
    exchange(pair)
    pair.server.drainEvents()
  }
  return pair
}

for (const version of ['1.2', '1.3'] as const) {
  describe(`The application protocol of DTLS ${version}`, () => {
    const agreed: readonly [string, Partial<DtlsOptions>, Partial<DtlsOptions>, string | undefined][] = [
      ['the favourite of the server', speaks(['webrtc', 'c-webrtc']), speaks(['c-webrtc', 'webrtc']), 'c-webrtc'],
      ['the one that the client insists on', speaks(['c-webrtc'], true), speaks(['webrtc', 'c-webrtc']), 'c-webrtc'],
      ['the one that the server insists on', speaks(['webrtc', 'c-webrtc']), speaks(['c-webrtc'], true), 'c-webrtc'],
      ['none where the server does not know of any', speaks(['webrtc']), {}, undefined],
      ['none where the client does not offer any', {}, speaks(['webrtc']), undefined],
    ]
    for (const [what, client, server, expected] of agreed) {
      it(`is ${what}`, () => {
        const pair = run(version, client, server)
        for (const end of [pair.client, pair.server]) {
          assert.equal(end.failure, undefined)
          assert.equal(end.dtls.applicationProtocol, expected)
        }
      })
    }

    it('ends the handshake where the server has nothing in common with the client (RFC 7301 §3.2)', () => {
      const { server } = run(version, speaks(['c-webrtc']), speaks(['webrtc']))
      assert.equal(server.failure, 'no-application-protocol')
    })

    it('ends the handshake where an end insists on one, and the other knows of none', () => {
      assert.equal(run(version, speaks(['c-webrtc'], true), {}).client.failure, 'no-application-protocol')
      assert.equal(run(version, {}, speaks(['c-webrtc'], true)).server.failure, 'no-application-protocol')
    })

    it('ends the handshake where the list is cut short', () => {
      for (const data of [Uint8Array.of(0), Uint8Array.of(0, 9, 1, 65), Uint8Array.of(0, 2, 5, 65)]) {
        const { server } = withTampering(
          (type, body) => {
            if (type !== HandshakeType.clientHello) return body
            const hello = decodeClientHello(body)
            const extensions = new Map([...hello.extensions, [applicationLayerProtocolNegotiation, data] as const])
            return encodeClientHello({ ...hello, extensions })
          },
          () => run(version, speaks(['webrtc']), speaks(['webrtc'])),
        )
        assert.equal(server.failure, 'decode-error')
      }
    })
  })
}

describe('The application protocol that a server of DTLS 1.2 chooses', () => {
  for (const names of [['other'], ['webrtc', 'c-webrtc'], []]) {
    it(`ends the handshake where it is ${names.length === 0 ? 'none' : names.join(' and ')}`, () => {
      const { client } = withTampering(
        (type, body) => {
          if (type !== HandshakeType.serverHello) return body
          const hello = decodeServerHello(body)
          const added = [applicationLayerProtocolNegotiation, encodeProtocols(names)] as const
          return encodeServerHello({ ...hello, extensions: new Map([...hello.extensions, added]) })
        },
        () => run('1.2', speaks(['webrtc', 'c-webrtc']), speaks(['webrtc'])),
      )
      // RFC 7301 §3.1: a list has one name at least
      assert.equal(client.failure, names.length === 0 ? 'decode-error' : 'illegal-parameter')
    })
  }

  it('ends the handshake where it is empty', () => {
    const { client } = withTampering(
      (type, body) => {
        if (type !== HandshakeType.serverHello) return body
        const hello = decodeServerHello(body)
        const added = [applicationLayerProtocolNegotiation, encodeProtocols([''])] as const
        return encodeServerHello({ ...hello, extensions: new Map([...hello.extensions, added]) })
      },
      () => run('1.2', speaks(['webrtc']), speaks(['webrtc'])),
    )
    assert.equal(client.failure, 'decode-error')
  })
})

import assert from 'node:assert/strict'
import { ExtensionType } from '../../src/dtls/extensions.ts'
import { type ClientHello, decodeClientHello, encodeClientHello } from '../../src/dtls/hello.ts'
import { nodeCryptoProvider } from '../../src/dtls/index.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { RetryCookies } from '../../src/dtls/v13/cookies.ts'
import { encodeClientShares, encodeCookie } from '../../src/dtls/v13/extensions.ts'
import { prng } from '../support/prng.ts'
import { createPair, type Endpoint, handshakeFragment, type Pair, plaintextRecord, start } from './support.ts'

/** ClientHellos for all versions, of clients that nobody waits for. */
const strangersHellos: readonly ClientHello[] = [1, 2, 3, 4, 5].map(strangersHello)

function strangersHello(seed: number): ClientHello {
  const { client } = createPair({ seed: 1000 + seed, options: { maxVersion: '1.3', groups: ['x25519'] } })
  client.dtls.start(0)
  const [datagram = new Uint8Array()] = client.transmits()
  return decodeClientHello(datagram.subarray(13 + 12))
}

function withExtension(hello: ClientHello, type: number, data: Uint8Array | undefined): ClientHello {
  const extensions = new Map(hello.extensions)
  if (data === undefined) extensions.delete(type)
  else extensions.set(type, data)
  return { ...hello, extensions }
}

const x25519 = 29
const lowOrder = encodeClientShares([{ group: x25519, key: new Uint8Array(32) }])
const cutOff = encodeClientShares([{ group: x25519, key: new Uint8Array(31) }])

/** A cookie that another server made. */
function foreignCookie(hello: ClientHello): Uint8Array {
  const jar = new RetryCookies(nodeCryptoProvider, length => new Uint8Array(length).fill(7))
  return encodeCookie(jar.bake({ helloHash: new Uint8Array(32), suite: 0x1301, group: 0 }, hello))
}

type Change = (hello: ClientHello) => ClientHello

/** Hellos that no server can answer, each for another reason, most of which are found only after much else was right. */
const unusable: Readonly<Record<string, Change>> = {
  'no suite of ours': hello => ({ ...hello, cipherSuites: [0x009c, 0x1399] }),
  'a key share of low order': hello => withExtension(hello, ExtensionType.keyShare, lowOrder),
  'a key share that is cut off': hello => withExtension(hello, ExtensionType.keyShare, cutOff),
  'no key share': hello => withExtension(hello, ExtensionType.keyShare, undefined),
  'no signature algorithm of ours': hello =>
    withExtension(hello, ExtensionType.signatureAlgorithms, Buffer.of(0, 2, 0xfe, 0xfe)),
  'the cookie of another server': hello => withExtension(hello, ExtensionType.cookie, foreignCookie(hello)),
  'a cookie where DTLS 1.2 had it': hello => ({ ...hello, cookie: Buffer.alloc(20) }),
  'no version of ours': hello => withExtension(hello, ExtensionType.supportedVersions, Buffer.of(2, 3, 4)),
}

function spray(victim: Endpoint, change: (hello: ClientHello) => ClientHello, seed: number, now = 0): void {
  const random = prng(seed)
  for (const hello of strangersHellos) {
    const body = encodeClientHello(change(hello))
    const fragment = handshakeFragment(HandshakeType.clientHello, random.next() % 4, body)
    victim.receive(plaintextRecord(22, fragment, random.next()), now)
  }
}

function connects(pair: Pair, send: () => void): void {
  const disturb = (): void => {
    send()
    // A cookie that this was answered with: to the real client it would be one that somebody forged. Here it gets lost.
    pair.server.transmits()
  }
  start(pair)
  disturb()
  for (let round = 0; round < 6; round++) {
    const toServer = pair.client.transmits()
    disturb()
    for (const datagram of toServer) pair.server.receive(datagram)
    const toClient = pair.server.transmits()
    disturb()
    for (const datagram of toClient) pair.client.receive(datagram)
  }
  assert.deepEqual([pair.client.failure, pair.server.failure], [undefined, undefined])
  assert.deepEqual([pair.client.dtls.state, pair.server.dtls.state], ['connected', 'connected'])
  pair.server.receive(pair.client.dtls.seal(Buffer.from('a')))
  pair.client.receive(pair.server.dtls.seal(Buffer.from('b')))
  assert.deepEqual([pair.server.data, pair.client.data], [['a'], ['b']])
}

describe('ClientHellos of somebody off the path', () => {
  for (const maxVersion of ['1.2', '1.3'] as const) {
    for (const [title, change] of Object.entries(unusable)) {
      for (const victim of ['client', 'server'] as const) {
        it(`with ${title} do not keep a ${victim} of DTLS ${maxVersion} from connecting`, () => {
          for (const peerAddressValidated of [true, false]) {
            const pair = createPair({ options: { maxVersion, peerAddressValidated, mtu: 600 } })
            connects(pair, () => spray(pair[victim], change, 5))
          }
        })
      }
    }

    it(`in pieces that never become whole leave room for the real one, in DTLS ${maxVersion}`, () => {
      const random = prng(12)
      const pair = createPair({ options: { maxVersion, mtu: 300 } })
      connects(pair, () => {
        for (let n = 0; n < 60; n++) {
          const length = 1 + (random.next() % 24_000)
          const piece = handshakeFragment(HandshakeType.clientHello, random.next() % 20, new Uint8Array(length), 0, 1)
          pair.server.receive(plaintextRecord(22, piece, random.next()))
        }
      })
    })
  }
})

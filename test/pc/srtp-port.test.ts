import assert from 'node:assert/strict'
import { type SrtpAssociation, SrtpPort, type SrtpUser } from '../../src/pc/srtp-port.ts'
import { keyingMaterialLength, type SrtpSession, srtpProfile } from '../../src/srtp/index.ts'
import { prng } from '../support/prng.ts'

const profile = 7

/** What a handshake of so and so would export, and all that was. */
function association(seed: number, negotiated: number | undefined = profile) {
  const exported: Uint8Array[] = []
  const session = { version: 'FEFC', cipherSuite: '', group: '', srtpProfile: negotiated }
  const dtls: SrtpAssociation = {
    session,
    exportKeyingMaterial: (label, length) => {
      assert.equal(label, 'EXTRACTOR-dtls_srtp')
      const material = prng(seed).bytes(length)
      exported.push(material)
      return material
    },
  }
  return { dtls, exported }
}

function user(): SrtpUser & { readonly keys: SrtpSession[]; readonly packets: Uint8Array[] } {
  const [keys, packets]: [SrtpSession[], Uint8Array[]] = [[], []]
  return {
    keys,
    packets,
    takes: 'rtp and rtcp',
    receiveRtp: data => packets.push(data),
    receiveRtcp: data => packets.push(data),
    keyed: srtp => keys.push(srtp),
    unkeyed: () => {},
  }
}

function port() {
  const [sent, drops]: [Uint8Array[], string[]] = [[], []]
  const made = new SrtpPort({
    send: data => sent.push(data) > 0,
    schedule: () => {},
    drop: reason => drops.push(reason),
  })
  return { port: made, sent, drops }
}

const packet = Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 42)

describe('The SRTP port of a transport', () => {
  it('wipes what DTLS exported, and the keys when it closes', () => {
    const { dtls, exported } = association(1)
    const { port: own, drops } = port()
    const owner = user()
    own.attach(owner, 0)
    own.connected(dtls, 'client', 0)
    assert.deepEqual(exported, [new Uint8Array(keyingMaterialLength(srtpProfile(profile)))])
    const [srtp] = owner.keys
    own.close()
    assert.deepEqual(srtp?.protect(packet), { drop: 'closed' })
    assert.equal(own.send({ kind: 'rtp', data: packet, length: 13, protection: 'copy' }), false)
    own.receive(Uint8Array.from(packet), 0)
    own.attach(owner, 0)
    own.connected(dtls, 'client', 0)
    assert.deepEqual([drops, exported.length, owner.keys.length], [['srtp-closed', 'srtp-closed'], 1, 1])
  })

  it('makes no keys that nobody asks for, and one set for whoever asks', () => {
    const { dtls, exported } = association(2)
    const { port: own } = port()
    own.connected(dtls, 'client', 0)
    assert.deepEqual([exported.length, own.cipher], [0, undefined])
    const [first, second] = [user(), user()]
    own.attach(first, 0)
    own.detach(first)
    own.attach(second, 0)
    assert.equal(exported.length, 1)
    assert.equal(first.keys[0], second.keys[0])
    assert.equal(own.cipher, 'SRTP_AEAD_AES_128_GCM')
  })

  it('keeps its user when one of before is detached', () => {
    const { dtls } = association(3)
    const { port: own } = port()
    const [first, second] = [user(), user()]
    own.attach(first, 0)
    own.attach(second, 0)
    own.detach(first)
    own.connected(dtls, 'server', 0)
    assert.deepEqual([first.keys.length, second.keys.length], [0, 1])
  })

  it('is joined with its peer by the role of each in DTLS', () => {
    const [client, server] = [port(), port()]
    const taker = user()
    client.port.attach(user(), 0)
    server.port.attach(taker, 0)
    client.port.connected(association(4).dtls, 'client', 0)
    server.port.connected(association(4).dtls, 'server', 0)
    assert.ok(client.port.send({ kind: 'rtp', data: packet, length: 13, protection: 'copy' }))
    server.port.receive(client.sent[0] ?? packet, 0)
    assert.deepEqual(taker.packets, [packet])
  })

  it('wipes the keys of an association that is replaced, and makes others for the same user (RFC 5764 §4.2)', () => {
    const [{ dtls }, next] = [association(5), association(6)]
    const { port: own, sent, drops } = port()
    const owner = user()
    own.attach(owner, 0)
    own.connected(dtls, 'client', 0)
    const media = { kind: 'rtp', data: packet, length: 13, protection: 'copy' } as const
    assert.ok(own.send(media))
    own.renew()
    assert.deepEqual([own.isWaiting, own.cipher], [true, undefined])
    assert.deepEqual(owner.keys[0]?.protect(packet), { drop: 'closed' })
    assert.equal(own.send(media), false)
    // What comes now is of the next one.
    own.receive(Uint8Array.from(packet), 0)
    own.connected(next.dtls, 'server', 0)
    assert.equal(own.isWaiting, false)
    assert.equal(owner.keys.length, 2)
    assert.ok(own.send(media))
    assert.notDeepEqual(sent[0], sent[1])
    own.playEarly(0)
    assert.deepEqual(drops, ['srtp-closed', 'srtp-malformed'])
    // The end of one is not the end of all.
    own.close()
    own.renew()
    own.connected(association(7).dtls, 'client', 0)
    assert.equal(owner.keys.length, 3)
  })

  it('does not send in the clear what is said to be protected when there are no keys', () => {
    const { port: own, sent, drops } = port()
    own.attach(user(), 0)
    for (const protection of ['done', 'copy', 'in-place'] as const) {
      assert.equal(own.send({ kind: 'rtp', data: Uint8Array.from(packet), length: 13, protection }), false)
    }
    assert.deepEqual([sent, drops], [[], ['srtp-closed', 'srtp-closed', 'srtp-closed']])
  })
})

import assert from 'node:assert/strict'
import { codecCapabilities } from '../../../src/pc/rtp/codecs.ts'
import { RTCRtpTransceiver } from '../../../src/pc/rtp/rtc-rtp-transceiver.ts'
import { ExtensionUri } from '../../../src/rtp/extension-values.ts'
import { connected, FakeHost, transceiverOf } from './fakes.ts'

const named = (name: string) => (error: unknown) => {
  assert.equal((error as Error).name, name)
  return true
}

describe('RTCRtpTransceiver.direction', () => {
  it('is what the transceiver was created with, and asks for negotiation when it changes', () => {
    const host = new FakeHost()
    const { object } = transceiverOf(host, 'audio', { direction: 'recvonly' })
    assert.equal(object.direction, 'recvonly')
    object.direction = 'recvonly'
    assert.equal(host.negotiationsNeeded, 0)
    for (const direction of ['sendrecv', 'sendonly', 'inactive'] as const) {
      object.direction = direction
      assert.equal(object.direction, direction)
    }
    assert.equal(host.negotiationsNeeded, 3)
  })

  it('ignores what is no direction', () => {
    const host = new FakeHost()
    const { object } = transceiverOf(host, 'audio')
    for (const value of ['', 'SENDRECV', 'both', null, undefined, 1, {}]) object.direction = value as never
    assert.deepEqual([object.direction, host.negotiationsNeeded], ['sendrecv', 0])
  })

  it('throws TypeError for stopped, and InvalidStateError on a transceiver that is stopping', () => {
    const { object } = transceiverOf(new FakeHost(), 'audio')
    assert.throws(() => (object.direction = 'stopped'), TypeError)
    object.stop()
    for (const direction of ['inactive', 'stopped', 'sendrecv'] as const) {
      assert.throws(() => (object.direction = direction), named('InvalidStateError'))
    }
    assert.equal(object.direction, 'stopped')
  })
})

describe('RTCRtpTransceiver.currentDirection', () => {
  it('is null, then what was negotiated, and stopped once the section was given up', () => {
    const transceiver = transceiverOf(new FakeHost(), 'audio')
    assert.equal(transceiver.object.currentDirection, null)
    transceiver.currentDirection = 'sendonly'
    assert.equal(transceiver.object.currentDirection, 'sendonly')
    transceiver.object.stop()
    assert.equal(transceiver.object.currentDirection, 'sendonly')
    transceiver.stopped = true
    transceiver.currentDirection = null
    assert.equal(transceiver.object.currentDirection, 'stopped')
  })
})

describe('RTCRtpTransceiver.stop', () => {
  it('ends the track, and fires its event, in a task (mediacapture-streams §4.3.1), and asks for negotiation once', () => {
    const host = new FakeHost()
    const { object } = transceiverOf(host, 'video')
    const seen: string[] = []
    object.receiver.track.onended = () => seen.push(object.direction)
    object.stop()
    assert.deepEqual([seen, object.receiver.track.readyState], [[], 'live'])
    host.runTasks()
    assert.deepEqual([seen, object.receiver.track.readyState], [['stopped'], 'ended'])
    object.stop()
    assert.equal(host.negotiationsNeeded, 1)
  })

  it('throws InvalidStateError if the connection is closed', () => {
    const host = new FakeHost()
    const { object } = transceiverOf(host, 'video')
    host.isClosed = true
    assert.throws(() => object.stop(), named('InvalidStateError'))
  })
})

describe('RTCRtpTransceiver.setCodecPreferences', () => {
  const video = codecCapabilities('video')

  it('takes codecs that are implemented, in any order, each once', () => {
    const transceiver = transceiverOf(new FakeHost(), 'video')
    const reversed = [...video].reverse()
    transceiver.object.setCodecPreferences([...reversed, ...reversed])
    assert.deepEqual(transceiver.preferredCodecs, reversed)
    transceiver.object.setCodecPreferences([])
    assert.deepEqual(transceiver.preferredCodecs, [])
  })

  it('knows a codec by any case of its name and any order of its parameters', () => {
    const transceiver = transceiverOf(new FakeHost(), 'video')
    const sdpFmtpLine = 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1'
    transceiver.object.setCodecPreferences([{ mimeType: 'VIDEO/h264', clockRate: 90_000, sdpFmtpLine }])
    assert.equal(transceiver.preferredCodecs.length, 1)
  })

  const others: [string, object][] = [
    ['another name', { mimeType: 'video/VP7' }],
    [
      'a codec of the other kind',
      { mimeType: 'audio/opus', clockRate: 48_000, channels: 2, sdpFmtpLine: 'minptime=10;useinbandfec=1' },
    ],
    ['another clock rate', { clockRate: 48_000 }],
    ['channels where there are none', { channels: 1 }],
    ['parameters where there are none', { sdpFmtpLine: 'max-fr=30' }],
    ['no parameters where there are some', { mimeType: 'video/VP9' }],
    ['another profile', { mimeType: 'video/VP9', sdpFmtpLine: 'profile-id=2' }],
    [
      'another level',
      { mimeType: 'video/H264', sdpFmtpLine: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034' },
    ],
  ]
  for (const [what, members] of others) {
    it(`throws InvalidModificationError for ${what}, and keeps what there was`, () => {
      const transceiver = transceiverOf(new FakeHost(), 'video')
      transceiver.object.setCodecPreferences(video.slice(0, 1))
      const codec = { mimeType: 'video/VP8', clockRate: 90_000, ...members }
      assert.throws(() => transceiver.object.setCodecPreferences([...video, codec]), named('InvalidModificationError'))
      assert.deepEqual(transceiver.preferredCodecs, video.slice(0, 1))
    })
  }

  it('throws InvalidModificationError for retransmissions alone', () => {
    const { object } = transceiverOf(new FakeHost(), 'video')
    assert.throws(
      () => object.setCodecPreferences([{ mimeType: 'video/rtx', clockRate: 90_000 }]),
      named('InvalidModificationError'),
    )
  })

  it('throws TypeError for what is no sequence of codecs', () => {
    const { object } = transceiverOf(new FakeHost(), 'video')
    for (const codecs of [undefined, null, {}, 'VP8', [1], [{}], [{ mimeType: 'video/VP8' }]]) {
      assert.throws(() => object.setCodecPreferences(codecs as never), TypeError)
    }
    assert.throws(() => (object.setCodecPreferences as () => void)(), TypeError)
  })
})

describe('header extension control', () => {
  it('begins with all that are implemented, or with those of the transceiver before', () => {
    const { object } = transceiverOf(new FakeHost(), 'audio')
    const extensions = object.getHeaderExtensionsToNegotiate()
    assert.ok(extensions.some(({ uri, direction }) => uri === ExtensionUri.audioLevel && direction === 'sendrecv'))
    assert.deepEqual(object.getNegotiatedHeaderExtensions(), [])
    const headerExtensionsToNegotiate = extensions.map(({ uri }) => ({ uri, direction: 'recvonly' as const }))
    const second = transceiverOf(new FakeHost(), 'audio', { headerExtensionsToNegotiate })
    assert.deepEqual(second.object.getHeaderExtensionsToNegotiate(), headerExtensionsToNegotiate)
  })

  it('changes directions, on a copy', () => {
    const { object } = transceiverOf(new FakeHost(), 'audio')
    const extensions = object.getHeaderExtensionsToNegotiate()
    const level = extensions.find(({ uri }) => uri === ExtensionUri.audioLevel)
    Object.assign(level as object, { direction: 'stopped' })
    assert.notDeepEqual(object.getHeaderExtensionsToNegotiate(), extensions)
    object.setHeaderExtensionsToNegotiate(extensions)
    assert.deepEqual(object.getHeaderExtensionsToNegotiate(), extensions)
  })

  it('throws InvalidModificationError for fewer, others, another order, and giving up what is mandatory', () => {
    const { object } = transceiverOf(new FakeHost(), 'audio')
    const extensions = object.getHeaderExtensionsToNegotiate()
    const other = extensions.map((each, index) => (index === 1 ? { ...each, uri: 'urn:x' } : each))
    const withoutMid = (direction: string) =>
      extensions.map(each => (each.uri === ExtensionUri.mid ? { ...each, direction } : each))
    const bad = [
      [],
      extensions.slice(1),
      [...extensions, ...extensions],
      other,
      extensions.toReversed(),
      withoutMid('stopped'),
      withoutMid('sendonly'),
    ]
    for (const each of bad) {
      assert.throws(() => object.setHeaderExtensionsToNegotiate(each as never), named('InvalidModificationError'))
    }
    assert.deepEqual(object.getHeaderExtensionsToNegotiate(), extensions)
  })

  it('throws TypeError for what is no sequence of header extensions', () => {
    const { object } = transceiverOf(new FakeHost(), 'audio')
    for (const each of [undefined, null, 1, [{}], [{ uri: 'urn:x' }], [{ uri: 'urn:x', direction: 'both' }]]) {
      assert.throws(() => object.setHeaderExtensionsToNegotiate(each as never), TypeError)
    }
  })
})

describe('RTCRtpTransceiver', () => {
  it('shows its mid, and always the same sender and receiver', () => {
    const { transceiver } = connected('audio')
    const { object } = transceiver
    assert.deepEqual(
      [object.mid, object.sender, object.receiver],
      ['m', transceiver.sender.object, transceiver.receiver.object],
    )
  })

  it('looks as WebIDL has it', () => {
    assert.throws(() => new (RTCRtpTransceiver as unknown as new () => unknown)(), TypeError)
    assert.throws(() => RTCRtpTransceiver.prototype.mid, TypeError)
    assert.throws(() => RTCRtpTransceiver.prototype.stop(), TypeError)
    const { object } = transceiverOf(new FakeHost(), 'audio')
    assert.equal(String(object), '[object RTCRtpTransceiver]')
    const members: string[] = []
    for (const name in object) members.push(name)
    assert.deepEqual(members.sort(), [
      'currentDirection',
      'direction',
      'getHeaderExtensionsToNegotiate',
      'getNegotiatedHeaderExtensions',
      'mid',
      'receiver',
      'rtpHeaderEncryptionNegotiated',
      'sender',
      'setCodecPreferences',
      'setHeaderExtensionsToNegotiate',
      'stop',
      'stopped',
    ])
  })
})

import assert from 'node:assert/strict'
import { createMediaStream } from '../../../src/pc/media/media-stream.ts'
import { codecCapabilities } from '../../../src/pc/rtp/codecs.ts'
import type { RTCRtpSendParameters } from '../../../src/pc/rtp/parameters.ts'
import { RTCRtpSender } from '../../../src/pc/rtp/rtc-rtp-sender.ts'
import { ExtensionUri } from '../../../src/rtp/extension-values.ts'
import { connected, FakeHost, localTrack, section, transceiverOf } from './fakes.ts'

const rejectedWith = (name: string) => (error: unknown) => {
  assert.equal((error as Error).name, name)
  return true
}

function senderOf(kind: 'audio' | 'video', encodings: { rid?: string }[] = []) {
  const host = new FakeHost()
  const transceiver = transceiverOf(host, kind, { encodings })
  return { host, transceiver, sender: transceiver.sender.object }
}

/** Calls setParameters on what getParameters gives, changed. */
async function change(
  { host, sender }: { host: FakeHost; sender: RTCRtpSender },
  changes: (parameters: RTCRtpSendParameters) => void,
): Promise<void> {
  const parameters = sender.getParameters()
  changes(parameters)
  const done = sender.setParameters(parameters)
  done.catch(() => undefined)
  await host.settle()
  return done
}

describe('RTCRtpSender.getParameters', () => {
  it('gives one active encoding to a sender that was created without any', () => {
    const audio = senderOf('audio').sender.getParameters()
    assert.deepEqual(audio.encodings, [{ active: true, adaptivePtime: false, priority: 'low' }])
    const video = senderOf('video').sender.getParameters()
    assert.deepEqual(video.encodings, [
      { active: true, adaptivePtime: false, priority: 'low', scaleResolutionDownBy: 1 },
    ])
  })

  it('has no codecs and no header extensions before a negotiation', () => {
    const { codecs, headerExtensions, rtcp } = senderOf('video').sender.getParameters()
    assert.deepEqual(
      { codecs, headerExtensions, rtcp },
      { codecs: [], headerExtensions: [], rtcp: { cname: 'a-cname', reducedSize: false } },
    )
  })

  it('has the codecs of the peer, in order, each one with retransmissions that has them', () => {
    const vp8 = { payloadType: 40, name: 'VP8', clockRate: 90_000, feedback: [] }
    const rtx = { payloadType: 41, name: 'rtx', clockRate: 90_000, fmtp: 'apt=40', feedback: [] }
    const { transceiver } = connected('video', {}, section({ kind: 'video', remote: [vp8, rtx] }))
    const { codecs, rtcp } = transceiver.sender.object.getParameters()
    assert.deepEqual(codecs, [
      { mimeType: 'video/VP8', clockRate: 90_000, payloadType: 40 },
      { mimeType: 'video/rtx', clockRate: 90_000, sdpFmtpLine: 'apt=40', payloadType: 41 },
    ])
    assert.equal(rtcp.reducedSize, true)
  })

  it('keeps the transaction until the task is over, and begins another one then', () => {
    const { host, sender } = senderOf('audio')
    const first = sender.getParameters()
    assert.deepEqual(sender.getParameters(), first)
    assert.notEqual(sender.getParameters(), first)
    host.runTasks()
    assert.notEqual(sender.getParameters().transactionId, first.transactionId)
  })

  it('gives copies, through which nothing can be changed', () => {
    const { sender } = senderOf('video')
    const parameters = sender.getParameters()
    ;(parameters.encodings[0] as { active: boolean }).active = false
    assert.equal(sender.getParameters().encodings[0]?.active, true)
  })
})

describe('RTCRtpSender.setParameters', () => {
  it('changes what can be changed', async () => {
    const subject = senderOf('video')
    await change(subject, ({ encodings: [encoding] }) =>
      Object.assign(encoding as object, {
        active: false,
        maxBitrate: 1_000,
        maxFramerate: 5,
        priority: 'high',
        networkPriority: 'medium',
        scaleResolutionDownBy: 2,
      }),
    )
    assert.deepEqual(subject.sender.getParameters().encodings, [
      {
        active: false,
        adaptivePtime: false,
        maxBitrate: 1_000,
        maxFramerate: 5,
        priority: 'high',
        networkPriority: 'medium',
        scaleResolutionDownBy: 2,
      },
    ])
  })

  it('is rejected with InvalidStateError without getParameters, after its task, and twice on one of it', async () => {
    const { host, sender } = senderOf('audio')
    const parameters = sender.getParameters()
    host.runTasks()
    await assert.rejects(sender.setParameters(parameters), rejectedWith('InvalidStateError'))
    const again = sender.getParameters()
    const first = sender.setParameters(again)
    await host.settle()
    await first
    await assert.rejects(sender.setParameters(again), rejectedWith('InvalidStateError'))
  })

  it('is rejected with InvalidStateError once a negotiation has ended the transaction', async () => {
    const { transceiver, sender } = senderOf('audio')
    const parameters = sender.getParameters()
    transceiver.sender.transactionId = null
    await assert.rejects(sender.setParameters(parameters), rejectedWith('InvalidStateError'))
  })

  it('is rejected with InvalidStateError on a transceiver that is stopping', async () => {
    const { transceiver, sender } = senderOf('audio')
    const parameters = sender.getParameters()
    transceiver.object.stop()
    await assert.rejects(sender.setParameters(parameters), rejectedWith('InvalidStateError'))
  })

  const readOnly: [string, (parameters: RTCRtpSendParameters) => void][] = [
    ['the transactionId', parameters => (parameters.transactionId += '1')],
    ['the number of encodings', ({ encodings }) => encodings.push({})],
    ['the number of encodings to none', ({ encodings }) => encodings.splice(0)],
    ['the order of the encodings', ({ encodings }) => encodings.reverse()],
    ['a rid', ({ encodings: [encoding] }) => Object.assign(encoding as object, { rid: 'z' })],
    ['a rid to none', ({ encodings: [encoding] }) => delete encoding?.rid],
    ['the codecs', ({ codecs }) => codecs.reverse()],
    ['a member of a codec', ({ codecs: [codec] }) => Object.assign(codec as object, { payloadType: 1 })],
    ['the codecs to none', ({ codecs }) => codecs.splice(0)],
    ['the cname', ({ rtcp }) => (rtcp.cname = 'x')],
    ['the cname to none', ({ rtcp }) => delete rtcp.cname],
    ['reducedSize', ({ rtcp }) => (rtcp.reducedSize = !rtcp.reducedSize)],
    ['the header extensions', ({ headerExtensions }) => headerExtensions.push({ uri: 'urn:x', id: 1 })],
  ]
  for (const [what, changes] of readOnly) {
    it(`is rejected with InvalidModificationError if it changes ${what}`, async () => {
      const { host, transceiver } = connected('video', { encodings: [{ rid: 'a' }, { rid: 'b' }] })
      const sender = transceiver.sender.object
      await assert.rejects(change({ host, sender }, changes), rejectedWith('InvalidModificationError'))
      assert.deepEqual(
        sender.getParameters().encodings.map(({ rid }) => rid),
        ['a', 'b'],
      )
    })
  }

  it('is rejected with TypeError if a member is missing or of another type', async () => {
    const { sender } = senderOf('audio')
    for (const member of ['transactionId', 'encodings', 'codecs', 'rtcp', 'headerExtensions']) {
      const parameters = sender.getParameters()
      delete (parameters as unknown as Record<string, unknown>)[member]
      await assert.rejects(sender.setParameters(parameters), TypeError, member)
    }
    await assert.rejects((sender.setParameters as () => Promise<void>).call(sender), TypeError)
    const parameters = sender.getParameters()
    Object.assign(parameters.encodings[0] as object, { priority: 'highest' })
    await assert.rejects(sender.setParameters(parameters), TypeError)
  })

  it('is rejected with RangeError for a scale below 1 and a negative frame rate, of video', async () => {
    for (const members of [{ scaleResolutionDownBy: 0.9 }, { maxFramerate: -1 }]) {
      const failing = change(senderOf('video'), ({ encodings: [encoding] }) =>
        Object.assign(encoding as object, members),
      )
      await assert.rejects(failing, RangeError)
    }
  })

  it('takes the scale and the frame rate out of encodings of audio, whatever they are', async () => {
    const subject = senderOf('audio')
    await change(subject, ({ encodings: [encoding] }) =>
      Object.assign(encoding as object, { scaleResolutionDownBy: 0.1, maxFramerate: -1 }),
    )
    assert.deepEqual(subject.sender.getParameters().encodings, [
      { active: true, adaptivePtime: false, priority: 'low' },
    ])
  })

  it('puts back a scale of 1 that was taken out', async () => {
    const subject = senderOf('video')
    await change(subject, ({ encodings: [encoding] }) => delete encoding?.scaleResolutionDownBy)
    assert.equal(subject.sender.getParameters().encodings[0]?.scaleResolutionDownBy, 1)
  })

  it('takes a codec that was negotiated and no other; before a negotiation, any that is implemented', async () => {
    const choose =
      (mimeType: string) =>
      ({ encodings: [encoding], codecs }: RTCRtpSendParameters): void => {
        const codec = (codecs.length > 0 ? codecs : codecCapabilities('video')).find(each => each.mimeType === mimeType)
        Object.assign(encoding as object, { codec: codec ?? { mimeType, clockRate: 90_000 } })
      }
    await change(senderOf('video'), choose('video/VP9'))
    await assert.rejects(change(senderOf('video'), choose('video/H263')), rejectedWith('InvalidModificationError'))
    const vp8 = [{ payloadType: 40, name: 'VP8', clockRate: 90_000, feedback: [] }]
    const { host, transceiver } = connected('video', {}, section({ kind: 'video', remote: vp8 }))
    const subject = { host, sender: transceiver.sender.object }
    await change(subject, choose('video/VP8'))
    assert.equal(subject.sender.getParameters().encodings[0]?.codec?.mimeType, 'video/VP8')
    const other = { mimeType: 'video/VP9', clockRate: 90_000, sdpFmtpLine: 'profile-id=0' }
    const failing = change(subject, ({ encodings: [encoding] }) => Object.assign(encoding as object, { codec: other }))
    await assert.rejects(failing, rejectedWith('InvalidModificationError'))
  })

  it('asks the source for a keyframe, once, where an encoding begins or the options say so', async () => {
    const { source, track } = localTrack('video')
    const { host, transceiver } = connected('video', { track, encodings: [{ rid: 'a' }, { rid: 'b', active: false }] })
    const sender = transceiver.sender.object
    source.keyframeRequests.length = 0
    await change({ host, sender }, ({ encodings }) => Object.assign(encodings[1] as object, { active: true }))
    assert.deepEqual(source.keyframeRequests, ['b'])
    const done = sender.setParameters(sender.getParameters(), { encodingOptions: [{ keyFrame: true }, {}] })
    await host.settle()
    await done
    assert.deepEqual(source.keyframeRequests, ['b', 'a'])
  })

  it('sets each encoding that an answer has left, if a layer goes before the task comes', async () => {
    const { source, track } = localTrack('video')
    const { host, transceiver } = connected('video', { track, encodings: [{ rid: 'q' }, { rid: 'h' }, { rid: 'f' }] })
    const sender = transceiver.sender.object
    source.keyframeRequests.length = 0
    const parameters = sender.getParameters()
    for (const [index, encoding] of parameters.encodings.entries()) encoding.maxBitrate = 1_000 * (index + 1)
    const done = sender.setParameters(parameters, { encodingOptions: [{}, { keyFrame: true }, { keyFrame: true }] })
    const slots = transceiver.sender
    slots.encodings = slots.encodings.filter(({ parameters: { rid } }) => rid !== 'h')
    await host.settle()
    await done
    assert.deepEqual(
      sender.getParameters().encodings.map(({ rid, maxBitrate }) => [rid, maxBitrate]),
      [
        ['q', 1_000],
        ['f', 3_000],
      ],
    )
    assert.deepEqual(source.keyframeRequests, ['f'])
  })

  it('is rejected with InvalidModificationError for options that are not one for each encoding, of video', async () => {
    const { sender } = senderOf('video')
    const encodingOptions = [{}, {}]
    const failing = sender.setParameters(sender.getParameters(), { encodingOptions })
    await assert.rejects(failing, rejectedWith('InvalidModificationError'))
    const { host, sender: audio } = senderOf('audio')
    const done = audio.setParameters(audio.getParameters(), { encodingOptions })
    await host.settle()
    await done
  })
})

describe('RTCRtpSender.replaceTrack', () => {
  it('replaces the track in a task, after what is on the operations chain', async () => {
    const { host, sender } = senderOf('audio')
    const { track } = localTrack('audio')
    let release: () => void = () => undefined
    void host.chain(() => new Promise<void>(resolve => (release = resolve)))
    const done = sender.replaceTrack(track)
    await host.settle()
    assert.equal(sender.track, null)
    release()
    await host.settle()
    await done
    assert.equal(sender.track, track)
    const removed = sender.replaceTrack(null)
    await host.settle()
    await removed
    assert.equal(sender.track, null)
  })

  it('is rejected with TypeError for a track of the other kind, no track at all, and nothing', async () => {
    const { sender } = senderOf('audio')
    await assert.rejects(sender.replaceTrack(localTrack('video').track), TypeError)
    await assert.rejects(sender.replaceTrack({} as never), TypeError)
    await assert.rejects((sender.replaceTrack as () => Promise<void>).call(sender), TypeError)
  })

  it('is rejected with InvalidStateError on a transceiver that stops meanwhile, and on a closed connection', async () => {
    const { host, transceiver, sender } = senderOf('audio')
    void host.chain(async () => transceiver.object.stop())
    await assert.rejects(sender.replaceTrack(null), rejectedWith('InvalidStateError'))
    host.isClosed = true
    await assert.rejects(sender.replaceTrack(null), rejectedWith('InvalidStateError'))
  })

  it('keeps the track if the connection is closed before the task', async () => {
    const { host, sender } = senderOf('audio')
    let settled = false
    void sender.replaceTrack(localTrack('audio').track).finally(() => (settled = true))
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(host.pendingTasks, 1)
    host.isClosed = true
    await host.settle()
    assert.deepEqual([sender.track, settled], [null, false])
  })
})

describe('RTCRtpSender', () => {
  it('associates streams, each once, and asks for negotiation', () => {
    const { host, transceiver, sender } = senderOf('audio')
    const stream = createMediaStream('one')
    sender.setStreams(stream, createMediaStream('two'), stream)
    assert.deepEqual(transceiver.sender.streamIds, ['one', 'two'])
    assert.equal(host.negotiationsNeeded, 1)
    sender.setStreams()
    assert.deepEqual(transceiver.sender.streamIds, [])
  })

  it('does not associate streams on a closed connection, nor what is none', () => {
    const { host, sender } = senderOf('audio')
    assert.throws(() => sender.setStreams({} as never), TypeError)
    host.isClosed = true
    assert.throws(() => sender.setStreams(), rejectedWith('InvalidStateError'))
  })

  it('has a DTMF sender if it is one of audio, and a transport once there is one', () => {
    const { transceiver, transport } = connected('audio')
    assert.equal(transceiver.sender.object.transport, transport.dtls)
    assert.equal(transceiver.sender.object.dtmf, transceiver.sender.object.dtmf)
    assert.notEqual(transceiver.sender.object.dtmf, null)
    const video = senderOf('video').sender
    assert.deepEqual([video.dtmf, video.transport, video.track], [null, null, null])
  })

  it('shows its capabilities: every codec once, retransmissions once, without parameters', () => {
    const video = RTCRtpSender.getCapabilities('video')
    assert.deepEqual(
      video?.codecs.filter(({ mimeType }) => mimeType === 'video/rtx'),
      [{ mimeType: 'video/rtx', clockRate: 90_000 }],
    )
    assert.deepEqual(
      RTCRtpSender.getCapabilities('audio')?.codecs.map(({ mimeType, clockRate, channels }) => [
        mimeType,
        clockRate,
        channels,
      ]),
      [
        ['audio/opus', 48_000, 2],
        ['audio/PCMU', 8_000, 1],
        ['audio/PCMA', 8_000, 1],
        ['audio/telephone-event', 48_000, 1],
        ['audio/telephone-event', 8_000, 1],
      ],
    )
    assert.deepEqual(
      video?.headerExtensions.find(({ uri }) => uri === ExtensionUri.mid),
      { uri: ExtensionUri.mid, direction: 'sendrecv' },
    )
    assert.equal(RTCRtpSender.getCapabilities('text'), null)
    assert.throws(() => (RTCRtpSender.getCapabilities as () => unknown)(), TypeError)
  })

  it('asks the connection for statistics', async () => {
    const { host, sender } = senderOf('audio')
    assert.equal(await sender.getStats(), host.stats)
    assert.deepEqual(host.statsSelectors, [sender])
  })

  it('has no transform at first, and takes nothing for one that is none', () => {
    const { sender } = senderOf('video')
    const { receiver } = senderOf('audio').transceiver.object
    for (const owner of [sender, receiver]) {
      assert.equal(owner.transform, null)
      owner.transform = null
      for (const value of [{}, 1, 'x', () => 1]) assert.throws(() => (owner.transform = value as never), TypeError)
      owner.createEncodedStreams()
      assert.throws(() => owner.createEncodedStreams(), { name: 'InvalidStateError' })
      assert.throws(() => (owner.transform = null), { name: 'InvalidStateError' })
    }
  })

  it('looks as WebIDL has it', () => {
    assert.throws(() => new (RTCRtpSender as unknown as new () => unknown)(), TypeError)
    assert.equal(String(senderOf('audio').sender), '[object RTCRtpSender]')
    const lengths = ['setParameters', 'getParameters', 'replaceTrack', 'setStreams', 'getStats'] as const
    assert.deepEqual(
      lengths.map(name => RTCRtpSender.prototype[name].length),
      [1, 0, 1, 0, 0],
    )
  })
})

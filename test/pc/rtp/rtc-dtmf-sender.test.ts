import assert from 'node:assert/strict'
import { RTCDTMFSender } from '../../../src/pc/rtp/rtc-dtmf-sender.ts'
import { dtmfDigit, parseTelephoneEvents } from '../../../src/rtp/payload/telephone-event.ts'
import { TelephoneEventReceiver } from '../../../src/rtp/payload/telephone-event-receiver.ts'
import {
  connected,
  context,
  type FakeHost,
  type FakeSendStream,
  localTrack,
  packet,
  peerCodecs,
  section,
} from './fakes.ts'

function phone() {
  const { track, source } = localTrack('audio')
  const all = connected('audio', { track })
  const dtmf = all.transceiver.sender.object.dtmf as RTCDTMFSender
  const tones: [string, number][] = []
  dtmf.ontonechange = ({ tone }) => tones.push([tone, all.host.time - 5_000])
  return { ...all, source, dtmf, tones, stream: all.streams[0] as FakeSendStream }
}

/** The digits that a receiver hears, with their durations in milliseconds. */
function heard({ inserted }: FakeSendStream, clockRate = 48_000): [string | undefined, number][] {
  const receiver = new TelephoneEventReceiver()
  const digits: [string | undefined, number][] = []
  for (const { payload, timestamp, marker, at } of inserted) {
    assert.equal(receiver.receive({ payload, timestamp, marker, sequenceNumber: 0 } as never, at), undefined)
    for (let event = receiver.pollEvent(); event !== undefined; event = receiver.pollEvent()) {
      if (event.kind === 'end') digits.push([dtmfDigit(event.event), (event.duration * 1_000) / clockRate])
    }
  }
  return digits
}

/** Everything that can happen, happens. */
function finish(host: FakeHost): void {
  host.advance(120_000)
  assert.deepEqual([host.pendingTasks, host.pendingTimers], [0, 0])
}

describe('RTCDTMFSender.insertDTMF', () => {
  it('sends each tone for its duration, and fires tonechange when it begins and when all have ended', () => {
    const { host, dtmf, tones, stream } = phone()
    dtmf.insertDTMF('1a#')
    assert.deepEqual([dtmf.toneBuffer, tones], ['1A#', []])
    host.runTasks()
    assert.deepEqual([dtmf.toneBuffer, tones], ['A#', [['1', 0]]])
    finish(host)
    assert.deepEqual(tones, [
      ['1', 0],
      ['A', 170],
      ['#', 340],
      ['', 510],
    ])
    assert.deepEqual(heard(stream), [
      ['1', 100],
      ['A', 100],
      ['#', 100],
    ])
  })

  it('sends the last report of a tone three times: RFC 4733 §2.5.1.4', () => {
    const { host, dtmf, stream } = phone()
    dtmf.insertDTMF('5', 100)
    finish(host)
    const ends = stream.inserted.filter(({ payload }) => parseTelephoneEvents(payload)?.[0]?.end === true)
    assert.equal(ends.length, 3)
    assert.deepEqual(new Set(stream.inserted.map(({ timestamp }) => timestamp)).size, 1)
    assert.deepEqual(stream.inserted.filter(({ marker }) => marker).length, 1)
    assert.equal(stream.inserted[0]?.payloadType, 50)
  })

  it('waits two seconds for a comma', () => {
    const { host, dtmf, tones, stream } = phone()
    dtmf.insertDTMF(',1', 50, 30)
    finish(host)
    assert.deepEqual(tones, [
      [',', 0],
      ['1', 2_000],
      ['', 2_080],
    ])
    assert.deepEqual(heard(stream), [['1', 50]])
  })

  it('takes durations to be within 40 and 6000 ms, and gaps within 30 and 6000 ms', () => {
    const { host, dtmf, tones, stream } = phone()
    dtmf.insertDTMF('12', 0, 0)
    finish(host)
    assert.deepEqual(
      tones.map(([, at]) => at),
      [0, 70, 140],
    )
    dtmf.insertDTMF('34', 10_000, 10_000)
    const begin = host.time - 5_000
    finish(host)
    assert.deepEqual(
      tones.slice(3).map(([, at]) => at - begin),
      [0, 12_000, 24_000],
    )
    assert.deepEqual(heard(stream), [
      ['1', 40],
      ['2', 40],
      ['3', 6_000],
      ['4', 6_000],
    ])
  })

  it('replaces what is still to come, and keeps the rhythm', () => {
    const { host, dtmf, tones } = phone()
    dtmf.insertDTMF('123')
    host.advance(10)
    dtmf.insertDTMF('9')
    finish(host)
    assert.deepEqual(tones, [
      ['1', 0],
      ['9', 170],
      ['', 340],
    ])
  })

  it('cancels what is still to come with the empty string', () => {
    const { host, dtmf, tones } = phone()
    dtmf.insertDTMF('')
    assert.equal(host.pendingTasks, 0)
    dtmf.insertDTMF('123')
    host.advance(10)
    dtmf.insertDTMF('')
    finish(host)
    assert.deepEqual(tones, [
      ['1', 0],
      ['', 170],
    ])
  })

  it('throws InvalidCharacterError for other characters, and keeps the buffer', () => {
    const { dtmf } = phone()
    dtmf.insertDTMF('1')
    for (const tones of ['E', '1 2', '+', 'é', '1\n'])
      assert.throws(() => dtmf.insertDTMF(tones), { name: 'InvalidCharacterError' })
    assert.equal(dtmf.toneBuffer, '1')
    assert.throws(() => (dtmf.insertDTMF as () => void).call(dtmf), TypeError)
    assert.throws(() => dtmf.insertDTMF(Symbol('1') as never), TypeError)
  })

  it('has the clock rate of the audio that is sent', () => {
    const { transceiver, host, dtmf, stream } = phone()
    const narrow = peerCodecs('audio').filter(({ name }) => name !== 'opus')
    transceiver.sender.negotiated(section({ kind: 'audio', remote: narrow }))
    dtmf.insertDTMF('7')
    finish(host)
    assert.equal(stream.inserted[0]?.payloadType, 66)
    assert.deepEqual(heard(stream, 8_000), [['7', 100]])
  })

  it('holds the audio back while a tone is sent, and has it go on under other numbers', () => {
    const { host, dtmf, source, stream, transceiver } = phone()
    const audio = context()
    const write = (sequenceNumber: number): boolean =>
      source.fanout.deliver(packet({ sequenceNumber }), audio, undefined)
    write(1)
    dtmf.insertDTMF('1')
    host.advance(10)
    assert.equal(write(2), true)
    finish(host)
    write(3)
    write(4)
    assert.deepEqual(
      stream.sent.map(({ sequenceNumber }) => sequenceNumber),
      [1, 3, 4],
    )
    assert.equal(transceiver.sender.sending.drops.held, 1)
    assert.notEqual(stream.sent[0]?.source, stream.sent[1]?.source)
    assert.equal(stream.sent[1]?.source, stream.sent[2]?.source)
  })
})

describe('RTCDTMFSender.canInsertDTMF', () => {
  const obstacles: [string, (all: ReturnType<typeof phone>) => void][] = [
    ['the connection is not connected', ({ host }) => (host.isConnected = false)],
    ['the connection is closed', ({ host }) => (host.isClosed = true)],
    ['the transceiver is stopping', ({ transceiver }) => transceiver.object.stop()],
    ['there is no track', ({ transceiver }) => (transceiver.sender.track = null)],
    ['the direction does not send', ({ transceiver }) => (transceiver.currentDirection = 'recvonly')],
    [
      'the encoding is not active',
      ({ transceiver }) => Object.assign(transceiver.sender.encodings[0]?.parameters as object, { active: false }),
    ],
    [
      'telephone-event was not negotiated',
      ({ transceiver }) =>
        transceiver.sender.negotiated(section({ kind: 'audio', remote: peerCodecs('audio').slice(0, 3) })),
    ],
  ]
  for (const [what, prepare] of obstacles) {
    it(`is false, and insertDTMF throws InvalidStateError, if ${what}`, () => {
      const all = phone()
      assert.equal(all.dtmf.canInsertDTMF, true)
      prepare(all)
      assert.equal(all.dtmf.canInsertDTMF, false)
      assert.throws(() => all.dtmf.insertDTMF('1'), { name: 'InvalidStateError' })
      assert.throws(() => all.dtmf.insertDTMF('x'), { name: 'InvalidStateError' })
    })

    it(`says nothing more once ${what}`, () => {
      const all = phone()
      all.dtmf.insertDTMF('123')
      all.host.advance(120)
      prepare(all)
      all.host.advance(10_000)
      assert.deepEqual(all.tones, [['1', 0]])
      assert.equal(all.transceiver.sender.sending.held, false)
    })
  }

  it('stops all timers with the sender', () => {
    const { host, dtmf, transceiver } = phone()
    dtmf.insertDTMF('123')
    host.advance(20)
    transceiver.sender.stopSending()
    assert.equal(host.pendingTimers, 0)
  })
})

describe('RTCDTMFSender', () => {
  it('looks as WebIDL has it', () => {
    assert.throws(() => new (RTCDTMFSender as unknown as new () => unknown)(), TypeError)
    assert.equal(String(phone().dtmf), '[object RTCDTMFSender]')
    assert.equal(RTCDTMFSender.prototype.insertDTMF.length, 1)
  })
})

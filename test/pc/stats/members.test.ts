import assert from 'node:assert/strict'
import type { RTCStatsReport } from '../../../src/pc/stats.ts'
import { all, listen, mediaCall, settle, Talker, talk, within } from './media-call.ts'
import { dictionaryOf, enumerations, membersOf } from './stats-dictionaries.ts'
import type { StatsEntry } from './stats-entry.ts'

/** What entries have besides: see docs. */
const extensions: Readonly<Record<string, readonly string[]>> = {
  transport: ['rtcpTransportStatsId', 'tlsGroup', 'packetsDropped'],
  'candidate-pair': ['lastFailure'],
  certificate: ['keyAlgorithm'],
  'inbound-rtp': ['rid'],
}

/** webrtc-pc §8.6; `url` and `issuerCertificateId` need a server and a chain. */
const mandatory: Readonly<Record<string, readonly string[]>> = {
  codec: ['payloadType', 'mimeType', 'clockRate', 'channels', 'sdpFmtpLine'],
  'inbound-rtp': [
    ...['ssrc', 'kind', 'transportId', 'codecId', 'packetsReceived', 'packetsLost', 'jitter'],
    ...['trackIdentifier', 'remoteId', 'framesDecoded', 'framesDropped', 'nackCount', 'framesReceived'],
    ...['bytesReceived', 'totalAudioEnergy', 'totalSamplesDuration', 'packetsDiscarded'],
  ],
  'outbound-rtp': [
    ...['ssrc', 'kind', 'transportId', 'codecId', 'packetsSent', 'bytesSent'],
    ...['remoteId', 'framesEncoded', 'nackCount', 'framesSent'],
  ],
  'remote-inbound-rtp': [
    ...['ssrc', 'kind', 'transportId', 'codecId', 'packetsReceived', 'packetsLost', 'jitter'],
    ...['localId', 'roundTripTime'],
  ],
  'remote-outbound-rtp': [
    ...['ssrc', 'kind', 'transportId', 'codecId', 'packetsSent', 'bytesSent', 'localId', 'remoteTimestamp'],
  ],
  'media-source': [
    ...['trackIdentifier', 'kind', 'totalAudioEnergy', 'totalSamplesDuration'],
    ...['width', 'height', 'framesPerSecond'],
  ],
  'peer-connection': ['dataChannelsOpened', 'dataChannelsClosed'],
  'data-channel': [
    ...['label', 'protocol', 'dataChannelIdentifier', 'state'],
    ...['messagesSent', 'bytesSent', 'messagesReceived', 'bytesReceived'],
  ],
  transport: ['bytesSent', 'bytesReceived', 'selectedCandidatePairId', 'localCertificateId', 'remoteCertificateId'],
  'candidate-pair': [
    ...['transportId', 'localCandidateId', 'remoteCandidateId', 'state', 'nominated', 'bytesSent', 'bytesReceived'],
    ...['totalRoundTripTime', 'responsesReceived', 'currentRoundTripTime'],
  ],
  'local-candidate': ['address', 'port', 'protocol', 'candidateType'],
  'remote-candidate': ['address', 'port', 'protocol', 'candidateType'],
  certificate: ['fingerprint', 'fingerprintAlgorithm', 'base64Certificate'],
}

const ofVideo: ReadonlySet<string> = new Set([
  ...['framesSent', 'framesEncoded', 'framesDecoded', 'framesDropped', 'framesReceived'],
  ...['width', 'height', 'framesPerSecond'],
])
const ofAudio: ReadonlySet<string> = new Set(['totalAudioEnergy', 'totalSamplesDuration'])

/** Members that this kind of entry has no use for: webrtc-stats §4.2. */
function appliesTo(entry: StatsEntry, member: string): boolean {
  if (ofVideo.has(member)) return entry.kind === 'video'
  if (ofAudio.has(member)) return entry.kind === 'audio'
  if (member === 'channels' || member === 'sdpFmtpLine') return String(entry.mimeType).startsWith('audio/')
  return true
}

function isOf(type: string, value: unknown): boolean {
  if (type in enumerations) return enumerations[type]?.includes(String(value)) === true
  const isCount = Number.isInteger(value) && Number(value) >= 0
  if (/^unsigned (short|long)$/.test(type)) return isCount && Number(value) < 2 ** 32
  if (type === 'unsigned long long') return isCount
  if (type === 'long' || type === 'long long') return Number.isInteger(value)
  if (type === 'double' || type === 'DOMHighResTimeStamp') return typeof value === 'number' && Number.isFinite(value)
  if (type === 'boolean') return typeof value === 'boolean'
  if (type === 'DOMString') return typeof value === 'string'
  if (type === 'record<DOMString, double>') return Object.values(Object(value)).every(each => isOf('double', each))
  return type === 'DOMString?' && (typeof value === 'string' || value === null)
}

function checkEntry(entry: StatsEntry, report: RTCStatsReport): void {
  const dictionary = dictionaryOf(entry)
  assert.ok(dictionary, `a type of its own: ${entry.type}`)
  const known = membersOf(dictionary)
  for (const [member, value] of Object.entries(entry)) {
    const where = `${entry.type}.${member} = ${String(value)}`
    if (extensions[entry.type]?.includes(member)) continue
    assert.ok(member in known, `${where} is none of ${dictionary}`)
    assert.ok(isOf(String(known[member]).replace('!', ''), value), `${where} is no ${known[member]}`)
    if (member.endsWith('Id')) assert.ok(report.has(String(value)), `${where} leads nowhere`)
  }
  for (const [member, type] of Object.entries(known)) {
    if (type.endsWith('!')) assert.ok(member in entry, `${entry.type} lacks ${member}`)
  }
}

describe('The members of statistics', () => {
  it('are those of webrtc-stats, of its types, and lead to entries that are there', async () => {
    const { sim, alice, bob, close } = await mediaCall(1, 0.03)
    const [audio, video] = [new Talker('audio'), new Talker('video')]
    for (const peer of [alice, bob]) listen(peer)
    alice.addTrack(audio.track)
    alice.addTrack(video.track)
    for (const end of [alice, bob]) {
      const report = await within(sim, end.getStats())
      for (const entry of report.values()) checkEntry(entry, report)
    }
    await settle(sim, alice, bob)
    await talk(sim, 400, audio, video)
    for (const [end, types] of [
      [alice, ['outbound-rtp', 'remote-inbound-rtp', 'media-source']],
      [bob, ['inbound-rtp', 'remote-outbound-rtp']],
    ] as const) {
      const report = await within(sim, end.getStats())
      for (const entry of report.values()) checkEntry(entry, report)
      for (const type of types) assert.equal(all(report, type).length, 2, type)
    }
    await close()
    for (const end of [alice, bob]) {
      const report = await within(sim, end.getStats())
      for (const entry of report.values()) checkEntry(entry, report)
      assert.deepEqual([...all(report, 'inbound-rtp'), ...all(report, 'outbound-rtp')], [])
      assert.equal(all(report, 'peer-connection').length, 1)
    }
  })

  it('are all that webrtc-pc asks for', async () => {
    const { sim, alice, bob, close } = await mediaCall(2, 0.03)
    const [audio, video] = [new Talker('audio'), new Talker('video')]
    listen(bob)
    alice.addTrack(audio.track)
    alice.addTrack(video.track)
    await settle(sim, alice, bob)
    await talk(sim, 400, audio, video)
    const seen = new Set<string>()
    for (const end of [alice, bob]) {
      for (const entry of (await within(sim, end.getStats())).values()) {
        seen.add(entry.type)
        for (const member of mandatory[entry.type] ?? []) {
          if (appliesTo(entry, member)) assert.ok(entry[member] !== undefined, `${entry.type} lacks ${member}`)
        }
      }
    }
    assert.deepEqual([...seen].sort(), Object.keys(mandatory).sort())
    await close()
  })

  it('that are of video alone are not there for audio', async () => {
    const { sim, alice, bob, close } = await mediaCall(3)
    const audio = new Talker('audio')
    listen(bob)
    alice.addTrack(audio.track)
    await settle(sim, alice, bob)
    await talk(sim, 100, audio)
    for (const end of [alice, bob]) {
      for (const entry of (await within(sim, end.getStats())).values()) {
        for (const member of ['firCount', 'pliCount', 'framesSent', 'rid', 'encodingIndex', 'rtxSsrc']) {
          assert.ok(!(member in entry), `${entry.type}.${member}`)
        }
      }
    }
    await close()
  })
})

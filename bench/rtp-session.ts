/**
 * What the RTP session costs a packet on either side, in time of the processor (garbage collection included), without SRTP and sockets.
 *
 * Run with `npx tsx bench/rtp-session.ts [packets]`. Packets of 1200 bytes, with MID, abs-send-time and transport-wide numbers
 * negotiated; reports and feedback run as they would. `copy` is a stream with retransmissions, `in-place` one without.
 */
import { ExtensionUri } from '../src/rtp/extension-values.ts'
import { RtpSession } from '../src/rtp/session/rtp-session.ts'
import type { OutgoingPacket } from '../src/rtp/session/transmit.ts'
import type { SessionCodec, SessionSection } from '../src/rtp/session/types.ts'

const count = Number(process.argv[2] ?? 300_000)
const rtpOverhead = 16
/** At 20,000 packets a second; those that are paced come in smaller steps. */
const packetsPerMs = 20
const payload = new Uint8Array(1_200)
const none: never[] = []

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
const extensions = [
  { id: 1, uri: ExtensionUri.mid },
  { id: 4, uri: ExtensionUri.absSendTime },
  { id: 5, uri: ExtensionUri.transportSequenceNumber },
]

interface Scenario {
  readonly name: string
  readonly codec: SessionCodec
  readonly paced: boolean
  readonly extensions: SessionSection['extensions']
}

const plain = { payloadType: 96, mimeType: 'video/VP8', clockRate: 90_000, pli: true, fir: true, remb: false }
const scenarios: readonly Scenario[] = [
  { name: 'plain', codec: { ...plain, rtx: undefined, nack: false, transportCc: false }, paced: false, extensions: [] },
  { name: 'in-place', codec: { ...plain, rtx: undefined, nack: true, transportCc: false }, paced: false, extensions },
  { name: 'copy', codec: { ...plain, rtx: 97, nack: true, transportCc: false }, paced: false, extensions },
  { name: 'transport-cc', codec: { ...plain, rtx: 97, nack: true, transportCc: true }, paced: false, extensions },
  { name: 'paced', codec: { ...plain, rtx: 97, nack: true, transportCc: true }, paced: true, extensions },
]

function packetOf(sequenceNumber: number, timestamp: number, paced: boolean): OutgoingPacket {
  return { payloadType: 96, sequenceNumber, timestamp, marker: true, payload, csrcs: none, elements: none, paced }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

for (const scenario of scenarios) for (let round = 0; round < 2; round++) run(scenario, round > 0)

function run({ name, codec, paced, extensions }: Scenario, isReported: boolean): void {
  const section = { mid: 'v', kind: 'video', extensions, describedStreams: [], reducedSizeRtcp: true } as const
  const encodings = [{ ssrc: 1, rtxSsrc: codec.rtx === undefined ? undefined : 2, rid: undefined }]
  const options = { random, wallTimeAtZero: 1_700_000_000_000, maxBitrate: 400_000_000 }
  const a = new RtpSession({ ...options, cname: 'a' }, 0)
  const b = new RtpSession({ ...options, cname: 'b' }, 0)
  a.configure([{ ...section, receive: [], send: [codec], encodings }], 0)
  b.configure([{ ...section, receive: [codec], send: [], encodings: [] }], 0)
  a.ready(rtpOverhead, 20, 0)
  b.ready(rtpOverhead, 20, 0)
  const stream = a.sendStream(1)
  if (!stream) throw new Error('no stream')
  const source = {}
  const stepMs = paced ? 5 : 25
  let sendMs = 0
  let receiveMs = 0
  let sent = 0
  let received = 0
  for (let now = 0; sent < count; now += stepMs) {
    const flight: Uint8Array[] = []
    const control: Uint8Array[] = []
    const begin = cpuMs()
    for (let i = 0; i < packetsPerMs * stepMs; i++) {
      stream.send(packetOf(sent++ & 0xffff, now * 90, paced), source, now)
      for (let out = a.pollTransmit(now); out; out = a.pollTransmit(now)) {
        ;(out.kind === 'rtp' ? flight : control).push(out.data.subarray(0, out.length))
      }
      if ((a.pollTimeout() ?? now) < now) a.handleTimeout(now)
      a.pollEvent()
    }
    const middle = cpuMs()
    sendMs += middle - begin
    for (const data of flight) {
      if (!('drop' in b.receive(data, now))) received++
      if ((b.pollTimeout() ?? now) < now) b.handleTimeout(now)
      b.pollEvent()
    }
    const back: Uint8Array[] = []
    for (let out = b.pollTransmit(now); out; out = b.pollTransmit(now)) back.push(out.data)
    for (const data of control) b.receiveRtcp(data, now)
    const end = cpuMs()
    receiveMs += end - middle
    for (const data of back) a.receiveRtcp(data, now)
    sendMs += cpuMs() - end
  }
  if (!isReported) return
  const micros = (ms: number): string => `${((ms * 1_000) / received).toFixed(2)} us`
  console.log(`${name}: ${received} of ${sent} packets, send ${micros(sendMs)}, receive ${micros(receiveMs)}`)
}

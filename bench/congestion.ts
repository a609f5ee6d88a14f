/**
 * What congestion control costs a packet: pacing, noting, and judging its feedback. No network, no clock but the virtual one.
 *
 * Run with `npx tsx bench/congestion.ts [seconds]`. Packets of 1200 bytes at 20 Mb/s, a feedback for each 50 ms.
 */
import { BandwidthEstimator, type PacketReport } from '../src/rtp/congestion/bandwidth-estimator.ts'
import { Pacer } from '../src/rtp/congestion/pacer.ts'

const seconds = Number(process.argv[2] ?? 3)
const bitrate = 20_000_000
const size = 1_200

const estimator = new BandwidthEstimator({ startBitrate: bitrate, maxBitrate: bitrate, probing: false })
const pacer = new Pacer<undefined>(bitrate)
let reports: PacketReport[] = []
let queued = 0
let packets = 0
let pacingMs = 0
let feedbackMs = 0

const until = performance.now() + seconds * 1_000
for (let now = 0; performance.now() < until; now++) {
  const begin = performance.now()
  for (; queued < (now * bitrate) / 8_000 / size; queued++) pacer.enqueue(undefined, size, 'video', now)
  for (let paced = pacer.pollTransmit(now); paced !== undefined; paced = pacer.pollTransmit(now)) {
    const sequenceNumber = estimator.packetSent(paced.size, now, paced.cluster)
    reports.push({ sequenceNumber, received: true, receivedAt: now + 20 + (packets++ % 7) / 4 })
  }
  const middle = performance.now()
  pacingMs += middle - begin
  if (now % 50 !== 0 || reports.length === 0) continue
  estimator.receiveFeedback(reports, now + 40)
  for (let event = estimator.pollEvent(); event !== undefined; event = estimator.pollEvent()) {
    if (event.type === 'target') pacer.setTarget(event.bitrate)
  }
  reports = []
  feedbackMs += performance.now() - middle
}

const micros = (ms: number): string => `${((ms * 1_000) / packets).toFixed(3)} us`
console.log(`${packets} packets: pacing and noting ${micros(pacingMs)}, feedback ${micros(feedbackMs)} a packet`)
console.log(
  `heap ${(process.memoryUsage().heapUsed / 1e6).toFixed(1)} MB, target ${Math.round(estimator.target / 1_000)} kb/s`,
)

/** What the browser's statistics have counted since the connection began: bytes of all, but losses of video alone. */
export function counted(stats) {
  const of = (type, kind) => stats.filter(each => each.type === type && (kind === undefined || each.kind === kind))
  const sum = (entries, name) => entries.reduce((total, each) => total + (each[name] ?? 0), 0)
  const [inbound, outbound] = [of('inbound-rtp'), of('outbound-rtp')]
  const video = of('inbound-rtp', 'video')
  return {
    at: performance.now(),
    sent: { bytes: sum(outbound, 'bytesSent') },
    received: { bytes: sum(inbound, 'bytesReceived') },
    video: { packets: sum(video, 'packetsReceived'), lost: sum(video, 'packetsLost') },
    repairedOut: sum(outbound, 'retransmittedPacketsSent'),
    nacksOut: sum(inbound, 'nackCount'),
    nacksIn: sum(outbound, 'nackCount'),
    keyframesAsked: sum(video, 'pliCount') + sum(video, 'firCount'),
    roundTripMs: roundTrip(stats),
  }
}

/** RTCP's, and until there is one that of ICE. */
function roundTrip(stats) {
  const reported = stats.filter(({ type }) => type === 'remote-inbound-rtp').map(each => each.roundTripTime)
  const pair = stats.find(
    ({ type, state, nominated }) => type === 'candidate-pair' && nominated && state === 'succeeded',
  )
  const known = [...reported, pair?.currentRoundTripTime].find(Number.isFinite)
  return known === undefined ? undefined : known * 1000
}

/** @returns kbit/s between two counts of {bytes} */
export function rate(now, before, ms) {
  return before === undefined ? undefined : Math.max(0, ((now.bytes - before.bytes) * 8) / ms)
}

/** @returns per cent lost between two counts of {packets, lost}; undefined if nothing came */
export function loss(now, before) {
  if (before === undefined) return undefined
  const lost = now.lost - before.lost
  const all = now.packets - before.packets + lost
  return all > 0 ? Math.max(0, (100 * lost) / all) : undefined
}

import { element } from './element.js'
import { MediaCharts, SAMPLE_MS } from './media-charts.js'
import { chooseCodec, hasCodec, MediaLink } from './media-link.js'
import { openSource } from './media-source.js'
import { counted, loss, rate } from './media-stats.js'
import { request } from './signalling.js'

const byId = id => document.getElementById(id)
const form = byId('form')
const toggle = byId('toggle')
const slider = byId('loss')
const local = byId('local')
const remote = byId('remote')
const charts = new MediaCharts()

/** What is counted in the table: [name, to icefloe, back to this page], out of the page's counts and icefloe's report. */
const counts = [
  ['Lost on purpose', (_, icefloe) => icefloe.lost.received, (_, icefloe) => icefloe.lost.sent],
  ['Asked for again (NACK)', page => page.nacksIn, page => page.nacksOut],
  ['Sent again (RTX)', page => page.repairedOut, (_, icefloe) => icefloe.video.sent.repaired],
  ['Keyframes asked for', (_, icefloe) => icefloe.video.received.keyframeRequests, page => page.keyframesAsked],
]
const cells = counts.map(([name]) => {
  const places = ['To icefloe', 'Back to this page'].map(way => {
    const cell = element('td')
    cell.dataset.way = way
    const value = element('span', { textContent: '–' })
    cell.append(value)
    return { cell, value }
  })
  const row = element('tr')
  row.append(Object.assign(element('th', { textContent: name }), { scope: 'row' }), ...places.map(({ cell }) => cell))
  byId('counts').tBodies[0].append(row)
  return places.map(({ value }) => value)
})

/** The connection and what it sends; undefined while there is none. */
let current

for (const kind of ['video', 'audio']) {
  for (const radio of form.elements[kind]) radio.disabled = !hasCodec(kind, radio.value)
}
for (const video of [local, remote]) {
  video.addEventListener('resize', () => {
    byId(`${video.id}-size`).textContent = video.videoWidth > 0 ? `${video.videoWidth} × ${video.videoHeight}` : ''
  })
}
form.addEventListener('submit', event => {
  event.preventDefault()
  if (current === undefined) void start()
  else current.link.close()
})
slider.addEventListener('input', () => {
  byId('loss-percent').textContent = `${slider.value} %`
})
slider.addEventListener('change', () => void sendLoss())
byId('sound').addEventListener('change', ({ target }) => {
  remote.muted = !target.checked
})
addEventListener('pagehide', () => current?.link.close())

async function start() {
  const { source, video, audio } = Object.fromEntries(new FormData(form))
  show('busy', source === 'camera' ? 'Waiting for the camera…' : 'Connecting…')
  enable(false)
  toggle.disabled = true
  let opened
  try {
    opened = await openSource(source)
  } catch (error) {
    enable(true)
    toggle.disabled = false
    return show('bad', 'Not connected', error.message)
  }
  const link = new MediaLink()
  const started = performance.now()
  current = { link, before: undefined }
  local.srcObject = opened.stream
  remote.srcObject = link.remote
  charts.clear()
  show('busy', 'Connecting…')
  toggle.disabled = false
  toggle.textContent = 'Stop'
  let timer
  link.addEventListener('open', () => {
    show('good', `Connected in ${Math.round(performance.now() - started)} ms`)
    slider.disabled = false
    void sendLoss()
    timer = setInterval(() => sample().catch(console.warn), SAMPLE_MS)
  })
  link.addEventListener('end', ({ reason, failed }) => {
    clearInterval(timer)
    opened.stop()
    current = undefined
    for (const video of [local, remote]) video.srcObject = null
    slider.disabled = true
    toggle.textContent = 'Start'
    enable(true)
    show(failed ? 'bad' : undefined, failed ? 'Failed' : reason, failed ? reason : undefined)
  })
  await link.start('/media/echo', peer => {
    for (const track of opened.stream.getTracks()) peer.addTrack(track, opened.stream)
    chooseCodec(peer, 'video', video)
    chooseCodec(peer, 'audio', audio)
  })
}

async function sendLoss() {
  if (current?.link.id === undefined) return
  await request('PUT', `/media/echo/${current.link.id}`, { percent: Number(slider.value) }).catch(console.warn)
}

async function sample() {
  const shown = current
  const [stats, icefloe] = await Promise.all([shown.link.stats(), request('GET', `/media/echo/${shown.link.id}`)])
  if (shown !== current) return
  const page = counted(stats)
  const arrived = icefloe.video.received
  const { before } = shown
  const ms = page.at - (before?.page.at ?? 0)
  charts.add({
    rateUp: rate(page.sent, before?.page.sent, ms),
    rateDown: rate(page.received, before?.page.received, ms),
    lostUp: loss(arrived, before?.arrived),
    lostDown: loss(page.video, before?.page.video),
    trip: page.roundTripMs,
  })
  counts.forEach(([, ...ways], row) => {
    ways.forEach((read, way) => {
      cells[row][way].textContent = (read(page, icefloe) ?? '–').toLocaleString('en')
    })
  })
  shown.before = { page, arrived }
}

/** The choices are made before the connection. */
function enable(on) {
  for (const kind of ['source', 'video', 'audio']) {
    for (const radio of form.elements[kind]) radio.disabled = !on || (kind !== 'source' && !hasCodec(kind, radio.value))
  }
}

function show(mood, status, error) {
  const state = byId('status')
  state.textContent = status
  if (mood === undefined) delete state.dataset.mood
  else state.dataset.mood = mood
  byId('error').textContent = error ?? ''
  byId('error').hidden = error === undefined
}

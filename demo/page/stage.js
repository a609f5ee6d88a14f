import { element } from './element.js'
import { MediaCharts, SAMPLE_MS } from './media-charts.js'
import { MediaLink } from './media-link.js'
import { openSource } from './media-source.js'
import { counted, loss, rate } from './media-stats.js'
import { request } from './signalling.js'

const byId = id => document.getElementById(id)
const video = byId('video')
const screen = byId('screen')
const watch = byId('watch')
const publish = byId('publish')
const picture = byId('picture')
const charts = new MediaCharts()

/** This tab's connection: {link, role, before}. */
let current
let onStage = null

byId('watch-form').addEventListener('submit', event => {
  event.preventDefault()
  if (current === undefined) void startWatching()
  else if (current.role === 'watch') current.link.close()
})
byId('publish-form').addEventListener('submit', event => {
  event.preventDefault()
  if (current === undefined) void startPublishing()
  else if (current.role === 'publish') current.link.close()
})
picture.addEventListener('click', () => void togglePicture())
byId('sound').addEventListener('change', ({ target }) => {
  video.muted = !target.checked || current?.role === 'publish'
})
addEventListener('pagehide', () => current?.link.close())
showControls()
void poll()
setInterval(() => void poll(), SAMPLE_MS)

async function startWatching() {
  const link = new MediaLink()
  begin(link, 'watch')
  video.srcObject = link.remote
  await link.start('/media/stage/watch', peer => {
    for (const kind of ['audio', 'video']) peer.addTransceiver(kind, { direction: 'recvonly' })
  })
}

async function startPublishing() {
  const { source } = Object.fromEntries(new FormData(byId('publish-form')))
  show('busy', source === 'camera' ? 'Waiting for the camera…' : 'Connecting…')
  let opened
  try {
    opened = await openSource(source)
  } catch (error) {
    return show('bad', '', `${error.message} Or use the test picture, which icefloe makes.`)
  }
  // Meanwhile this tab may have begun to watch.
  if (current !== undefined) return opened.stop()
  const link = new MediaLink()
  begin(link, 'publish', opened.stop)
  video.srcObject = opened.stream
  video.muted = true
  await link.start('/media/stage/publish', peer => {
    for (const track of opened.stream.getTracks()) {
      peer.addTransceiver(track, { direction: 'sendonly', streams: [opened.stream] })
    }
  })
}

function begin(link, role, release) {
  current = { link, role, before: undefined }
  charts.clear()
  showControls()
  show('busy', 'Connecting…')
  const started = performance.now()
  link.addEventListener('open', () => {
    const ms = Math.round(performance.now() - started)
    show(
      'good',
      role === 'watch' ? `Watching: connected in ${ms} ms` : `This tab is on the stage: connected in ${ms} ms`,
    )
  })
  link.addEventListener('end', ({ reason, failed }) => {
    release?.()
    current = undefined
    video.srcObject = null
    video.muted = !byId('sound').checked
    showControls()
    show(failed ? 'bad' : undefined, failed ? 'Failed' : reason, failed ? reason : undefined)
  })
}

async function togglePicture() {
  try {
    await request('PUT', '/media/stage', { picture: onStage !== 'picture' })
    await poll()
  } catch (error) {
    show('bad', '', error.message)
  }
}

/** What icefloe says of the stage, and the browser of this tab's connection. */
async function poll() {
  try {
    showStage(await request('GET', '/media/stage'))
    if (current !== undefined) await sample(current)
  } catch (error) {
    showOnStage(error.message, 'nobody')
  }
}

async function sample(shown) {
  const page = counted(await shown.link.stats())
  if (shown !== current) return
  const before = shown.before
  const ms = page.at - (before?.at ?? 0)
  const sends = shown.role === 'publish'
  charts.add({
    rateUp: sends ? rate(page.sent, before?.sent, ms) : undefined,
    rateDown: sends ? undefined : rate(page.received, before?.received, ms),
    lostDown: sends ? undefined : loss(page.video, before?.video),
    trip: page.roundTripMs,
  })
  shown.before = page
}

function showStage({ onStage: now, keyframeRequests, viewers }) {
  const left = onStage !== null && now === null
  onStage = now
  if (current?.role === 'publish') showOnStage('You are on the stage', 'self')
  else if (now === null)
    showOnStage(left || screen.dataset.left ? 'The publisher has left the stage' : 'Nobody is on the stage', 'nobody')
  else showOnStage(now === 'picture' ? 'The test picture' : 'Live from another tab', now)
  if (left) screen.dataset.left = 'true'
  else if (now !== null) delete screen.dataset.left
  byId('viewer-count').textContent = viewers.length
  byId('keyframes').textContent = keyframeRequests
  byId('viewers').tBodies[0].replaceChildren(...(viewers.length === 0 ? [nobody()] : viewers.map(row)))
  showControls()
}

/** @param on what is to be seen: 'nobody' covers the picture */
function showOnStage(text, on) {
  const place = byId('on-stage')
  const isSeen = on === 'nobody' || current !== undefined
  const words = isSeen ? text : `${text}: press Watch`
  screen.dataset.on = isSeen ? on : 'nobody'
  if (place.textContent !== words) place.textContent = words
}

function row({ id, name, bitsPerSecond, fractionLost, roundTripMs, repaired }) {
  const line = element('tr')
  const own = id === current?.link.id ? ' (this tab)' : ''
  line.append(element('td', { textContent: `${name}${own}` }))
  for (const [title, value] of [
    ['Bitrate', `${(bitsPerSecond / 1000).toFixed(0)} kbit/s`],
    ['Loss', fractionLost === undefined ? '–' : `${(fractionLost * 100).toFixed(1)} %`],
    ['Round trip', roundTripMs === undefined ? '–' : `${roundTripMs.toFixed(1)} ms`],
    ['Repaired', `${repaired}`],
  ]) {
    const cell = element('td', { textContent: value })
    cell.dataset.name = title
    line.append(cell)
  }
  return line
}

function nobody() {
  const line = element('tr')
  line.append(element('td', { textContent: 'Nobody watches yet.', colSpan: 5 }))
  return line
}

/** What can be done now. */
function showControls() {
  const role = current?.role
  watch.textContent = role === 'watch' ? 'Stop watching' : 'Watch'
  watch.disabled = role === 'publish'
  publish.textContent = role === 'publish' ? 'Leave the stage' : 'Go on stage'
  publish.disabled = role === 'watch' || (role === undefined && onStage !== null)
  picture.textContent = onStage === 'picture' ? 'Take the test picture away' : 'Use the test picture'
  picture.disabled = onStage === 'tab' || role === 'publish'
  for (const radio of byId('publish-form').elements.source) radio.disabled = publish.disabled || role === 'publish'
}

function show(mood, status, error) {
  const state = byId('status')
  state.textContent = status
  if (mood === undefined) delete state.dataset.mood
  else state.dataset.mood = mood
  byId('error').textContent = error ?? ''
  byId('error').hidden = error === undefined
}

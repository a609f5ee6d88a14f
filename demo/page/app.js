import { Chat } from './chat.js'
import { Connection } from './connection.js'
import { Files } from './files.js'
import { Meter } from './meter.js'
import { Plot } from './plot.js'
import { Speed } from './speed.js'
import { FactsTable, milliseconds, pageFacts, StatesTable } from './tables.js'

const PING_MS = 500
const PINGS_SHOWN = 5

const byId = id => document.getElementById(id)
const parts = (...ids) => Object.fromEntries(ids.map(id => [id, byId(id)]))

const link = byId('link')
const form = byId('connect-form')
const button = byId('connect')
const states = new StatesTable(byId('states'))
const facts = new FactsTable(byId('facts'))
const plot = new Plot(byId('plot'), { up: byId('up-rate'), down: byId('down-rate') })
const speed = new Speed({ buttons: document.querySelectorAll('[data-speed]'), outcome: byId('speed-outcome') })
const chat = new Chat({ log: byId('chat-log'), form: byId('chat-form'), input: byId('chat-text') })
const files = new Files(
  parts(
    ...['file', 'sample', 'drop', 'transfer', 'file-name', 'verdict'],
    ...['upload-bar', 'upload-text', 'download-bar', 'download-text'],
    ...['hash-sent', 'hash-received', 'hash-returned'],
  ),
)

/** The connection that the page shows, from its first step until the next one is made. */
let current
let connected = false
let pings

byId('browser-name').textContent = browserName()
form.addEventListener('change', () => {
  link.dataset.offerer = form.elements.offerer.value
})
form.addEventListener('submit', event => {
  event.preventDefault()
  if (connected) current.close()
  else connect(form.elements.offerer.value)
})
addEventListener('pagehide', () => current?.close())

function connect(offerer) {
  const connection = new Connection()
  const started = performance.now()
  current = connection
  states.reset(performance.timeOrigin + started)
  facts.reset()
  show('connecting', 'Connecting…')
  connection.addEventListener('state', step => {
    if (connection === current) states.add(step)
  })
  connection.addEventListener('facts', ({ facts: { roundTripMs, ...values } }) => {
    facts.show('icefloe', { ...values, roundTrip: milliseconds(roundTripMs) })
  })
  connection.addEventListener('open', () => {
    show('connected', `Connected in ${Math.round(performance.now() - started)} ms`)
    begin(connection)
  })
  connection.addEventListener('end', ({ reason, failed }) => {
    finish()
    show(failed ? 'failed' : 'idle', failed ? 'Failed' : reason, failed ? reason : undefined)
  })
  void connection.start(offerer)
}

function begin({ peer, channels }) {
  const meter = new Meter()
  for (const channel of Object.values(channels)) meter.watch(channel)
  plot.start(meter)
  chat.start(channels.chat, meter)
  files.start(channels.file, meter)
  speed.start(channels.speed, meter)
  pings = startPings(channels.ping)
  const showFacts = () => pageFacts(peer).then(values => facts.show('page', values), console.warn)
  // The end that controls ICE may still move to a better pair.
  peer.sctp.transport.iceTransport.addEventListener('selectedcandidatepairchange', showFacts)
  void showFacts()
}

function finish() {
  clearInterval(pings)
  plot.stop()
  chat.stop()
  files.stop()
  speed.stop()
}

/** @param state 'idle', 'connecting', 'connected' or 'failed' */
function show(state, status, error) {
  connected = state === 'connected'
  link.dataset.state = state
  byId('status').textContent = status
  byId('error').textContent = error ?? ''
  byId('error').hidden = error === undefined
  button.textContent = connected ? 'Disconnect' : 'Connect'
  button.dataset.action = connected ? 'disconnect' : 'connect'
  button.disabled = state === 'connecting'
  for (const radio of form.elements.offerer) radio.disabled = state === 'connecting' || connected
}

/** Pings may get lost; shown is the median of the last few that came back. */
function startPings(channel) {
  const recent = []
  channel.addEventListener('message', ({ data }) => {
    recent.push(performance.now() - Number(data))
    if (recent.length > PINGS_SHOWN) recent.shift()
    byId('round-trip').textContent = [...recent].sort((a, b) => a - b)[recent.length >> 1].toFixed(1)
  })
  const ping = () => channel.readyState === 'open' && channel.send(String(performance.now()))
  ping()
  return setInterval(ping, PING_MS)
}

function browserName() {
  const { userAgent } = navigator
  const [, name, version] = /(Firefox|Edg|Chrome|Version)\/(\d+)/.exec(userAgent) ?? []
  if (name === undefined) return 'your browser'
  return `${{ Edg: 'Edge', Version: 'Safari' }[name] ?? name} ${version}`
}

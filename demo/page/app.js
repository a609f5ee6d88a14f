import { Candidates } from './candidates.js'
import { Chat } from './chat.js'
import { Connection } from './connection.js'
import { Counter } from './counter.js'
import { DtlsChoice } from './dtls-choice.js'
import { Files } from './files.js'
import { Meter } from './meter.js'
import { PathChoice } from './path-choice.js'
import { Pings } from './pings.js'
import { Plot } from './plot.js'
import { Restart } from './restart.js'
import { Route } from './route.js'
import { Speed } from './speed.js'
import { certificateFacts, FactsTable, milliseconds, pageFacts, StatesTable, selectedPageCandidate } from './tables.js'
import { WhyPanel } from './why.js'

const byId = id => document.getElementById(id)
const parts = (...ids) => Object.fromEntries(ids.map(id => [id, byId(id)]))

const link = byId('link')
const form = byId('connect-form')
const button = byId('connect')
const path = new PathChoice({ radios: form.elements.path, hint: byId('path-hint'), note: byId('path-note') })
const dtls = new DtlsChoice({
  ...{ versions: form.elements.dtls, boxes: form.elements.certificate, hint: byId('dtls-hint') },
})
const route = new Route(byId('route'))
const counter = new Counter({
  ...{ sent: byId('count-sent'), returned: byId('count-returned') },
  ...{ lost: byId('count-lost'), slowest: byId('count-slowest') },
})
const candidates = new Candidates({ table: byId('candidates'), firsts: byId('firsts') })
const restart = new Restart({ button: byId('restart'), outcome: byId('restart-outcome') }, { counter, candidates })
const why = new WhyPanel({ button: byId('ask-why'), list: byId('why-lines') }, () => current.why())
const states = new StatesTable(byId('states'))
const facts = new FactsTable(byId('facts'))
const plot = new Plot(byId('plot'), { up: byId('up-rate'), down: byId('down-rate') })
const speed = new Speed({ buttons: document.querySelectorAll('[data-speed]'), outcome: byId('speed-outcome') })
const pings = new Pings(byId('round-trip'))
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

byId('browser-name').textContent = browserName()
form.addEventListener('change', () => {
  link.dataset.offerer = form.elements.offerer.value
})
form.addEventListener('submit', event => {
  event.preventDefault()
  if (connected) current.close()
  else connect({ offerer: form.elements.offerer.value, path: path.value, ...dtls.value })
})
addEventListener('pagehide', () => current?.close())

function connect(choice) {
  const connection = new Connection()
  let started = performance.now()
  current = connection
  for (const part of [path, route, candidates, why, facts]) part.reset()
  states.reset(performance.timeOrigin + started)
  show('connecting', choice.path === 'pool' ? 'Filling the pool…' : 'Connecting…')
  connection.addEventListener('ready', ({ hostAddress }) => {
    started = performance.now()
    states.reset(performance.timeOrigin + started)
    show('connecting', 'Connecting…')
    watchGathering(connection.peer, hostAddress)
  })
  report(connection)
  connection.addEventListener('open', () => {
    show('connected', `Connected in ${Math.round(performance.now() - started)} ms`)
    begin(connection)
  })
  connection.addEventListener('end', ({ reason, failed }) => {
    finish()
    show(failed ? 'failed' : 'idle', failed ? 'Failed' : reason, failed ? reason : undefined)
  })
  void connection.start(choice)
}

/** Shows what the two ends tell, also what comes after the end, but not when the page shows another connection. */
function report(connection) {
  const on = (type, receive) => {
    connection.addEventListener(type, event => connection === current && receive(event))
  }
  on('state', step => states.add(step))
  on('pair', ({ pair }) => route.showPair(pair))
  on('why', event => why.show(event.why))
  on('candidate-error', failure => candidates.addError(failure))
  on('candidate', candidate => {
    candidates.add(candidate)
    if (candidate.end === 'page') path.add(candidate.told)
  })
  on('facts', ({ facts: { roundTripMs, certificate, remoteCertificate, ...values } }) => {
    facts.show('icefloe', { ...values, ...certificateFacts(certificate), roundTrip: milliseconds(roundTripMs) })
    facts.show('page', certificateFacts(remoteCertificate))
  })
}

function watchGathering(peer, hostAddress) {
  peer.addEventListener('icegatheringstatechange', () => {
    if (peer.iceGatheringState === 'complete') path.complete(hostAddress)
  })
}

function begin(connection) {
  const { peer, channels } = connection
  const meter = new Meter()
  for (const channel of Object.values(channels)) meter.watch(channel)
  plot.start(meter)
  counter.start(channels.count, meter)
  restart.start(connection)
  why.enable(true)
  chat.start(channels.chat, meter)
  files.start(channels.file, meter)
  speed.start(channels.speed, meter)
  pings.start(channels.ping)
  const showPair = async () => {
    facts.show('page', await pageFacts(peer))
    route.showPageCandidate(await selectedPageCandidate(peer))
  }
  const update = () => showPair().catch(console.warn)
  // The end that controls ICE may still move to a better pair.
  peer.sctp.transport.iceTransport.addEventListener('selectedcandidatepairchange', update)
  void update()
}

function finish() {
  for (const part of [plot, counter, restart, chat, files, speed, pings]) part.stop()
  why.enable(false)
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
  const free = state !== 'connecting' && !connected
  for (const radio of form.elements.offerer) radio.disabled = !free
  path.enable(free)
  dtls.enable(free)
}

function browserName() {
  const { userAgent } = navigator
  const [, name, version] = /(Firefox|Edg|Chrome|Version)\/(\d+)/.exec(userAgent) ?? []
  if (name === undefined) return 'your browser'
  return `${{ Edg: 'Edge', Version: 'Safari' }[name] ?? name} ${version}`
}

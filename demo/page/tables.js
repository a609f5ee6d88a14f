import { element } from './element.js'

/** The two tables that set the ends side by side: the ways of the state machines, and the facts of the connection. */

const machines = {
  signaling: 'Signalling',
  gathering: 'ICE gathering',
  ice: 'ICE connection',
  dtls: 'DTLS transport',
  connection: 'Connection',
  channel: 'Data channel',
}

const moods = {
  stable: 'good',
  complete: 'good',
  connected: 'good',
  completed: 'good',
  open: 'good',
  gathering: 'busy',
  checking: 'busy',
  connecting: 'busy',
  closing: 'busy',
  'have-local-offer': 'busy',
  'have-remote-offer': 'busy',
  disconnected: 'bad',
  failed: 'bad',
}

const ends = { page: 'This page', icefloe: 'icefloe' }

/** A row for each state machine; every state it enters is added to its trail, the latest one marked as current. */
export class StatesTable {
  #trails = new Map()
  #body
  #start = 0

  constructor(table) {
    this.#body = table.tBodies[0]
    this.reset(0)
  }

  /** @param start the moment that counts as zero, in milliseconds of the epoch */
  reset(start) {
    this.#start = start
    this.#trails.clear()
    const rows = Object.entries(machines).map(([machine, name]) => {
      const cells = Object.entries(ends).map(([end, title]) => {
        const trail = element('ol', { className: 'trail' })
        trail.append(element('li', { className: 'none', textContent: '–' }))
        this.#trails.set(`${end} ${machine}`, trail)
        return cell(title, trail)
      })
      return row(name, cells)
    })
    this.#body.replaceChildren(...rows)
  }

  add({ end, machine, state, at }) {
    const trail = this.#trails.get(`${end} ${machine}`)
    const last = trail.lastElementChild
    if (last.dataset.state === state) return
    if (last.className === 'none') last.remove()
    last.removeAttribute('aria-current')
    const step = element('li', { textContent: state })
    step.dataset.state = state
    step.dataset.mood = moods[state] ?? 'idle'
    step.setAttribute('aria-current', 'step')
    step.append(' ', element('time', { textContent: String(Math.max(0, Math.round(at - this.#start))) }))
    trail.append(step)
  }
}

const facts = {
  dtls: 'DTLS version',
  group: 'Key exchange',
  cipher: 'Cipher suite',
  role: 'DTLS role',
  certificate: 'Own certificate',
  fingerprint: 'Its fingerprint',
  expires: 'Expires',
  local: 'Own candidate',
  remote: "Peer's candidate",
  roundTrip: 'ICE round trip',
}

/** A row for each fact, a dash for one that an end does not know. */
export class FactsTable {
  #cells = new Map()

  constructor(table) {
    const rows = Object.entries(facts).map(([fact, name]) => {
      const cells = Object.entries(ends).map(([end, title]) => {
        const value = element('span', { textContent: '–' })
        value.dataset.fact = `${end} ${fact}`
        this.#cells.set(`${end} ${fact}`, value)
        return cell(title, value)
      })
      return row(name, cells)
    })
    table.tBodies[0].replaceChildren(...rows)
  }

  reset() {
    for (const value of this.#cells.values()) value.textContent = '–'
  }

  show(end, values) {
    for (const [fact, value] of Object.entries(values)) {
      const place = this.#cells.get(`${end} ${fact}`)
      if (place !== undefined && value !== undefined) place.textContent = value
    }
  }
}

/** A certificate as the Node.js end reads it, also that of the browser, whose statistics do not say what is in it. */
export function certificateFacts(certificate) {
  const { key, fingerprint, expires } = certificate ?? {}
  return { certificate: key, fingerprint: fingerprint && shortened(fingerprint), expires }
}

function shortened(fingerprint) {
  const [algorithm, value] = fingerprint.split(' ')
  return `${algorithm} ${value.slice(0, 17)}…`
}

/** The browser's own statistics, in the words of the table. */
export async function pageFacts(peer) {
  const stats = await peer.getStats()
  const transport = [...stats.values()].find(({ type }) => type === 'transport')
  const { pair, local, remote } = selectedPair(stats)
  const certificate = stats.get(transport?.localCertificateId)
  return {
    dtls: { FEFF: 'DTLS 1.0', FEFD: 'DTLS 1.2', FEFC: 'DTLS 1.3' }[transport?.tlsVersion] ?? transport?.tlsVersion,
    cipher: transport?.dtlsCipher,
    role: transport?.dtlsRole,
    fingerprint: certificate && shortened(`${certificate.fingerprintAlgorithm} ${certificate.fingerprint}`),
    local: describeCandidate(local),
    remote: describeCandidate(remote),
    roundTrip: milliseconds(pair?.currentRoundTripTime * 1000),
  }
}

/** The page's own end of the pair in use, out of its statistics. */
export async function selectedPageCandidate(peer) {
  return selectedPair(await peer.getStats()).local
}

/** Firefox has no statistics of transports, and marks the pair itself. */
function selectedPair(stats) {
  const all = [...stats.values()]
  const id = all.find(({ type }) => type === 'transport')?.selectedCandidatePairId
  const pair = stats.get(id) ?? all.find(({ type, selected }) => type === 'candidate-pair' && selected)
  return { pair, local: stats.get(pair?.localCandidateId), remote: stats.get(pair?.remoteCandidateId) }
}

export function milliseconds(value) {
  return Number.isFinite(value) ? `${value.toFixed(1)} ms` : undefined
}

function describeCandidate(candidate) {
  if (candidate === undefined) return undefined
  const { candidateType, protocol, address, port, relayProtocol } = candidate
  const host = address?.includes(':') ? `[${address}]` : address || 'hidden'
  const place = `${candidateType} ${protocol} ${host}:${port}`
  return relayProtocol === undefined ? place : `${place}, over ${relayProtocol}`
}

function row(name, cells) {
  const line = element('tr')
  line.append(Object.assign(element('th', { textContent: name }), { scope: 'row' }), ...cells)
  return line
}

function cell(end, content) {
  const box = element('td')
  box.dataset.end = end
  box.append(content)
  return box
}

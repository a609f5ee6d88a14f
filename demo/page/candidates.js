import { element } from './element.js'

const ends = { page: 'This page', icefloe: 'icefloe' }
const types = ['host', 'srflx', 'relay']
/** After many ICE restarts the oldest go. */
const MAX_ROWS = 80

/** A row for each candidate as it comes, and how long the first one of each type took at icefloe. */
export class Candidates {
  #body
  #firsts
  #found

  constructor({ table, firsts }) {
    this.#body = table.tBodies[0]
    this.#firsts = Object.fromEntries(types.map(type => [type, firsts.querySelector(`[data-first=${type}]`)]))
    this.reset()
  }

  reset() {
    this.#body.replaceChildren()
    this.#expect()
  }

  /** What comes from here on is of a new generation. */
  restart() {
    if (this.#body.rows.length > 0) {
      const cell = element('th', { colSpan: 6, scope: 'rowgroup', textContent: 'ICE restart' })
      const row = element('tr', { className: 'generation' })
      row.append(cell)
      this.#add(row)
    }
    this.#expect()
  }

  add({ end, told, ms }) {
    this.#add(
      showRow(end, [
        chip(told.type),
        ['Address', place(told)],
        ['Protocol', [told.protocol, told.tcpType].filter(Boolean).join(' ')],
        ['Server', told.url ? serverText(told) : ''],
        ['After', ms.toFixed(1)],
      ]),
    )
    if (end !== 'icefloe' || this.#found.has(told.type)) return
    this.#found.add(told.type)
    const first = this.#firsts[told.type]
    if (first !== undefined) first.textContent = ms.toFixed(1)
  }

  addError({ end, url, error, ms }) {
    this.#add(
      showRow(end, [chip('error'), ['Error', error], ['Protocol', ''], ['Server', url], ['After', ms.toFixed(1)]]),
    )
  }

  #expect() {
    this.#found = new Set()
    for (const first of Object.values(this.#firsts)) first.textContent = '–'
  }

  #add(row) {
    this.#body.append(row)
    if (this.#body.rows.length > MAX_ROWS) this.#body.deleteRow(0)
  }
}

/** Where a candidate is. */
export function place({ address, port }) {
  if (!address) return 'hidden'
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

function serverText({ url, relayProtocol }) {
  return relayProtocol ? `${url}, over ${relayProtocol}` : url
}

function chip(type) {
  const label = element('span', { className: 'type', textContent: type })
  label.dataset.type = type
  return ['Type', label]
}

function showRow(end, cells) {
  const row = element('tr')
  row.dataset.end = end
  row.append(element('th', { scope: 'row', textContent: ends[end] }))
  for (const [name, content] of cells) {
    const cell = element('td')
    cell.dataset.name = name
    cell.append(content)
    row.append(cell)
  }
  return row
}

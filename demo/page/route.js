import { place } from './candidates.js'
import { element } from './element.js'

/** The way of the data, stop by stop: from the page, over the relays of the two ends if they have some, to icefloe. */
export class Route {
  #list
  #pair
  #pageCandidate

  constructor(list) {
    this.#list = list
  }

  reset() {
    this.#pair = undefined
    this.#pageCandidate = undefined
    this.#list.replaceChildren()
  }

  /** @param pair what icefloe sends over */
  showPair(pair) {
    this.#pair = pair
    this.#show()
  }

  /** @param candidate the page's own end of it, as in its statistics: there alone is how it reaches its relay */
  showPageCandidate(candidate) {
    this.#pageCandidate = candidate
    this.#show()
  }

  #show() {
    if (this.#pair === undefined) return
    const { local, remote } = this.#pair
    const { candidateType, relayProtocol = 'udp' } = this.#pageCandidate ?? {}
    // The check of a relayed page may come before the candidate does, which is peer-reflexive then.
    const pageRelay = (remote.type === 'relay' || candidateType === 'relay') && relay(remote, relayProtocol)
    const ownRelay = local.type === 'relay' && relay(local, 'udp')
    const stops = [
      { name: 'This page', at: pageRelay ? '' : place(remote) },
      ...[pageRelay, ownRelay].filter(Boolean),
      { name: 'icefloe', at: ownRelay ? '' : place(local), over: local.relayProtocol ?? local.protocol },
    ]
    this.#list.replaceChildren(...stops.map(showStop))
  }
}

function relay(candidate, over) {
  return { name: 'TURN server', at: place(candidate), over }
}

function showStop({ name, at, over }) {
  const stop = element('li')
  if (over !== undefined) stop.append(element('span', { className: 'hop', textContent: over.toUpperCase() }))
  const box = element('span', { className: 'stop' })
  box.append(element('strong', { textContent: name }), element('span', { textContent: at }))
  stop.append(box)
  return stop
}

import { element } from './element.js'

/** What icefloe says about each candidate pair, in words; what happened to a pair is behind its line. */
export class WhyPanel {
  #button
  #list

  /** @param ask resolves with the lines */
  constructor({ button, list }, ask) {
    this.#button = button
    this.#list = list
    button.addEventListener('click', () =>
      ask().then(
        why => this.show(why),
        error => this.#fail(error),
      ),
    )
  }

  enable(on) {
    this.#button.disabled = !on
  }

  reset() {
    this.#list.replaceChildren()
  }

  show(why) {
    this.#list.replaceChildren(...why.map(showLine))
  }

  #fail({ message }) {
    this.#list.replaceChildren(element('li', { textContent: message }))
  }
}

function showLine({ text, history }) {
  const line = element('li')
  if (history === undefined) line.textContent = text
  else {
    const details = element('details')
    details.append(element('summary', { textContent: text }), showHistory(history))
    line.append(details)
  }
  return line
}

function showHistory(history) {
  if (history.length === 0) return element('p', { className: 'none', textContent: 'Nothing has happened to it yet.' })
  const list = element('ol', { className: 'trail' })
  for (const { ms, what } of history) {
    const step = element('li', { textContent: what })
    step.append(' ', element('time', { textContent: String(ms) }))
    list.append(step)
  }
  return list
}

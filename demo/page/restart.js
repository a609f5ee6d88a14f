/** Restarts ICE in mid-call, and says what that did to the messages under way. */
export class Restart {
  #button
  #outcome
  #counter
  #candidates
  #connection
  #busy = false

  constructor({ button, outcome }, { counter, candidates }) {
    this.#button = button
    this.#outcome = outcome
    this.#counter = counter
    this.#candidates = candidates
    button.addEventListener('click', () => void this.#restart())
  }

  start(connection) {
    this.#connection = connection
    this.#outcome.textContent = ''
    this.#button.disabled = false
  }

  stop() {
    this.#connection = undefined
    this.#button.disabled = true
  }

  async #restart() {
    if (this.#busy) return
    this.#setBusy(true)
    this.#candidates.restart()
    this.#outcome.textContent = 'Restarting…'
    const fared = this.#counter.watch()
    const started = performance.now()
    try {
      await this.#connection.restart()
      const ms = Math.round(performance.now() - started)
      this.#outcome.textContent = `On a new pair after ${ms} ms. ${tell(await fared())}`
    } catch (error) {
      this.#outcome.textContent = `The restart has failed: ${error.message}. ${tell(await fared())}`
    }
    this.#setBusy(false)
  }

  /** A button that was disabled would lose the focus of the keyboard. */
  #setBusy(busy) {
    this.#busy = busy
    this.#button.setAttribute('aria-disabled', String(busy))
  }
}

function tell({ sent, lost, missing, slowest }) {
  const messages = sent === 1 ? '1 message' : `${sent} messages`
  const fate = lost === 0 ? 'none was lost' : `${lost} lost`
  if (missing > 0) return `${messages} went out meanwhile, ${missing} of all have not come back yet.`
  return `${messages} went out meanwhile, ${fate}; the slowest took ${slowest.toFixed(1)} ms to return.`
}

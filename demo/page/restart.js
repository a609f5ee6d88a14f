/** Restarts ICE in mid-call, and says what that did to the messages under way. */
export class Restart {
  #button
  #outcome
  #counter
  #connection

  constructor({ button, outcome }, counter) {
    this.#button = button
    this.#outcome = outcome
    this.#counter = counter
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
    const connection = this.#connection
    this.#button.disabled = true
    this.#outcome.textContent = 'Restarting…'
    const fared = this.#counter.watch()
    const started = performance.now()
    try {
      await connection.restart()
      const ms = Math.round(performance.now() - started)
      const { sent, lost, slowest } = await fared()
      const fate = lost === 0 ? 'none was lost' : `${lost} were lost`
      this.#outcome.textContent = `On a new pair after ${ms} ms. ${sent} messages went out meanwhile, ${fate}; the slowest took ${slowest.toFixed(1)} ms to return.`
    } catch (error) {
      this.#outcome.textContent = `The restart has failed: ${error.message}`
    }
    this.#button.disabled = connection !== this.#connection
  }
}

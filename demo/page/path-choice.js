const hints = {
  direct: 'No servers: each end tells the other the addresses of its own host.',
  'relay-udp': 'Both ends use nothing but the demo’s own TURN server, and reach it over UDP.',
  'relay-tcp': 'Both ends use nothing but the demo’s own TURN server, and reach it over TCP.',
  pool: 'Every path, with the TURN server among them. icefloe has gathered before it is asked for its description.',
}

/** Says what the chosen path is, and when the browser cannot take it. */
export class PathChoice {
  #radios
  #hint
  #note
  #relayed = false

  constructor({ radios, hint, note }) {
    this.#radios = radios
    this.#hint = hint
    this.#note = note
    for (const radio of radios) radio.addEventListener('change', () => this.#explain())
    this.#explain()
  }

  get value() {
    return this.#radios.value
  }

  enable(on) {
    for (const radio of this.#radios) radio.disabled = !on
  }

  reset() {
    this.#relayed = false
    this.#note.hidden = true
  }

  /** The page has a candidate. */
  add({ type }) {
    if (type === 'relay') this.#relayed = true
  }

  /**
   * The page has all the candidates that it will have.
   *
   * @param hostAddress of the host that the TURN server is on
   */
  complete(hostAddress) {
    if (this.#relayed || !this.value.startsWith('relay')) return
    const remedy = hostAddress ? `; start the demo with: npm start -- --turn ${hostAddress}` : ''
    this.#note.textContent = `Your browser got no relayed address. Firefox, for one, takes no TURN server on 127.0.0.1${remedy}`
    this.#note.hidden = false
  }

  #explain() {
    this.#hint.textContent = hints[this.value]
  }
}

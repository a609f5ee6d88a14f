/**
 * The page's end of the signalling: HTTP requests out, server-sent events in. While descriptions are exchanged,
 * candidates wait: the other end has nothing yet that they would belong to.
 */
export class Signalling {
  #id
  #waiting

  /**
   * @param choice `path`, `dtls` and `certificates`
   * @returns what the page's connection is to be constructed with, and an address of the server's host, if it has any
   */
  async create(choice) {
    const { id, configuration, hostAddress } = await request('POST', '/sessions', choice)
    this.#id = id
    return { configuration, hostAddress }
  }

  /** @returns icefloe's answer */
  async offer(offer) {
    return (await this.#request('POST', 'offer', { offer })).answer
  }

  /** @returns icefloe's offer */
  async askForOffer() {
    return (await this.#request('POST', 'offer', {})).offer
  }

  async answer(answer) {
    await this.#request('POST', 'answer', { answer })
  }

  /** @returns what became of each candidate pair at icefloe */
  async why() {
    return (await this.#request('GET', 'why')).why
  }

  /** From here on every event that icefloe reports, the earlier ones too, is handed to `receive`. */
  listen(receive) {
    const events = new EventSource(`/sessions/${this.#id}/events`)
    events.onmessage = ({ data }) => {
      const event = JSON.parse(data)
      if (event.type === 'closed') events.close()
      receive(event)
    }
    // A stream that breaks is opened again, unless there is nothing more to come.
    events.onerror = () => this.#id ?? events.close()
  }

  /** Candidates wait from here on. */
  hold() {
    this.#waiting ??= []
  }

  /** Both ends have both descriptions: what has waited is sent, and what comes is sent at once. */
  release() {
    const candidates = this.#waiting ?? []
    this.#waiting = undefined
    if (candidates.length > 0) this.#send(candidates)
  }

  candidate(candidate) {
    if (this.#waiting === undefined) this.#send([candidate])
    else this.#waiting.push(candidate)
  }

  /** Tells the server, also while the page is being left. The stream of events ends with icefloe's last ones. */
  end() {
    if (this.#id !== undefined) fetch(`/sessions/${this.#id}`, { method: 'DELETE', keepalive: true }).catch(() => {})
    this.#id = undefined
  }

  #send(candidates) {
    if (this.#id === undefined) return
    // A candidate that does not arrive is one of several: if it mattered, the connection says so by failing.
    this.#request('POST', 'candidates', { candidates }).catch(error => console.warn(error))
  }

  #request(method, action, body) {
    return request(method, `/sessions/${this.#id}/${action}`, body)
  }
}

/** Asks the demo server. @returns what it answers; rejects with its reason if it refuses */
export async function request(method, path, body) {
  const headers = { 'content-type': 'application/json' }
  let response
  try {
    response = await fetch(path, { method, headers, body: JSON.stringify(body) })
  } catch {
    throw new Error('The demo server does not answer. Is it still running?')
  }
  const reply = response.status === 204 ? {} : await response.json()
  if (!response.ok) throw new Error(`The demo server refused: ${reply.error}`)
  return reply
}

/**
 * The page's end of the signalling: HTTP requests out, server-sent events in. Candidates that are found before the
 * server knows the session wait here.
 */
export class Signalling {
  #id
  #waiting = []

  /** @returns icefloe's answer */
  async offer(offer) {
    const { id, answer } = await request('POST', '/sessions', { offer })
    this.#id = id
    return answer
  }

  /** @returns icefloe's offer */
  async askForOffer() {
    const { id, offer } = await request('POST', '/sessions', {})
    this.#id = id
    return offer
  }

  async answer(answer) {
    await request('POST', `/sessions/${this.#id}/answer`, { answer })
  }

  /** From here on candidates are sent, and every event that icefloe reports is handed to `receive`. */
  begin(receive) {
    const events = new EventSource(`/sessions/${this.#id}/events`)
    events.onmessage = ({ data }) => {
      const event = JSON.parse(data)
      if (event.type === 'closed') events.close()
      receive(event)
    }
    // A stream that breaks is opened again, unless there is nothing more to come.
    events.onerror = () => this.#id ?? events.close()
    const candidates = this.#waiting
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
    request('POST', `/sessions/${this.#id}/candidates`, { candidates }).catch(error => console.warn(error))
  }
}

async function request(method, path, body) {
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

const PING_MS = 500
const PINGS_SHOWN = 5

/** Measures the round trip. Pings may get lost; shown is the median of the last few that came back. */
export class Pings {
  #text
  #timer

  constructor(text) {
    this.#text = text
  }

  start(channel) {
    const recent = []
    channel.addEventListener('message', ({ data }) => {
      recent.push(performance.now() - Number(data))
      if (recent.length > PINGS_SHOWN) recent.shift()
      this.#text.textContent = [...recent].sort((a, b) => a - b)[recent.length >> 1].toFixed(1)
    })
    const ping = () => channel.readyState === 'open' && channel.send(String(performance.now()))
    ping()
    this.#timer = setInterval(ping, PING_MS)
  }

  stop() {
    clearInterval(this.#timer)
  }
}

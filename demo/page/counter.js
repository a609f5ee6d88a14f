const SEND_MS = 40
const SHOW_MS = 200
const PATIENCE_MS = 2000

/** Numbers go to icefloe and return, all the time: if one is missing, or comes late, it shows. */
export class Counter {
  #texts
  #channel
  #sentAt = []
  #returned = 0
  #lost = 0
  #slowest = 0
  #timers = []

  constructor(texts) {
    this.#texts = texts
  }

  start(channel, meter) {
    this.#channel = channel
    this.#sentAt = []
    this.#returned = 0
    this.#lost = 0
    this.#slowest = 0
    channel.addEventListener('message', ({ data }) => this.#receive(Number(data)))
    const send = () => {
      if (channel.readyState !== 'open') return
      const text = String(this.#sentAt.push(performance.now()) - 1)
      channel.send(text)
      meter.count(text.length)
    }
    this.#timers = [setInterval(send, SEND_MS), setInterval(() => this.#show(), SHOW_MS)]
  }

  stop() {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
    if (this.#channel !== undefined) this.#show()
  }

  /**
   * @returns asked later, how the numbers of the time since now have fared; resolves when they are back, or it has waited
   * for them long enough
   */
  watch() {
    const [from, lost] = [this.#sentAt.length, this.#lost]
    this.#slowest = 0
    return async () => {
      const until = this.#sentAt.length
      const missing = () => Math.max(0, until - this.#returned - this.#lost)
      const deadline = performance.now() + PATIENCE_MS
      while (missing() > 0 && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, SEND_MS))
      return { sent: until - from, lost: this.#lost - lost, missing: missing(), slowest: this.#slowest }
    }
  }

  /** The channel is ordered: a number that has not come before a later one never will. */
  #receive(number) {
    this.#lost = number - this.#returned
    this.#returned += 1
    this.#slowest = Math.max(this.#slowest, performance.now() - this.#sentAt[number])
  }

  #show() {
    const { sent, returned, lost, slowest } = this.#texts
    sent.textContent = this.#sentAt.length.toLocaleString('en')
    returned.textContent = this.#returned.toLocaleString('en')
    lost.textContent = this.#lost.toLocaleString('en')
    slowest.textContent = this.#slowest.toFixed(1)
  }
}

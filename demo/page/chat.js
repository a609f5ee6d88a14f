/** Sends what is written, shows what comes back, and how long it took. */
export class Chat {
  #log
  #form
  #channel
  #meter
  #sent = []

  constructor({ log, form, input }) {
    this.#log = log
    this.#form = form
    form.addEventListener('submit', event => {
      event.preventDefault()
      this.#send(input.value)
      input.value = ''
    })
  }

  start(channel, meter) {
    this.#channel = channel
    this.#meter = meter
    this.#sent = []
    this.#log.replaceChildren()
    channel.addEventListener('message', ({ data }) => {
      this.#add(data, 'echo', performance.now() - this.#sent.shift())
    })
    this.#enable(true)
  }

  stop() {
    this.#enable(false)
  }

  #send(text) {
    if (text === '' || this.#channel?.readyState !== 'open') return
    this.#add(text, 'own')
    this.#sent.push(performance.now())
    this.#meter.count(new TextEncoder().encode(text).length)
    this.#channel.send(text)
  }

  #add(text, kind, ms) {
    const line = document.createElement('li')
    line.className = kind
    line.textContent = text
    if (ms !== undefined) {
      const time = document.createElement('small')
      time.textContent = `${ms.toFixed(1)} ms`
      line.append(time)
    }
    this.#log.append(line)
    this.#log.scrollTop = this.#log.scrollHeight
  }

  #enable(on) {
    for (const control of this.#form.elements) control.disabled = !on
  }
}

import { Chart } from './chart.js'

const SAMPLE_MS = 250

/** Draws the megabytes per second of the last 30 seconds, both ways, and shows the latest values in words. */
export class Plot {
  #chart
  #texts
  #meter
  #timer
  #last = { time: 0, sent: 0, received: 0 }

  /** @param texts elements for the current rates: {up, down} */
  constructor(canvas, texts) {
    this.#chart = new Chart(canvas, {
      ...{ unit: 'MB/s', colours: ['--down', '--up'], sampleMs: SAMPLE_MS, minimum: 1 },
      describe: (peak, seconds) =>
        `Throughput of the last ${seconds} seconds: at most ${peak.toFixed(1)} megabytes per second`,
    })
    this.#texts = texts
  }

  start(meter) {
    this.stop()
    this.#meter = meter
    this.#chart.clear()
    this.#last = { time: performance.now(), sent: meter.sent, received: meter.received }
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS)
  }

  stop() {
    clearInterval(this.#timer)
    this.#texts.up.textContent = '0.0'
    this.#texts.down.textContent = '0.0'
  }

  #sample() {
    const now = { time: performance.now(), sent: this.#meter.sent, received: this.#meter.received }
    const rate = bytes => Math.max(0, bytes) / 1000 / (now.time - this.#last.time)
    const up = rate(now.sent - this.#last.sent)
    const down = rate(now.received - this.#last.received)
    this.#last = now
    this.#texts.up.textContent = up.toFixed(1)
    this.#texts.down.textContent = down.toFixed(1)
    this.#chart.add(down, up)
  }
}

import { Chart } from './chart.js'

export const SAMPLE_MS = 1000

const byId = id => document.getElementById(id)
const inWords = (name, unit) => (peak, seconds) =>
  `${name} of the last ${seconds} seconds: at most ${round(peak)} ${unit}`

/** The three plots, with the latest values in words above each. */
export class MediaCharts {
  #rate = new Chart(byId('rate-chart'), {
    ...{ unit: 'kbit/s', colours: ['--down', '--up'], sampleMs: SAMPLE_MS, minimum: 100 },
    describe: inWords('Bitrate', 'kilobits per second'),
  })
  #lost = new Chart(byId('lost-chart'), {
    ...{ unit: '%', colours: ['--down', '--up'], sampleMs: SAMPLE_MS, minimum: 10 },
    describe: inWords('Loss', 'per cent'),
  })
  #trip = new Chart(byId('trip-chart'), {
    ...{ unit: 'ms', colours: ['--down'], sampleMs: SAMPLE_MS, minimum: 10 },
    describe: inWords('Round trip', 'milliseconds'),
  })

  clear() {
    for (const chart of [this.#rate, this.#lost, this.#trip]) chart.clear()
    this.#say({})
  }

  /** @param values {rateUp, rateDown, lostUp, lostDown, trip}; undefined for what is not known */
  add(values) {
    this.#rate.add(values.rateDown, values.rateUp)
    this.#lost.add(values.lostDown, values.lostUp)
    this.#trip.add(values.trip)
    this.#say(values)
  }

  #say({ rateUp, rateDown, lostUp, lostDown, trip }) {
    say('rate-up', rateUp, 0)
    say('rate-down', rateDown, 0)
    say('lost-up', lostUp, 1)
    say('lost-down', lostDown, 1)
    say('trip', trip, 1)
  }
}

function say(id, value, digits) {
  const place = byId(id)
  if (place !== null) place.textContent = Number.isFinite(value) ? value.toFixed(digits) : '–'
}

function round(value) {
  return Math.round(value * 10) / 10
}

const WINDOW_SECONDS = 30
const SAMPLE_MS = 250
const SAMPLES = (WINDOW_SECONDS * 1000) / SAMPLE_MS
const MARGIN = { top: 10, right: 8, bottom: 22, left: 44 }

/** Draws the megabytes per second of the last 30 seconds, both ways, and shows the latest values in words. */
export class Plot {
  #canvas
  #texts
  #meter
  #timer
  #last = { time: 0, sent: 0, received: 0 }
  #up = []
  #down = []

  /** @param texts elements for the current rates: {up, down} */
  constructor(canvas, texts) {
    this.#canvas = canvas
    this.#texts = texts
    new ResizeObserver(() => this.#draw()).observe(canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw())
  }

  start(meter) {
    this.stop()
    this.#meter = meter
    this.#up = []
    this.#down = []
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
    push(this.#up, rate(now.sent - this.#last.sent))
    push(this.#down, rate(now.received - this.#last.received))
    this.#last = now
    this.#texts.up.textContent = this.#up.at(-1).toFixed(1)
    this.#texts.down.textContent = this.#down.at(-1).toFixed(1)
    this.#draw()
  }

  #draw() {
    const canvas = this.#canvas
    const { clientWidth: width, clientHeight: height } = canvas
    const scale = devicePixelRatio
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
    const context = canvas.getContext('2d')
    context.scale(scale, scale)
    const style = getComputedStyle(canvas)
    const colour = name => style.getPropertyValue(name)
    const peak = Math.max(...this.#up, ...this.#down, 0)
    const top = niceCeiling(Math.max(peak, 1))
    const area = {
      x: seconds => width - MARGIN.right - (seconds / WINDOW_SECONDS) * (width - MARGIN.left - MARGIN.right),
      y: rate => height - MARGIN.bottom - (rate / top) * (height - MARGIN.top - MARGIN.bottom),
    }
    context.font = `12px ${style.fontFamily}`
    drawAxes(context, area, top, colour('--line'), colour('--soft'))
    drawSeries(context, area, this.#down, colour('--down'))
    drawSeries(context, area, this.#up, colour('--up'))
    canvas.setAttribute(
      'aria-label',
      `Throughput of the last ${WINDOW_SECONDS} seconds: at most ${peak.toFixed(1)} megabytes per second`,
    )
  }
}

function push(series, value) {
  series.push(value)
  if (series.length > SAMPLES + 1) series.shift()
}

/** The next of 1, 2, 5, 10, 20, ... that is not below the value: half of it and it itself are round numbers. */
function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map(step => step * power).find(step => step >= value)
}

function drawAxes(context, { x, y }, top, line, text) {
  context.strokeStyle = line
  context.fillStyle = text
  context.lineWidth = 1
  context.textAlign = 'right'
  context.textBaseline = 'middle'
  for (const rate of [0, top / 2, top]) {
    const height = Math.round(y(rate)) + 0.5
    context.beginPath()
    context.moveTo(x(WINDOW_SECONDS), height)
    context.lineTo(x(0), height)
    context.stroke()
    context.fillText(String(rate), x(WINDOW_SECONDS) - 8, height)
  }
  context.textAlign = 'left'
  context.fillText('MB/s', x(WINDOW_SECONDS) + 2, y(top) + 11)
  context.textBaseline = 'alphabetic'
  for (const seconds of [30, 20, 10, 0]) {
    context.textAlign = seconds === 0 ? 'right' : seconds === WINDOW_SECONDS ? 'left' : 'center'
    context.fillText(seconds === 0 ? 'now' : `−${seconds} s`, x(seconds), y(0) + 17)
  }
}

function drawSeries(context, { x, y }, series, colour) {
  if (series.length < 2) return
  const secondsAgo = index => ((series.length - 1 - index) * SAMPLE_MS) / 1000
  const line = new Path2D()
  series.forEach((rate, index) => {
    line.lineTo(x(secondsAgo(index)), y(rate))
  })
  const area = new Path2D(line)
  area.lineTo(x(0), y(0))
  area.lineTo(x(secondsAgo(0)), y(0))
  context.fillStyle = colour
  context.globalAlpha = 0.12
  context.fill(area)
  context.globalAlpha = 1
  context.strokeStyle = colour
  context.lineWidth = 2
  context.lineJoin = 'round'
  context.stroke(line)
}

const WINDOW_SECONDS = 30
const MARGIN = { top: 10, right: 8, bottom: 22, left: 44 }

/** Draws the last 30 seconds of one or more values; a value that is not known leaves a gap. */
export class Chart {
  #canvas
  #options
  #series

  /**
   * @param options `unit`: of the values; `colours`: the names of custom properties, one for each value; `sampleMs`:
   *   between two samples; `minimum`: the least that the axis reaches to; `describe`: says in words what the highest
   *   value means
   */
  constructor(canvas, options) {
    this.#canvas = canvas
    this.#options = options
    this.clear()
    new ResizeObserver(() => this.#draw()).observe(canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw())
  }

  clear() {
    this.#series = this.#options.colours.map(() => [])
  }

  /** @param values one for each colour; undefined for what is not known */
  add(...values) {
    const most = (WINDOW_SECONDS * 1000) / this.#options.sampleMs + 1
    this.#series.forEach((series, index) => {
      series.push(values[index])
      if (series.length > most) series.shift()
    })
    this.#draw()
  }

  #draw() {
    const canvas = this.#canvas
    const { unit, colours, sampleMs, minimum, describe } = this.#options
    const { clientWidth: width, clientHeight: height } = canvas
    const scale = devicePixelRatio
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
    const context = canvas.getContext('2d')
    context.scale(scale, scale)
    const style = getComputedStyle(canvas)
    const colour = name => style.getPropertyValue(name)
    const peak = Math.max(...this.#series.flat().filter(Number.isFinite), 0)
    const top = niceCeiling(Math.max(peak, minimum))
    const area = {
      x: seconds => width - MARGIN.right - (seconds / WINDOW_SECONDS) * (width - MARGIN.left - MARGIN.right),
      y: value => height - MARGIN.bottom - (value / top) * (height - MARGIN.top - MARGIN.bottom),
    }
    context.font = `12px ${style.fontFamily}`
    drawAxes(context, area, { top, unit, line: colour('--line'), text: colour('--soft') })
    this.#series.forEach((series, index) => {
      for (const run of runs(series, sampleMs)) drawRun(context, area, run, colour(colours[index]))
    })
    canvas.setAttribute('aria-label', describe(peak, WINDOW_SECONDS))
  }
}

/** The next of 1, 2, 5, 10, 20, ... that is not below the value: half of it and it itself are round numbers. */
function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map(step => step * power).find(step => step >= value)
}

function drawAxes(context, { x, y }, { top, unit, line, text }) {
  context.strokeStyle = line
  context.fillStyle = text
  context.lineWidth = 1
  context.textAlign = 'right'
  context.textBaseline = 'middle'
  for (const value of [0, top / 2, top]) {
    const height = Math.round(y(value)) + 0.5
    context.beginPath()
    context.moveTo(x(WINDOW_SECONDS), height)
    context.lineTo(x(0), height)
    context.stroke()
    context.fillText(String(value), x(WINDOW_SECONDS) - 8, height)
  }
  context.textAlign = 'left'
  context.fillText(unit, x(WINDOW_SECONDS) + 2, y(top) + 11)
  context.textBaseline = 'alphabetic'
  for (const seconds of [30, 20, 10, 0]) {
    context.textAlign = seconds === 0 ? 'right' : seconds === WINDOW_SECONDS ? 'left' : 'center'
    context.fillText(seconds === 0 ? 'now' : `−${seconds} s`, x(seconds), y(0) + 17)
  }
}

/** The pieces of a series without gaps, each a list of [seconds ago, value]. */
function runs(series, sampleMs) {
  const found = [[]]
  series.forEach((value, index) => {
    const secondsAgo = ((series.length - 1 - index) * sampleMs) / 1000
    if (Number.isFinite(value)) found.at(-1).push([secondsAgo, value])
    else if (found.at(-1).length > 0) found.push([])
  })
  return found.filter(run => run.length > 1)
}

function drawRun(context, { x, y }, run, colour) {
  const line = new Path2D()
  for (const [secondsAgo, value] of run) line.lineTo(x(secondsAgo), y(value))
  const area = new Path2D(line)
  area.lineTo(x(run.at(-1)[0]), y(0))
  area.lineTo(x(run[0][0]), y(0))
  context.fillStyle = colour
  context.globalAlpha = 0.12
  context.fill(area)
  context.globalAlpha = 1
  context.strokeStyle = colour
  context.lineWidth = 2
  context.lineJoin = 'round'
  context.stroke(line)
}

import { MESSAGE_BYTES, sendAll } from './send.js'

const RUN_SECONDS = 5
const DRAIN_MS = 15_000

/** Floods the channel from either end, or both, for some seconds, and says what arrived in that time. */
export class Speed {
  #buttons
  #outcome
  #channel
  #meter
  #run

  constructor({ buttons, outcome }) {
    this.#buttons = buttons
    this.#outcome = outcome
    for (const button of buttons) button.addEventListener('click', () => void this.#start(button.dataset.speed))
  }

  start(channel, meter) {
    this.#channel = channel
    this.#meter = meter
    channel.addEventListener('message', ({ data }) => this.#receive(data))
    this.#enable(true)
  }

  stop() {
    this.#run?.end()
    this.#enable(false)
  }

  async #start(way) {
    this.#enable(false)
    this.#outcome.textContent = ''
    const started = performance.now()
    const run = { downloaded: 0, uploaded: 0, onStopped: undefined, onUploaded: undefined, end: undefined }
    this.#run = run
    const work = []
    if (way !== 'upload') work.push(this.#download(run))
    if (way !== 'download') work.push(this.#upload(run, started + RUN_SECONDS * 1000))
    const ended = new Promise(resolve => {
      run.end = resolve
    })
    await Promise.race([Promise.all(work), ended, after(RUN_SECONDS * 1000 + DRAIN_MS)])
    const seconds = (performance.now() - started) / 1000
    this.#run = undefined
    this.#report(way, run, seconds)
    this.#enable(this.#channel.readyState === 'open')
  }

  #download(run) {
    this.#channel.send(JSON.stringify({ type: 'download', seconds: RUN_SECONDS }))
    return new Promise(resolve => {
      run.onStopped = resolve
    })
  }

  /** The channel is ordered: when icefloe answers the question for the total, all that was sent has arrived. */
  async #upload(run, end) {
    const total = new Promise(resolve => {
      run.onUploaded = resolve
    })
    if (!(await sendAll(this.#channel, blocksUntil(end), this.#meter))) return
    this.#channel.send(JSON.stringify({ type: 'total' }))
    run.uploaded = await total
  }

  #receive(data) {
    const run = this.#run
    if (run === undefined) return
    if (typeof data !== 'string') run.downloaded += data.byteLength
    else {
      const message = JSON.parse(data)
      if (message.type === 'stopped') run.onStopped?.()
      else if (message.type === 'uploaded') run.onUploaded?.(message.bytes)
    }
  }

  #report(way, { downloaded, uploaded }, seconds) {
    const rate = bytes => `${(bytes / 1_000_000 / seconds).toFixed(1)} MB/s`
    const parts = []
    if (way !== 'upload') parts.push(`download ${rate(downloaded)}`)
    if (way !== 'download') parts.push(`upload ${rate(uploaded)}`)
    this.#outcome.textContent = `Average over ${seconds.toFixed(1)} s: ${parts.join(', ')}.`
  }

  #enable(on) {
    for (const button of this.#buttons) button.disabled = !on
  }
}

function* blocksUntil(end) {
  const block = new Uint8Array(MESSAGE_BYTES)
  while (performance.now() < end) yield block
}

function after(ms) {
  return new Promise(resolve => setTimeout(resolve, ms))
}

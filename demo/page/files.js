import { MESSAGE_BYTES, sendAll } from './send.js'

const MAX_FILE_BYTES = 64 * 1024 * 1024
const SAMPLE_BYTES = 8 * 1024 * 1024
const RANDOM_CALL_BYTES = 65_536
const PROGRESS_MS = 100

/**
 * Sends a file to icefloe and takes it back: progress both ways, and the SHA-256 of what was sent, of what icefloe
 * received and of what returned.
 */
export class Files {
  #parts
  #channel
  #meter
  #file

  /** @param parts the elements of the card, by id */
  constructor(parts) {
    this.#parts = parts
    const { file, sample, drop } = parts
    file.addEventListener('change', () => void this.#take(file.files[0]))
    sample.addEventListener('click', () => void this.#take(randomFile()))
    drop.addEventListener('dragover', event => {
      event.preventDefault()
      if (!file.disabled) drop.dataset.over = ''
    })
    drop.addEventListener('dragleave', () => delete drop.dataset.over)
    drop.addEventListener('drop', event => {
      event.preventDefault()
      delete drop.dataset.over
      if (!file.disabled) void this.#take(event.dataTransfer.files[0])
    })
  }

  start(channel, meter) {
    this.#channel = channel
    this.#meter = meter
    channel.addEventListener('message', ({ data }) => this.#receive(data))
    this.#enable(true)
  }

  stop() {
    if (this.#file !== undefined) this.#finish('bad', 'The connection ended before the file was back.')
    this.#enable(false)
  }

  async #take(file) {
    if (file === undefined || this.#file !== undefined) return
    this.#show(file)
    if (file.size > MAX_FILE_BYTES) return this.#finish('bad', 'This file is larger than 64 MiB.')
    this.#enable(false)
    const current = { size: file.size, handed: 0, received: 0, parts: [], started: 0 }
    this.#file = current
    try {
      const bytes = new Uint8Array(await file.arrayBuffer())
      current.sent = await sha256(bytes)
      this.#parts['hash-sent'].textContent = current.sent
      current.started = performance.now()
      this.#channel.send(JSON.stringify({ type: 'file', name: file.name, size: file.size }))
      current.watch = setInterval(() => this.#progress('upload', this.#sentBytes(current), current), PROGRESS_MS)
      await sendAll(this.#channel, pieces(bytes, current), this.#meter)
    } catch (error) {
      this.#finish('bad', `The file could not be sent: ${error.message}`)
    }
  }

  #receive(data) {
    const current = this.#file
    if (current === undefined) return
    if (typeof data !== 'string') this.#takeBack(current, data)
    else {
      const message = JSON.parse(data)
      if (message.type === 'received') this.#received(current, message)
      else if (message.type === 'error') this.#finish('bad', `icefloe refused the file: ${message.reason}.`)
      else if (message.type === 'file' && message.size === 0) void this.#returned(current)
    }
  }

  #received(current, { size, sha256 }) {
    clearInterval(current.watch)
    current.hash = sha256
    this.#parts['hash-received'].textContent = sha256
    this.#progress('upload', size, current)
    current.started = performance.now()
  }

  #takeBack(current, data) {
    current.parts.push(data)
    current.received += data.byteLength
    this.#progress('download', current.received, current)
    if (current.received >= current.size) void this.#returned(current)
  }

  async #returned(current) {
    if (current.size === 0) this.#progress('download', 0, current)
    const hash = await sha256(await new Blob(current.parts).arrayBuffer())
    this.#parts['hash-returned'].textContent = hash
    const same = hash === current.sent && current.hash === current.sent
    if (same) this.#finish('good', '✓ All three are equal: the file came back whole.')
    else this.#finish('bad', '✗ They differ: the file was changed on its way.')
  }

  /** What waits in the channel's buffer was not sent yet. */
  #sentBytes(current) {
    return Math.max(0, current.handed - this.#channel.bufferedAmount)
  }

  #progress(way, bytes, { size, started }) {
    const { [`${way}-bar`]: bar, [`${way}-text`]: text } = this.#parts
    bar.value = size === 0 ? 1 : bytes / size
    const rate = bytes / 1000 / Math.max(1, performance.now() - started)
    text.textContent = `${megabytes(bytes)} of ${megabytes(size)} MB, ${rate.toFixed(1)} MB/s`
  }

  #show(file) {
    const { transfer, verdict } = this.#parts
    transfer.hidden = false
    this.#parts['file-name'].textContent = `${file.name}, ${file.size.toLocaleString('en')} bytes`
    for (const hash of ['sent', 'received', 'returned']) this.#parts[`hash-${hash}`].textContent = ''
    for (const way of ['upload', 'download']) {
      this.#parts[`${way}-bar`].value = 0
      this.#parts[`${way}-text`].textContent = ''
    }
    verdict.textContent = ''
    delete verdict.dataset.mood
  }

  #finish(mood, text) {
    const { verdict } = this.#parts
    verdict.textContent = text
    verdict.dataset.mood = mood
    clearInterval(this.#file?.watch)
    this.#file = undefined
    this.#enable(this.#channel?.readyState === 'open')
  }

  #enable(on) {
    this.#parts.file.disabled = !on
    this.#parts.sample.disabled = !on
    if (on) this.#parts.file.value = ''
  }
}

/** The messages of a file; what was handed over is counted as it goes. */
function* pieces(bytes, current) {
  while (current.handed < bytes.length) {
    const piece = bytes.subarray(current.handed, current.handed + MESSAGE_BYTES)
    current.handed += piece.length
    yield piece
  }
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')
}

function randomFile() {
  const bytes = new Uint8Array(SAMPLE_BYTES)
  for (let offset = 0; offset < bytes.length; offset += RANDOM_CALL_BYTES) {
    crypto.getRandomValues(bytes.subarray(offset, offset + RANDOM_CALL_BYTES))
  }
  return new File([bytes], 'random bytes')
}

function megabytes(bytes) {
  return (bytes / 1_000_000).toFixed(1)
}

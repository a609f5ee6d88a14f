import { createHash, type Hash } from 'node:crypto'
import type { RTCDataChannel } from 'icefloe'
import { pieces, sendAll } from './back-pressure.ts'

/** What the Node.js end does on each channel: the label says which of these services it is. */
export type ServiceName = 'chat' | 'ping' | 'count' | 'file' | 'speed'

/** How the end that offers opens each channel. Pings may be lost: a late one is worth nothing. */
export const serviceChannels: Readonly<Record<ServiceName, { ordered?: boolean; maxRetransmits?: number }>> = {
  chat: {},
  ping: { ordered: false, maxRetransmits: 0 },
  count: {},
  file: {},
  speed: {},
}

/** The largest file the Node.js end takes: it keeps the file in memory until it has sent it back. */
export const MAX_FILE_BYTES: number = 64 * 1024 * 1024
export const MESSAGE_BYTES: number = 64 * 1024
const MAX_ECHO_BACKLOG_BYTES = 4 * 1024 * 1024
const MAX_FLOOD_SECONDS = 30

/** Attaches the service that the label asks for; closes a channel with a label that names none. */
export function serve(channel: RTCDataChannel): void {
  channel.binaryType = 'arraybuffer'
  const receive = receiver(channel)
  if (receive === undefined) {
    channel.close()
    return
  }
  channel.addEventListener('message', event => {
    try {
      receive((event as MessageEvent).data)
    } catch {
      // `send()` refuses what is longer than the other end takes: that end has no use for this service.
      channel.close()
    }
  })
}

type Message = string | ArrayBuffer
type Receiver = (data: Message) => void

function receiver(channel: RTCDataChannel): Receiver | undefined {
  switch (channel.label) {
    case 'chat':
    case 'ping':
    case 'count':
      return data => echo(channel, data)
    case 'file': {
      const service = new FileService(channel)
      return data => service.receive(data)
    }
    case 'speed': {
      const service = new SpeedService(channel)
      return data => service.receive(data)
    }
    default:
      return undefined
  }
}

/** A peer that sends but never reads would fill this end's queue with echoes: past the bound its channel is closed. */
function echo(channel: RTCDataChannel, data: Message): void {
  if (channel.readyState !== 'open') return
  if (channel.bufferedAmount > MAX_ECHO_BACKLOG_BYTES) channel.close()
  else if (typeof data === 'string') channel.send(data)
  else channel.send(data)
}

/**
 * Takes a file, says what it received (size and SHA-256), and sends the file back.
 *
 * Both ways: a text message `{ type: 'file', name, size }`, then the bytes in binary messages. After the last byte the
 * Node.js end sends `{ type: 'received', size, sha256 }`, and then the file in the same form.
 */
class FileService {
  readonly #channel: RTCDataChannel
  #state: ExpectHeader | ExpectBytes | Returning = { step: 'expect-header' }

  constructor(channel: RTCDataChannel) {
    this.#channel = channel
  }

  receive(data: Message): void {
    if (this.#state.step === 'expect-header' && typeof data === 'string') this.#begin(parse(data))
    else if (this.#state.step === 'expect-bytes' && typeof data !== 'string') this.#take(this.#state, data)
    else this.#refuse('This message was not expected here')
  }

  #begin(header: Readonly<Record<string, unknown>>): void {
    const { type, name, size } = header
    if (type !== 'file' || typeof name !== 'string' || typeof size !== 'number' || !Number.isSafeInteger(size)) {
      this.#refuse('Not the header of a file')
    } else if (size < 0 || size > MAX_FILE_BYTES) {
      this.#refuse(`Files may have up to ${MAX_FILE_BYTES / 1024 / 1024} MiB`)
    } else {
      this.#state = { step: 'expect-bytes', name, bytes: Buffer.alloc(size), filled: 0, hash: createHash('sha256') }
      if (size === 0) this.#finish(this.#state)
    }
  }

  #take(file: ExpectBytes, data: ArrayBuffer): void {
    const chunk = new Uint8Array(data)
    if (chunk.length > file.bytes.length - file.filled) {
      this.#refuse('More bytes than announced')
      return
    }
    file.bytes.set(chunk, file.filled)
    file.filled += chunk.length
    file.hash.update(chunk)
    if (file.filled === file.bytes.length) this.#finish(file)
  }

  #finish(file: ExpectBytes): void {
    this.#state = { step: 'returning' }
    const { name, bytes } = file
    const size = bytes.length
    say(this.#channel, { type: 'received', size, sha256: file.hash.digest('hex') })
    say(this.#channel, { type: 'file', name, size })
    const done = () => {
      this.#state = { step: 'expect-header' }
    }
    sendAll(this.#channel, pieces(bytes, MESSAGE_BYTES)).then(done, () => this.#channel.close())
  }

  #refuse(reason: string): void {
    this.#state = { step: 'expect-header' }
    say(this.#channel, { type: 'error', reason })
    this.#channel.close()
  }
}

interface ExpectHeader {
  readonly step: 'expect-header'
}

interface ExpectBytes {
  readonly step: 'expect-bytes'
  readonly name: string
  readonly bytes: Buffer
  readonly hash: Hash
  filled: number
}

interface Returning {
  readonly step: 'returning'
}

/**
 * Fills the channel for some seconds, or counts what arrives.
 *
 * `{ type: 'download', seconds }` starts the flood, and `{ type: 'stopped' }` says that it is over. Binary messages are
 * counted; `{ type: 'total' }` asks how many bytes they had, `{ type: 'uploaded', bytes }` answers and starts anew.
 */
class SpeedService {
  readonly #channel: RTCDataChannel
  #flooding = false
  #uploaded = 0

  constructor(channel: RTCDataChannel) {
    this.#channel = channel
  }

  receive(data: Message): void {
    if (typeof data !== 'string') this.#uploaded += data.byteLength
    else {
      const request = parse(data)
      if (request.type === 'download') this.#flood(Number(request.seconds)).catch(() => this.#channel.close())
      else if (request.type === 'total') this.#tellTotal()
    }
  }

  #tellTotal(): void {
    say(this.#channel, { type: 'uploaded', bytes: this.#uploaded })
    this.#uploaded = 0
  }

  async #flood(seconds: number): Promise<void> {
    if (this.#flooding || !(seconds > 0)) return
    this.#flooding = true
    const end = performance.now() + Math.min(seconds, MAX_FLOOD_SECONDS) * 1000
    await sendAll(this.#channel, blocksUntil(end))
    this.#flooding = false
    say(this.#channel, { type: 'stopped' })
  }
}

function* blocksUntil(end: number): Generator<Uint8Array> {
  const block = new Uint8Array(MESSAGE_BYTES)
  while (performance.now() < end) yield block
}

/** `send()` throws on a channel that is not open, and messages may still come in on one that is closing. */
function say(channel: RTCDataChannel, message: object): void {
  if (channel.readyState === 'open') channel.send(JSON.stringify(message))
}

/** A text message as an object; whatever is not one becomes an object without properties, which no service accepts. */
function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

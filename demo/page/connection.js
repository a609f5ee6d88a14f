import { Signalling } from './signalling.js'

/** The channels, as the end that offers opens them: the same as in `services.ts`. */
const channelOptions = { chat: {}, ping: { ordered: false, maxRetransmits: 0 }, count: {}, file: {}, speed: {} }
const CONNECT_TIMEOUT_MS = 15_000
const RESTART_TIMEOUT_MS = 10_000
const POLL_MS = 10

/**
 * One connection between the page and icefloe, from the offer to the end. Tells about itself through events:
 *
 * - `ready` {hostAddress}: icefloe has made its end, and {@link peer} is there
 * - `state` {end, machine, state, at}: a state machine at either end has moved; `at` is in milliseconds of the epoch
 * - `candidate` {end, told, ms}: an end has a candidate, so long after it called `setLocalDescription()`
 * - `candidate-error` {end, url, error, ms}: a server was of no use to an end
 * - `pair` {pair}: icefloe sends over this pair from now on
 * - `facts` {facts}: what icefloe's statistics say
 * - `open`: all channels are open, see {@link channels}
 * - `why` {why}: why it did not connect, as icefloe sees it
 * - `end` {reason, failed}: it is over; only the last states of icefloe may follow
 */
export class Connection extends EventTarget {
  /** By label; complete at `open`. */
  channels = {}
  peer
  #offerer
  #signalling = new Signalling()
  /** Each reports the present state of one state machine. */
  #readers = []
  #exchange = Promise.resolve()
  #describedAt = 0
  #pair
  #timer
  #open = false
  #ended = false

  /** @param choice the `offerer`, 'page' or 'icefloe'; the `path`, `dtls` and `certificates`: see `paths.ts`, `dtls-choice.ts` */
  async start({ offerer, ...choice }) {
    this.#offerer = offerer
    const seconds = CONNECT_TIMEOUT_MS / 1000
    this.#timer = setTimeout(() => this.#end(`No connection within ${seconds} s`, true), CONNECT_TIMEOUT_MS)
    try {
      const { configuration, hostAddress } = await this.#signalling.create(choice)
      if (this.#ended) return
      this.peer = new RTCPeerConnection(configuration)
      this.#tell('ready', { hostAddress })
      this.#watch()
      await this.#negotiate()
      if (!this.#ended) this.#signalling.listen(event => this.#receive(event))
    } catch (error) {
      this.#end(error.message, true)
    }
  }

  /** Restarts ICE; the end that has offered offers again. Resolves when icefloe sends over a new pair. */
  async restart() {
    const before = this.#pair?.generation
    const deadline = performance.now() + RESTART_TIMEOUT_MS
    if (this.#offerer === 'page') this.peer.restartIce()
    await this.#negotiate()
    while (this.#pair?.generation === before) {
      if (this.#ended) throw new Error('the connection has ended')
      if (performance.now() > deadline) throw new Error(`no new pair within ${RESTART_TIMEOUT_MS / 1000} s`)
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
  }

  /** @returns why there is this connection, as icefloe sees it */
  why() {
    return this.#signalling.why()
  }

  close() {
    this.#end('Disconnected', false)
  }

  /** Candidates of either end wait until both have both descriptions. */
  async #negotiate() {
    this.#signalling.hold()
    const exchange = this.#offerer === 'page' ? this.#offer() : this.#answer()
    this.#exchange = exchange.catch(() => {})
    await exchange
    this.#signalling.release()
  }

  async #offer() {
    if (this.peer.localDescription === null) {
      for (const [label, options] of Object.entries(channelOptions)) {
        this.#adopt(this.peer.createDataChannel(label, options))
      }
    }
    await this.#describe()
    await this.peer.setRemoteDescription(await this.#signalling.offer(this.peer.localDescription))
  }

  async #answer() {
    await this.peer.setRemoteDescription(await this.#signalling.askForOffer())
    await this.#describe()
    await this.#signalling.answer(this.peer.localDescription)
  }

  async #describe() {
    this.#describedAt = performance.now()
    await this.peer.setLocalDescription()
  }

  #watch() {
    const { peer } = this
    this.#watchGathering()
    this.#follow(peer, ['signalingstatechange'], 'signaling', () => peer.signalingState)
    this.#follow(peer, ['icegatheringstatechange'], 'gathering', () => peer.iceGatheringState)
    this.#follow(peer, ['iceconnectionstatechange'], 'ice', () => peer.iceConnectionState)
    this.#follow(peer, ['connectionstatechange'], 'connection', () => peer.connectionState)
    peer.addEventListener('signalingstatechange', () => this.#watchDtls(), { once: true })
    peer.addEventListener('datachannel', ({ channel }) => this.#adopt(channel))
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'failed') this.#end('The connection has failed', true)
    })
  }

  #watchGathering() {
    const ms = () => performance.now() - this.#describedAt
    this.peer.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate === null) return
      this.#signalling.candidate(candidate)
      if (candidate.candidate !== '') this.#tell('candidate', { end: 'page', told: candidate, ms: ms() })
    })
    this.peer.addEventListener('icecandidateerror', ({ url, errorCode, errorText }) => {
      this.#tell('candidate-error', { end: 'page', url, error: `${errorCode} ${errorText}`, ms: ms() })
    })
  }

  #follow(target, types, machine, read) {
    const report = () => this.#state('page', machine, read())
    this.#readers.push(report)
    for (const type of types) target.addEventListener(type, report)
    report()
  }

  /** The DTLS transport exists from the first description with a data section on. */
  #watchDtls() {
    const dtls = this.peer.sctp?.transport
    if (dtls !== undefined) this.#follow(dtls, ['statechange'], 'dtls', () => dtls.state)
  }

  #adopt(channel) {
    channel.binaryType = 'arraybuffer'
    this.channels[channel.label] = channel
    channel.addEventListener('open', () => this.#opened())
    if (channel.label !== 'chat') return
    this.#follow(channel, ['open', 'closing', 'close'], 'channel', () => channel.readyState)
    channel.addEventListener('close', () => this.#end('icefloe has closed the connection', false))
  }

  /** All may be open already when the first of them says so; it is told once. */
  #opened() {
    const labels = Object.keys(channelOptions)
    if (this.#open || !labels.every(label => this.channels[label]?.readyState === 'open')) return
    this.#open = true
    clearTimeout(this.#timer)
    this.#tell('open')
  }

  #receive(event) {
    switch (event.type) {
      case 'candidate':
        return this.#addCandidate(event)
      case 'candidate-error':
        return this.#tell('candidate-error', { end: 'icefloe', url: event.url, error: event.error, ms: event.ms })
      case 'state':
        return this.#state('icefloe', event.machine, event.state, event.at)
      case 'pair':
        this.#pair = event.pair
        return this.#tell('pair', { pair: event.pair })
      case 'facts':
        return this.#tell('facts', { facts: event.facts })
      case 'why':
        return this.#tell('why', { why: event.why })
      case 'closed':
        return this.#end(`icefloe has ended the connection: ${event.reason}`, true)
    }
  }

  #addCandidate({ candidate, told, ms }) {
    if (told !== undefined) this.#tell('candidate', { end: 'icefloe', told, ms })
    // A null candidate only says that there are no more.
    if (candidate === null) return
    this.#exchange.then(() => this.peer.addIceCandidate(candidate)).catch(error => console.warn(error))
  }

  #state(end, machine, state, at = performance.timeOrigin + performance.now()) {
    this.#tell('state', { end, machine, state, at })
  }

  #tell(type, properties) {
    this.dispatchEvent(Object.assign(new Event(type), properties))
  }

  #end(reason, failed) {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    this.#signalling.end()
    this.peer?.close()
    // `close()` moves the state machines without an event for any of them.
    for (const report of this.#readers) report()
    this.#tell('end', { reason, failed })
  }
}

import { Signalling } from './signalling.js'

/** The channels, as the end that offers opens them: the same as in `services.ts`. */
const channelOptions = { chat: {}, ping: { ordered: false, maxRetransmits: 0 }, file: {}, speed: {} }
const CONNECT_TIMEOUT_MS = 15_000

/**
 * One connection between the page and icefloe, from the offer to the end. Tells about itself through events:
 *
 * - `state` {end, machine, state, at}: a state machine at either end has moved; `at` is in milliseconds of the epoch
 * - `facts`: what icefloe's statistics say
 * - `open`: all channels are open, see {@link channels}
 * - `end` {reason, failed}: it is over; only the last states of icefloe may follow
 */
export class Connection extends EventTarget {
  /** By label; complete at `open`. */
  channels = {}
  peer = new RTCPeerConnection()
  #signalling = new Signalling()
  /** Each reports the present state of one state machine. */
  #readers = []
  #timer
  #ended = false

  /** @param offerer 'page' or 'icefloe' */
  async start(offerer) {
    this.#watch()
    const seconds = CONNECT_TIMEOUT_MS / 1000
    this.#timer = setTimeout(() => this.#end(`No connection within ${seconds} s`, true), CONNECT_TIMEOUT_MS)
    try {
      if (offerer === 'page') await this.#offer()
      else await this.#answer()
      if (!this.#ended) this.#signalling.begin(event => this.#receive(event))
    } catch (error) {
      this.#end(error.message, true)
    }
  }

  close() {
    this.#end('Disconnected', false)
  }

  async #offer() {
    for (const [label, options] of Object.entries(channelOptions)) {
      this.#adopt(this.peer.createDataChannel(label, options))
    }
    await this.peer.setLocalDescription()
    await this.peer.setRemoteDescription(await this.#signalling.offer(this.peer.localDescription))
  }

  async #answer() {
    await this.peer.setRemoteDescription(await this.#signalling.askForOffer())
    await this.peer.setLocalDescription()
    await this.#signalling.answer(this.peer.localDescription)
  }

  #watch() {
    const { peer } = this
    this.#follow(peer, ['signalingstatechange'], 'signaling', () => peer.signalingState)
    this.#follow(peer, ['icegatheringstatechange'], 'gathering', () => peer.iceGatheringState)
    this.#follow(peer, ['iceconnectionstatechange'], 'ice', () => peer.iceConnectionState)
    this.#follow(peer, ['connectionstatechange'], 'connection', () => peer.connectionState)
    peer.addEventListener('signalingstatechange', () => this.#watchDtls(), { once: true })
    peer.addEventListener('icecandidate', ({ candidate }) => candidate && this.#signalling.candidate(candidate))
    peer.addEventListener('datachannel', ({ channel }) => this.#adopt(channel))
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'failed') this.#end('The connection has failed', true)
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

  #opened() {
    const labels = Object.keys(channelOptions)
    if (!labels.every(label => this.channels[label]?.readyState === 'open')) return
    clearTimeout(this.#timer)
    this.dispatchEvent(new Event('open'))
  }

  #receive(event) {
    if (event.type === 'candidate') {
      // A null candidate only says that there are no more.
      if (event.candidate !== null) this.peer.addIceCandidate(event.candidate).catch(error => console.warn(error))
    } else if (event.type === 'state') this.#state('icefloe', event.machine, event.state, event.at)
    else if (event.type === 'facts') this.dispatchEvent(Object.assign(new Event('facts'), { facts: event.facts }))
    else if (event.type === 'closed') this.#end(`icefloe has ended the connection: ${event.reason}`, true)
  }

  #state(end, machine, state, at = performance.timeOrigin + performance.now()) {
    this.dispatchEvent(Object.assign(new Event('state'), { end, machine, state, at }))
  }

  #end(reason, failed) {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    this.#signalling.end()
    this.peer.close()
    // `close()` moves the state machines without an event for any of them.
    for (const report of this.#readers) report()
    this.dispatchEvent(Object.assign(new Event('end'), { reason, failed }))
  }
}

/** Counts what all channels of a connection carry, in bytes. What waits in a channel's buffer was not sent yet. */
export class Meter {
  #channels = []
  #queued = 0
  #received = 0

  watch(channel) {
    this.#channels.push(channel)
    channel.addEventListener('message', ({ data }) => {
      this.#received += data.byteLength ?? data.length
    })
  }

  /** A message was handed to a channel. */
  count(bytes) {
    this.#queued += bytes
  }

  get sent() {
    return this.#queued - this.#channels.reduce((sum, channel) => sum + channel.bufferedAmount, 0)
  }

  get received() {
    return this.#received
  }
}

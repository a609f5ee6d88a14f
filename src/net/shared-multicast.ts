import type { CancelWatch } from '../base/environment.ts'
import type { MessageSource, OpenRespondingChannel, ReceiveMessage, RespondingChannel } from './mdns-channel.ts'

/**
 * One multicast channel for all who want it: opened for the first of them, closed with the last, and opened anew when the
 * interfaces have changed, because a socket hears the links only that it has joined.
 */
export class SharedMulticast {
  readonly #openChannel: OpenRespondingChannel
  readonly #watchInterfaces: (changed: () => void) => CancelWatch
  readonly #receivers = new Set<{ readonly receive: ReceiveMessage }>()
  #opening: Promise<void> | undefined
  #channel: RespondingChannel | undefined
  #cancelWatch: CancelWatch | undefined

  constructor(openChannel: OpenRespondingChannel, watchInterfaces: (changed: () => void) => CancelWatch) {
    this.#openChannel = openChannel
    this.#watchInterfaces = watchInterfaces
  }

  readonly open: OpenRespondingChannel = async receive => {
    const receiver = { receive }
    this.#receivers.add(receiver)
    this.#opening ??= this.#start()
    await this.#opening
    return {
      send: (message, scope) => this.#channel?.send(message, scope),
      reply: (message, to) => this.#channel?.reply(message, to),
      close: () => this.#leave(receiver),
    }
  }

  #start(): Promise<void> {
    this.#cancelWatch = this.#watchInterfaces(() => {
      this.#opening = this.#opening?.then(() => this.#reopen())
    })
    return this.#reopen()
  }

  async #reopen(): Promise<void> {
    const opened = await this.#openChannel(this.#deliver)
    // All may have left in the meantime.
    if (this.#receivers.size === 0) {
      opened.close()
      return
    }
    this.#channel?.close()
    this.#channel = opened
  }

  #leave(receiver: { readonly receive: ReceiveMessage }): void {
    if (!this.#receivers.delete(receiver) || this.#receivers.size > 0) return
    this.#cancelWatch?.()
    this.#channel?.close()
    this.#channel = undefined
    this.#opening = undefined
  }

  readonly #deliver = (message: Uint8Array, from: MessageSource): void => {
    for (const { receive } of [...this.#receivers]) receive(message, from)
  }
}

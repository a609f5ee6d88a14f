import { type DataChannelInit, type RTCDataChannelInit, toDataChannelInit } from '../../src/pc/data-channel-init.ts'
import { DataChannels } from '../../src/pc/data-channels.ts'
import type { RTCDataChannel } from '../../src/pc/rtc-data-channel.ts'
import type { RTCError } from '../../src/pc/rtc-error.ts'
import { FakeAssociation, settled } from './fake-association.ts'

/** One end of a pair: its channels, its end of the association, and what the peer has opened. */
export interface End {
  readonly channels: DataChannels
  readonly association: FakeAssociation
  readonly announced: RTCDataChannel[]
  /** Called for each channel of the peer, in the task that announces it. */
  onannounce: (channel: RTCDataChannel) => void
  /** The largest message that the other end takes. */
  maxMessageSize: number
  scheduled: number
}

export const eventTypes = ['open', 'message', 'bufferedamountlow', 'error', 'closing', 'close'] as const

function createEnd(association: FakeAssociation): End {
  const channels: DataChannels = new DataChannels({
    announce: channel => {
      end.announced.push(channel)
      end.onannounce(channel)
    },
    maxMessageSize: () => end.maxMessageSize,
    schedule: () => {
      end.scheduled++
    },
    now: () => 7,
  })
  const end: End = {
    channels,
    association,
    announced: [],
    onannounce: () => {},
    maxMessageSize: Number.POSITIVE_INFINITY,
    scheduled: 0,
  }
  association.owner = channels
  return end
}

/** The channels of two ends: the first is the DTLS client. */
export class ChannelPair {
  readonly client: End
  readonly server: End

  constructor() {
    const [client, server] = FakeAssociation.pair()
    this.client = createEnd(client)
    this.server = createEnd(server)
  }

  /** A pair whose association is up. */
  static async connected(): Promise<ChannelPair> {
    const pair = new ChannelPair()
    pair.attach()
    await pair.connect()
    return pair
  }

  attach(): void {
    this.client.channels.attach(this.client.association, 'client')
    this.server.channels.attach(this.server.association, 'server')
  }

  async connect(streams?: number): Promise<void> {
    this.client.association.connect(streams)
    this.server.association.connect(streams)
    await this.exchange()
  }

  /** Lets both ends have what the other sent, until there is no more. */
  async exchange(): Promise<void> {
    await settled()
    while (this.client.association.flush() + this.server.association.flush() > 0) await settled()
  }

  /** A channel of the client, with its counterpart, both open. */
  async open(init?: RTCDataChannelInit): Promise<[RTCDataChannel, RTCDataChannel]> {
    const ours = create(this.client, 'channel', init)
    const theirs = init?.negotiated === true ? create(this.server, 'channel', init) : undefined
    await this.exchange()
    const opened = theirs ?? this.server.announced.at(-1)
    if (opened === undefined) throw new Error('the channel was not announced')
    return [ours, opened]
  }
}

export function create(end: End, label: string, init?: RTCDataChannelInit): RTCDataChannel {
  return end.channels.create(label, convert(init))
}

export function convert(init?: unknown): DataChannelInit {
  return toDataChannelInit(init)
}

/** Writes down the events of a channel, messages with their data. */
export function record(channel: RTCDataChannel, log: unknown[] = []): unknown[] {
  for (const type of eventTypes) {
    channel.addEventListener(type, event => {
      log.push(type === 'message' ? (event as MessageEvent).data : type)
    })
  }
  return log
}

/** RFC 8831 §8 */
export const dcep = 50
export const text = 51

/** A DATA_CHANNEL_OPEN, byte by byte. */
export function open(
  options: { type?: number; priority?: number; parameter?: number; label?: string; protocol?: string } = {},
): Uint8Array {
  const { type = 0, priority = 256, parameter = 0, label = '', protocol = '' } = options
  const header = Buffer.alloc(12)
  header.writeUInt8(3, 0)
  header.writeUInt8(type, 1)
  header.writeUInt16BE(priority, 2)
  header.writeUInt32BE(parameter, 4)
  header.writeUInt16BE(Buffer.byteLength(label), 8)
  header.writeUInt16BE(Buffer.byteLength(protocol), 10)
  return new Uint8Array(Buffer.concat([header, Buffer.from(label), Buffer.from(protocol)]))
}

/** A message of the peer arrives. */
export function receive(end: End, streamId: number, ppid: number, data: Uint8Array | string): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  end.channels.handle({ type: 'message', streamId, ppid, data: new Uint8Array(bytes) })
}

/** The peer resets a stream. */
export function reset(end: End, streamId: number): void {
  end.channels.handle({ type: 'incoming-reset', streamId })
}

/** The error that a channel is going to be closed with. */
export function errorOf(channel: RTCDataChannel): Promise<RTCError> {
  return new Promise(resolve => {
    channel.onerror = ({ error }) => resolve(error)
  })
}

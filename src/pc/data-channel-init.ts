import type { ChannelParameters, RTCPriorityType } from './rtc-data-channel.ts'
import {
  boolean,
  type Converter,
  dictionary,
  enforceRange,
  enumeration,
  optional,
  usvString,
  withDefault,
} from './webidl.ts'

/** Streams are numbered from 0 to 65534: RFC 8831 §6.2 and webrtc-pc §6.1 createDataChannel, step 17. */
export const maxStreamCount: number = 65_535

/** RFC 8832 §5.1: what a label or a protocol can have. */
const maxNameBytes = 65_535

/** webrtc-pc §6.2, RTCDataChannelInit, and webrtc-priority §6. */
export interface RTCDataChannelInit {
  ordered?: boolean
  maxPacketLifeTime?: number
  maxRetransmits?: number
  protocol?: string
  negotiated?: boolean
  /** Of a negotiated channel; ignored otherwise. */
  id?: number
  priority?: RTCPriorityType
}

/** The same, converted. */
export type DataChannelInit = RTCDataChannelInit &
  Required<Pick<RTCDataChannelInit, 'ordered' | 'protocol' | 'negotiated' | 'priority'>>

const convertInit: Converter<DataChannelInit> = dictionary('RTCDataChannelInit', {
  id: optional(enforceRange.unsignedShort),
  maxPacketLifeTime: optional(enforceRange.unsignedShort),
  maxRetransmits: optional(enforceRange.unsignedShort),
  negotiated: withDefault(boolean, false),
  ordered: withDefault(boolean, true),
  priority: withDefault(enumeration<RTCPriorityType>('RTCPriorityType', ['very-low', 'low', 'medium', 'high']), 'low'),
  protocol: withDefault(usvString, ''),
})

/** Converts the second argument of createDataChannel. What the values must be, {@link checkInit} says. */
export function toDataChannelInit(value: unknown): DataChannelInit {
  return convertInit(value, 'RTCPeerConnection.createDataChannel: argument 2')
}

/**
 * webrtc-pc §6.1 createDataChannel, steps 5 to 17.
 *
 * @returns the id of a negotiated channel, or null
 */
export function checkInit(label: string, init: DataChannelInit): number | null {
  // webrtc-pc §6.1 createDataChannel, steps 5 and 11
  if (Buffer.byteLength(label) > maxNameBytes) throw new TypeError('the label of a data channel is too long')
  if (Buffer.byteLength(init.protocol) > maxNameBytes) throw new TypeError('the protocol of a data channel is too long')
  // webrtc-pc §6.1 createDataChannel, steps 13, 14, 15 and 17
  const id = init.negotiated ? init.id : null
  if (id === undefined) throw new TypeError('a negotiated data channel needs an id')
  if (init.maxPacketLifeTime !== undefined && init.maxRetransmits !== undefined) {
    throw new TypeError('maxPacketLifeTime and maxRetransmits exclude each other')
  }
  if (id !== null && id >= maxStreamCount) throw new TypeError(`${id} is no id of a data channel`)
  return id
}

/** What a channel of ours is. */
export function toParameters(label: string, init: DataChannelInit): ChannelParameters {
  const { ordered, protocol, negotiated, priority, maxPacketLifeTime = null, maxRetransmits = null } = init
  return { label, ordered, protocol, negotiated, priority, maxPacketLifeTime, maxRetransmits }
}

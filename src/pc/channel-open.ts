import { type DcepOpen, encodeDcepOpen } from '../sctp/index.ts'
import type { ChannelParameters, RTCPriorityType } from './rtc-data-channel.ts'

/** webrtc-pc §6.2: attributes of a channel are unsigned short; on the wire they have 32 bits. */
const maxUnsignedShort = 65_535

/** RFC 8831 §6.4: the priorities that are used in WebRTC. They are weights among channels that have something to send. */
export const priorities: Readonly<Record<RTCPriorityType, number>> = {
  'very-low': 128,
  low: 256,
  medium: 512,
  high: 1024,
}

/** The DATA_CHANNEL_OPEN that makes the peer create the same channel. */
export function toOpen(parameters: ChannelParameters): Uint8Array {
  const { label, protocol, ordered, maxRetransmits, maxPacketLifeTime, priority } = parameters
  return encodeDcepOpen({
    label,
    protocol,
    ordered,
    priority: priorities[priority],
    ...(maxRetransmits === null ? {} : { maxRetransmits }),
    ...(maxPacketLifeTime === null ? {} : { maxPacketLifeTime }),
  })
}

/** webrtc-pc §6.2.3, steps 4 to 6: the channel that a DATA_CHANNEL_OPEN of the peer describes. */
export function fromOpen(open: DcepOpen): ChannelParameters {
  return {
    label: open.label,
    protocol: open.protocol,
    ordered: open.ordered,
    maxRetransmits: attribute(open.maxRetransmits),
    maxPacketLifeTime: attribute(open.maxPacketLifeTime),
    negotiated: false,
    priority: toPriority(open.priority),
  }
}

/** webrtc-priority §7: what the numbers mean in this API. */
function toPriority(priority: number): RTCPriorityType {
  if (priority <= 128) return 'very-low'
  if (priority <= 256) return 'low'
  return priority <= 512 ? 'medium' : 'high'
}

function attribute(value: number | undefined): number | null {
  return value === undefined ? null : Math.min(value, maxUnsignedShort)
}

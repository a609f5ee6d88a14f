import type { DataChannel } from '../data-channel.ts'
import type { DataChannelEntry } from './entry.ts'

/** webrtc-stats §8.16 */
export function channelStats(channel: DataChannel, id: string): DataChannelEntry {
  return {
    id,
    type: 'data-channel',
    label: channel.parameters.label,
    protocol: channel.parameters.protocol,
    // A channel has no stream until the DTLS role is known, and then keeps it.
    ...(channel.id === null ? {} : { dataChannelIdentifier: channel.id }),
    state: channel.state,
    messagesSent: channel.messagesSent,
    bytesSent: channel.bytesSent,
    messagesReceived: channel.messagesReceived,
    bytesReceived: channel.bytesReceived,
  }
}

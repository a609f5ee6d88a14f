import type { Environment } from '../../base/environment.ts'
import type { RTCPeerConnectionState } from '../connection-states.ts'
import type { RTCRtpReceiver } from '../rtp/rtc-rtp-receiver.ts'
import type { RTCRtpSender } from '../rtp/rtc-rtp-sender.ts'
import type { TransceiverHost } from '../rtp/slots.ts'
import type { RTCStatsReport } from '../stats.ts'

/** What transceivers are given of their connection. */
export interface HostingConnection {
  readonly isClosed: boolean
  readonly progress: { readonly connectionState: RTCPeerConnectionState }
  readonly cname: string
  queueTask(step: () => void): void
  chain<T>(operation: () => Promise<T>): Promise<T>
  updateNegotiationNeeded(): void
  collectStats(selector: RTCRtpSender | RTCRtpReceiver): Promise<RTCStatsReport>
}

export function createTransceiverHost(connection: HostingConnection, environment: Environment): TransceiverHost {
  return {
    get isClosed() {
      return connection.isClosed
    },
    get isConnected() {
      return connection.progress.connectionState === 'connected'
    },
    cname: connection.cname,
    random: length => environment.random(length),
    now: () => environment.clock.now(),
    wallTime: () => environment.clock.wallTime(),
    queueTask: step => connection.queueTask(step),
    setTimer: (delayMs, callback) => environment.timers.set(delayMs, callback),
    updateNegotiationNeeded: () => connection.updateNegotiationNeeded(),
    chain: operation => connection.chain(operation),
    collectStats: selector => connection.collectStats(selector),
  }
}

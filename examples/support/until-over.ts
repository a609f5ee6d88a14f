import type { RTCPeerConnection } from 'icefloe'

/** Resolves with the reason: the program is interrupted, or the connection has ended. */
export function untilOver(peer: RTCPeerConnection): Promise<string> {
  return new Promise(resolve => {
    // A connection does not keep the process alive; its end is waited for.
    const alive = setInterval(() => undefined, 60_000)
    const over = (reason: string) => {
      clearInterval(alive)
      resolve(reason)
    }
    process.once('SIGINT', () => over('interrupted'))
    process.once('SIGTERM', () => over('interrupted'))
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'failed') over('the connection has failed')
    })
    const [transport] = peer.getTransceivers().map(({ receiver }) => receiver.transport)
    transport?.addEventListener('statechange', () => {
      if (transport.state === 'closed') over('the other end has closed the connection')
    })
  })
}

import type { RTCPeerConnection, RTCSessionDescriptionInit } from 'icefloe'
import { reached } from './events.ts'

/** Without servers, gathering is a matter of milliseconds; longer than this nobody waits for it. */
const GATHER_MS = 3000

/** The local description with the candidates in it, so that nothing has to trickle after it. */
export async function gathered(connection: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
  const complete = reached(
    connection,
    'icegatheringstatechange',
    () => connection.iceGatheringState === 'complete' || connection.signalingState === 'closed',
  )
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise<void>(resolve => {
    timer = setTimeout(resolve, GATHER_MS)
  })
  await Promise.race([complete, enough])
  clearTimeout(timer)
  const { type, sdp } = connection.localDescription ?? {}
  if (type === undefined || sdp === undefined) throw new Error('The connection was closed')
  return { type, sdp }
}

import type { RTCIceCandidate, RTCPeerConnection } from 'icefloe'

/**
 * Offer, answer and candidates between two connections of this process.
 *
 * @returns what was exchanged, for the table
 */
export async function negotiate(alice: RTCPeerConnection, bob: RTCPeerConnection): Promise<string> {
  await alice.setLocalDescription()
  const offer = described(alice)
  await bob.setRemoteDescription(offer)
  trickle(alice, bob)
  await bob.setLocalDescription()
  const answer = described(bob)
  await alice.setRemoteDescription(answer)
  trickle(bob, alice)
  return `${offer.sdp.length} and ${answer.sdp.length} bytes of SDP`
}

function described(connection: RTCPeerConnection): { type: 'offer' | 'answer'; sdp: string } {
  const { type, sdp } = connection.localDescription ?? {}
  if ((type !== 'offer' && type !== 'answer') || sdp === undefined) throw new Error('There is no local description')
  return { type, sdp }
}

/** Hands over the candidates that are found after the description was sent; the earlier ones are in it. */
function trickle(from: RTCPeerConnection, to: RTCPeerConnection): void {
  from.addEventListener('icecandidate', (event: { readonly candidate: RTCIceCandidate | null }) => {
    // A candidate that comes too late for a closed connection is no failure of the check.
    if (event.candidate !== null) to.addIceCandidate(event.candidate).catch(() => undefined)
  })
}

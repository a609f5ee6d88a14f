import { readFileSync } from 'node:fs'
import {
  certificateFromSeed,
  importCertificate,
  type RTCCertificate,
  RTCPeerConnection,
  type RTCSessionDescriptionInit,
} from '../../src/index.ts'

/**
 * One end of a call in a process of its own, with the identity that was stored before: takes an offer on standard input,
 * writes its answer, and ends with the connection.
 *
 * Input: a line of JSON, `{ offer, stored }` or `{ offer, seed }`; without `offer` only the fingerprint is asked for.
 * Output: a line of JSON, `{ answer, fingerprints }`.
 */
interface Input {
  readonly offer?: RTCSessionDescriptionInit
  readonly stored?: Parameters<typeof importCertificate>[0]
  /** In hexadecimal. */
  readonly seed?: string
}

const { offer, stored, seed } = JSON.parse(readFileSync(0, 'utf8')) as Input
const certificate: RTCCertificate =
  stored === undefined ? await certificateFromSeed(Buffer.from(seed ?? '', 'hex')) : importCertificate(stored)
const answer = offer === undefined ? undefined : await answerTo(offer)
process.stdout.write(`${JSON.stringify({ answer, fingerprints: certificate.getFingerprints() })}\n`)

async function answerTo(description: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit | null> {
  const peer = new RTCPeerConnection({ certificates: [certificate] }, { gatherLoopback: true })
  peer.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => channel.send(data)
    channel.onclose = () => peer.close()
  }
  await peer.setRemoteDescription(description)
  await peer.setLocalDescription()
  while (peer.iceGatheringState !== 'complete') {
    await new Promise(resolve => peer.addEventListener('icegatheringstatechange', resolve, { once: true }))
  }
  const { localDescription } = peer
  return localDescription === null ? null : { type: localDescription.type, sdp: localDescription.sdp }
}

/**
 * Calls with an identity that it is given, once: the offer goes out as a message, the answer comes as one, and the end of
 * the process is the end of everything but the identity.
 *
 * Run with the identity in JSON, base64 in place of bytes.
 */
import type { JsonWebKey } from 'node:crypto'
import {
  certificateFromSeed,
  type ExportedCertificate,
  importCertificate,
  type RTCCertificate,
  RTCPeerConnection,
  type RTCSessionDescriptionInit,
} from '../../src/index.ts'
import { nextMessage, reached } from '../support/events.ts'

/** What an application keeps of an identity. */
export type StoredIdentity =
  | ({ readonly form: 'PEM' } & ExportedCertificate)
  | { readonly form: 'JWK'; readonly certificate: string; readonly privateKey: JsonWebKey }
  | { readonly form: 'PKCS #8'; readonly certificate: string; readonly privateKey: string }
  | { readonly form: 'seed'; readonly seed: string }

async function load(stored: StoredIdentity): Promise<RTCCertificate> {
  switch (stored.form) {
    case 'PEM':
    case 'JWK':
      return importCertificate(stored)
    case 'PKCS #8':
      return importCertificate({
        certificate: Buffer.from(stored.certificate, 'base64'),
        privateKey: Buffer.from(stored.privateKey, 'base64'),
      })
    case 'seed':
      return await certificateFromSeed(Buffer.from(stored.seed, 'base64'))
  }
}

const [, , identity = ''] = process.argv
const connection = new RTCPeerConnection({ certificates: [await load(JSON.parse(identity))] })
const channel = connection.createDataChannel('data', { negotiated: true, id: 0 })
process.once('message', (answer: RTCSessionDescriptionInit) => void connection.setRemoteDescription(answer))
await connection.setLocalDescription()
await reached(
  connection,
  'icegatheringstatechange',
  () => connection.iceGatheringState === 'complete',
  'gathering complete',
)
process.send?.({ type: 'offer', sdp: connection.localDescription?.sdp })
await reached(channel, 'open', () => channel.readyState === 'open', 'the channel open')
const answer = nextMessage(channel)
channel.send('it is me')
process.send?.(await answer)
process.once('disconnect', () => {
  connection.close()
  process.exit()
})

import type { IdlType } from 'webidl2'
import { loadModel } from '../../idl/model.ts'

const { dictionaries, enums } = loadModel()

/** The enumerations of the standards, by name. */
export const enumerations: Readonly<Record<string, readonly string[]>> = Object.fromEntries(enums)

/** Which dictionary an entry is, by its type; media sources by their kind. */
export function dictionaryOf({ type, kind }: Readonly<Record<string, unknown>>): string | undefined {
  if (type === 'media-source') return kind === 'audio' ? 'RTCAudioSourceStats' : 'RTCVideoSourceStats'
  return dictionaryByType[String(type)]
}

export const dictionaryByType: Readonly<Record<string, string>> = {
  codec: 'RTCCodecStats',
  'inbound-rtp': 'RTCInboundRtpStreamStats',
  'outbound-rtp': 'RTCOutboundRtpStreamStats',
  'remote-inbound-rtp': 'RTCRemoteInboundRtpStreamStats',
  'remote-outbound-rtp': 'RTCRemoteOutboundRtpStreamStats',
  'media-playout': 'RTCAudioPlayoutStats',
  'peer-connection': 'RTCPeerConnectionStats',
  'data-channel': 'RTCDataChannelStats',
  transport: 'RTCTransportStats',
  'candidate-pair': 'RTCIceCandidatePairStats',
  'local-candidate': 'RTCIceCandidateStats',
  'remote-candidate': 'RTCIceCandidateStats',
  certificate: 'RTCCertificateStats',
}

/** The types of its members, with those that are inherited; `!`: required, `?`: may be null. */
export function membersOf(dictionary: string): Readonly<Record<string, string>> {
  const members = dictionaries.get(dictionary)?.members ?? []
  return Object.fromEntries(members.map(({ name, idlType, required }) => [name, text(idlType) + (required ? '!' : '')]))
}

function text({ generic, idlType, nullable }: IdlType): string {
  const inner = typeof idlType === 'string' ? idlType : idlType.map(text).join(', ')
  return `${generic === '' ? inner : `${generic}<${inner}>`}${nullable ? '?' : ''}`
}

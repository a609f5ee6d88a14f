import type { Connection } from './connection.ts'
import type { RTCSessionDescriptionInit } from './rtc-session-description.ts'
import { boolean, type Converter, dictionary, optional, withDefault } from './webidl.ts'

export interface RTCOfferOptions {
  iceRestart?: boolean
  /** webrtc-pc §4.4.3.2, legacy: true adds a transceiver that receives, if none does; false lets those be that do. */
  offerToReceiveAudio?: boolean
  offerToReceiveVideo?: boolean
}

type ConvertedOfferOptions = RTCOfferOptions & { readonly iceRestart: boolean }

export const toOfferOptions: Converter<ConvertedOfferOptions> = dictionary('RTCOfferOptions', {
  iceRestart: withDefault(boolean, false),
  offerToReceiveAudio: optional(boolean),
  offerToReceiveVideo: optional(boolean),
})

/** webrtc-pc §4.2.6: no member is defined; applications written for old browsers give some all the same. */
export type RTCAnswerOptions = object

export const toAnswerOptions: Converter<object> = dictionary('RTCAnswerOptions', {})

export async function createOffer(
  connection: Connection,
  { iceRestart, offerToReceiveAudio: audio, offerToReceiveVideo: video }: ConvertedOfferOptions,
): Promise<RTCSessionDescriptionInit> {
  // webrtc-pc §4.4.3.2, step 3: not on the operations chain
  if (!connection.isClosed) connection.transceivers.offerToReceive({ audio, video })
  return { type: 'offer', sdp: await connection.createOffer(iceRestart) }
}

export async function createAnswer(connection: Connection): Promise<RTCSessionDescriptionInit> {
  return { type: 'answer', sdp: await connection.createAnswer() }
}

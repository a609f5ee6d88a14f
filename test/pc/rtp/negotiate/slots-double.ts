import { createTrack, type MediaStreamTrack } from '../../../../src/pc/media/media-stream-track.ts'
import type { MediaKind, TrackSource } from '../../../../src/pc/media/track-signal.ts'
import { headerExtensionCapabilities } from '../../../../src/pc/rtp/codecs.ts'
import type { RTCRtpEncodingParameters } from '../../../../src/pc/rtp/parameters.ts'
import type {
  EncodingSlots,
  NegotiatedSection,
  TransceiverHost,
  TransceiverSlots,
} from '../../../../src/pc/rtp/slots.ts'
import type { TransceiverParts } from '../../../../src/pc/rtp/transceivers.ts'
import type { ReceivedPacket } from '../../../../src/rtp/session/receive-stream.ts'
import type { Prng } from '../../../support/prng.ts'

/** What the doubles of sender and receiver have heard. */
export interface Heard {
  send: NegotiatedSection | undefined
  receive: NegotiatedSection | undefined
  readonly packets: ReceivedPacket[]
  readonly keyframes: number[]
  readonly endedStreams: number[]
  writable: number
  ended: number
}

export interface SlotsDouble extends TransceiverSlots {
  readonly heard: Heard
}

export function silentSource(kind: MediaKind): TrackSource {
  return { kind, subscribe: () => () => undefined, requestKeyframe: () => undefined }
}

export function localTrack(kind: MediaKind, random: Prng): MediaStreamTrack {
  return createTrack({ source: silentSource(kind), random: length => random.bytes(length) }).track
}

export function createEncodingDouble(
  parameters: RTCRtpEncodingParameters,
  kind: MediaKind,
  host: TransceiverHost,
): EncodingSlots {
  const ssrc = (): number => Buffer.from(host.random(4)).readUInt32BE()
  return { parameters: { ...parameters }, ssrc: ssrc(), rtxSsrc: kind === 'video' ? ssrc() : undefined }
}

/** Slots without pipelines: what is said to them is in `heard`. */
export function createSlotsDouble(parts: TransceiverParts): SlotsDouble {
  const { kind, host } = parts
  const heard: Heard = {
    send: undefined,
    receive: undefined,
    packets: [],
    keyframes: [],
    endedStreams: [],
    writable: 0,
    ended: 0,
  }
  const handle = createTrack({ source: silentSource(kind), muted: true, random: length => host.random(length) })
  return {
    heard,
    kind,
    mid: null,
    jsepMid: null,
    mLineIndex: undefined,
    direction: parts.direction,
    currentDirection: null,
    firedDirection: null,
    receptive: false,
    stopping: false,
    stopped: false,
    preferredCodecs: [],
    addedByTrack: parts.addedByTrack,
    negotiated: undefined,
    headerExtensionsToNegotiate: parts.headerExtensionsToNegotiate ?? headerExtensionCapabilities(kind),
    negotiatedHeaderExtensions: [],
    sender: {
      kind,
      track: parts.track,
      transport: undefined,
      streamIds: parts.streamIds,
      encodings: parts.encodings.map(each => createEncodingDouble(each, kind, host)),
      codecs: [],
      headerExtensions: [],
      transactionId: null,
      degradationPreference: undefined,
      object: opaque(),
      negotiated: section => {
        heard.send = section
      },
      keyframeRequested: ssrc => heard.keyframes.push(ssrc),
      ssrcReplaced: () => undefined,
      writable: () => {
        heard.writable++
      },
      stopSending: () => undefined,
    },
    receiver: {
      kind,
      track: handle.track,
      transport: undefined,
      streams: [],
      object: opaque(),
      negotiated: section => {
        heard.receive = section
      },
      setMuted: muted => handle.setMuted(muted),
      end: () => {
        heard.ended++
        handle.end()
      },
      received: packet => heard.packets.push(packet),
      streamEnded: ssrc => heard.endedStreams.push(ssrc),
      stopReceiving: () => undefined,
      isolateIfConfidential: () => undefined,
    },
    object: opaque(),
  }
}

/** An object that is only compared. */
function opaque<Type extends object>(): Type {
  return Object.freeze({}) as Type
}

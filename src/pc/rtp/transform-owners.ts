import type { TransformOwner } from '../encoded-transform/transform-slot.ts'
import type { Receiving } from './receiving.ts'
import type { Sending } from './sending.ts'
import type { ReceiverSlots, SenderSlots, TransceiverHost } from './slots.ts'

type Clock = Pick<TransceiverHost, 'now' | 'wallTime' | 'setTimer'>

/** What the encoded transform of a sender needs of it. */
export function senderTransformOwner(
  sender: Pick<SenderSlots, 'kind' | 'encodings' | 'track'> & { readonly sending: Sending },
  host: Clock,
): TransformOwner {
  return {
    ...clock(host),
    kind: sender.kind,
    side: 'sender',
    requestKeyframe: rid => sender.sending.askSource(rid),
    activeLayers: () => {
      if (sender.track?.readyState !== 'live') return []
      const active = sender.encodings.filter(({ parameters }) => parameters.active !== false)
      return active.map(({ parameters }) => parameters.rid)
    },
    describe: (_packet, context) => sender.sending.describe(context),
    timestampOf: (timestamp, context) => sender.sending.timestampOf(timestamp, context),
  }
}

/** What the encoded transform of a receiver needs of it. */
export function receiverTransformOwner(
  receiver: Pick<ReceiverSlots, 'kind' | 'transport'> & { readonly receiving: Receiving },
  host: Clock,
): TransformOwner {
  return {
    ...clock(host),
    kind: receiver.kind,
    side: 'receiver',
    requestKeyframe: (rid, ssrc) => receiver.receiving.requestKeyframe(rid, ssrc),
    activeLayers: () => [],
    describe: ({ payloadType, ssrc }, { codec }) => codec && { codec, payloadType, ssrc },
    timestampOf: timestamp => timestamp,
  }
}

function clock(host: Clock): Clock {
  return {
    now: () => host.now(),
    wallTime: () => host.wallTime(),
    setTimer: (delayMs, callback) => host.setTimer(delayMs, callback),
  }
}

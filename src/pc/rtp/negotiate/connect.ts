import type { SessionSection } from '../../../rtp/session/types.ts'
import type { MediaTransport } from '../slots.ts'
import type { MediaState, TransceiverRecord } from './media-state.ts'

/** Gives each section its transport, and each transport its sections. */
export class Connections {
  /** The sessions that have sections. */
  #sessions = new Map<MediaTransport['session'], MediaTransport>()

  connect(state: MediaState, transportOf: (mid: string, mLineIndex?: number) => MediaTransport | undefined): void {
    const sections = new Map<MediaTransport['session'], SessionSection[]>()
    const sessions = new Map<MediaTransport['session'], MediaTransport>()
    for (const record of state.records) {
      const transport = place(record, transportOf)
      if (transport === undefined) continue
      const own = sections.get(transport.session) ?? []
      sections.set(transport.session, own)
      sessions.set(transport.session, transport)
      if (record.slots.negotiated !== undefined && !record.slots.stopping) own.push(record.slots.negotiated.rtp)
    }
    for (const [session, transport] of new Map([...this.#sessions, ...sessions])) {
      session.configure(sections.get(session) ?? [], transport.now())
      transport.schedule()
    }
    this.#sessions = sessions
    for (const record of state.records) deliver(record)
  }
}

/**
 * webrtc-pc §4.4.1.4, steps 4.6.11.1.1 and 4.6.11.2.14: [[SenderTransport]] and [[ReceiverTransport]]. A remote offer
 * alone gives none.
 */
function place(
  { slots, isPlaced }: TransceiverRecord,
  transportOf: (mid: string, mLineIndex?: number) => MediaTransport | undefined,
): MediaTransport | undefined {
  if (slots.stopped) return undefined
  const transport = isPlaced && slots.mid !== null ? transportOf(slots.mid, slots.mLineIndex) : undefined
  slots.sender.transport = transport
  slots.receiver.transport = transport
  return transport
}

/** Sender and receiver hear of it once the session knows their streams. */
function deliver(record: TransceiverRecord): void {
  const { slots, delivered } = record
  const { transport } = slots.sender
  const section = transport === undefined || slots.stopping ? undefined : slots.negotiated
  if (delivered.section === section && delivered.transport === transport) return
  record.delivered = { section, transport }
  slots.sender.negotiated(section)
  slots.receiver.negotiated(section)
}

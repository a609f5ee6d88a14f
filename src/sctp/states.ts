/** RFC 9260 §4. */
export type AssociationState =
  | 'closed'
  | 'cookie-wait'
  | 'cookie-echoed'
  | 'established'
  | 'shutdown-pending'
  | 'shutdown-sent'
  | 'shutdown-received'
  | 'shutdown-ack-sent'

type States = ReadonlySet<AssociationState>

/** RFC 9260 §6: where DATA is received, and where it may still have to be sent and acknowledged. */
export const receivesData: States = new Set(['established', 'shutdown-pending', 'shutdown-sent'])
export const sendsData: States = new Set(['established', 'shutdown-pending', 'shutdown-received'])

/** Where there is an association with a peer that knows of it. */
export const isUp: States = new Set([
  'established',
  'shutdown-pending',
  'shutdown-sent',
  'shutdown-received',
  'shutdown-ack-sent',
])

/** Where an answer is awaited that means nothing elsewhere. */
export const awaitsInitAck: States = new Set(['cookie-wait'])
export const awaitsCookieAck: States = new Set(['cookie-echoed'])
export const awaitsShutdownAck: States = new Set(['shutdown-sent', 'shutdown-ack-sent'])
export const awaitsShutdownComplete: States = new Set(['shutdown-ack-sent'])

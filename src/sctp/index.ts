/** SCTP over DTLS, and the data channel establishment protocol: `icefloe/sctp`. */

export { SctpAssociation } from './association.ts'
export {
  type DcepAck,
  type DcepMalformed,
  type DcepMessage,
  type DcepOpen,
  encodeDcepAck,
  encodeDcepOpen,
  parseDcep,
} from './dcep.ts'
export { type SctpDropReason, SctpError, type SctpErrorCode, type SctpReceived } from './errors.ts'
export type { SctpEvent } from './events.ts'
export { defaultPacketSize, maxReceiveMessageBytes, maxStreams } from './limits.ts'
export type { SctpOptions, SctpStatistics } from './options.ts'
export { PayloadProtocol } from './protocol.ts'
export type { SendOptions } from './send-queue.ts'
export type { SenderStatistics } from './sender.ts'
export type { AssociationState } from './states.ts'

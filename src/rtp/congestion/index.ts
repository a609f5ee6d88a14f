/**
 * Congestion control for media: how fast to send, and sending at that pace.
 *
 * The cores know neither RTP nor RTCP nor a clock. Whoever drives them, once for each transport:
 *
 *  1. gives each packet to `Pacer.enqueue`, and sends what `Pacer.pollTransmit` returns, whenever `pollTimeout` says so;
 *  2. calls `BandwidthEstimator.packetSent` just before, and writes the number that it returns into the packet's transport-wide
 *     sequence number extension;
 *  3. hands the packets of each transport-wide feedback to `receiveFeedback`, and REMB, round trips and reported losses to theirs;
 *  4. polls the estimator's events: a `target` is for the encoders and `Pacer.setTarget`, a `probe` for `Pacer.startProbe`.
 *
 * How the estimate comes about is told at the heads of `bandwidth-estimator.ts` (the whole), `delay-controller.ts` (the chain
 * from packets to a rate) and of the parts, in their order: `packet-groups.ts`, `trend-filter.ts`, `overuse-detector.ts`,
 * `rate-controller.ts`; beside them `loss-controller.ts` and `prober.ts`. `limits.ts` has every number with its reason.
 */

export {
  BandwidthEstimator,
  type BandwidthEvent,
  type BandwidthOptions,
  type BandwidthStatistics,
  type FeedbackOutcome,
  type PacketReport,
  type TargetLimit,
} from './bandwidth-estimator.ts'
export type { UsageSignal } from './overuse-detector.ts'
export { type Paced, Pacer, type PacerDrop, type PacerEvent, type PacerPriority } from './pacer.ts'
export type { ProbeCluster } from './prober.ts'
export { ReceiveSideEstimator, type ReceiveSideOptions, type RembEvent } from './receive-side-estimator.ts'

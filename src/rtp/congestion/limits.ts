/** Parameters of congestion control and the bounds of everything that grows, each with its reason. Times are milliseconds, rates bits per second. */

// --- Groups of packets --------------------------------------------------------------------------------------------

/** draft-ietf-rmcat-gcc-02 §5.6: burst_time, the pause of the pacer and what is sent within it is one group. */
export const burstTimeMs = 5
/** A group that bursts keep alive ends here, so that a link that always delivers in bursts is still measured. */
export const maxGroupMs = 100
/** After a silence this long, or a jump of the receiver's clock, what was learned about the queue is of no use. */
export const maxArrivalGapMs = 1_000

// --- Trend of the delay -------------------------------------------------------------------------------------------

/** Groups that the line is fitted to. */
export const trendGroups = 20
/** Groups after which the slope is trusted fully; before, it counts for as much less. */
export const trustedGroups = 60
/** What share of the smoothed delay the next group leaves as it is. */
export const delaySmoothing = 0.9
/** The slope, which has no unit, is told as the growth of the queue over this time: what del_var_th of the draft compares with. */
export const trendHorizonMs = 240

// --- Over-use detector: draft-ietf-rmcat-gcc-02 §5.4 --------------------------------------------------------------

/** del_var_th(0). */
export const initialThresholdMs = 12.5
export const minThresholdMs = 6
export const maxThresholdMs = 600
/** K_u and K_d: how fast the threshold moves away from zero, and back. */
export const thresholdGainUp = 0.01
export const thresholdGainDown = 0.00018
/** A trend this far beyond the threshold is an outlier and does not move it. */
export const thresholdOutlierMs = 15
/** The longest step of time that one group moves the threshold by: after a pause it would jump. */
export const maxThresholdStepMs = 100
/** overuse_time_th. */
export const overuseTimeMs = 10

// --- Rate control: draft-ietf-rmcat-gcc-02 §5.5 -------------------------------------------------------------------

/** T, the window over which the received rate is measured. */
export const rateWindowMs = 500
export const rateBucketMs = 10
/** The part of the window that a decrease looks at. */
export const recentRateMs = 200
/** The received rate is not told before this much of the window was seen. */
export const minRateSpanMs = 150
/** beta. */
export const decreaseFactor = 0.85
/** The estimate grows by at most this factor a second while it is far from convergence. */
export const multiplicativePerSecond = 1.08
/** The estimate does not grow beyond this multiple of what is received. */
export const maxOverReceived = 1.5
/** Smoothing of the average received rate at which over-use was found, and of its variance. */
export const convergenceSmoothing = 0.95
/**
 * Bounds of the standard deviation, as a share of the average, and what it begins with: two equal samples do not mean
 * certainty, nor do two odd ones mean ignorance.
 */
export const minDeviation = 0.02
export const maxDeviation = 0.08
/** Still near: this share of the rate of the last decrease, a little less than `decreaseFactor`. */
export const nearBelow = 0.75
/** Added to the round trip: the reaction time of filter and detector. */
export const detectorReactionMs = 100

// --- Loss: draft-ietf-rmcat-gcc-02 §6 -----------------------------------------------------------------------------

export const lowLoss = 0.02
export const highLoss = 0.1
export const lossIncrease = 1.05
/** Packets and time that one measurement of the loss spans: of fewer packets one that is lost would look like a storm. */
export const lossWindowPackets = 20
export const lossWindowMs = 200

// --- Feedback -----------------------------------------------------------------------------------------------------

/** With packets under way and no feedback for this long plus a round trip, the rate is halved, and again each time this passes. */
export const feedbackTimeoutMs = 1_000
/** What the response time is computed with until a round trip was measured. */
export const initialRoundTripMs = 100
export const maxRoundTripMs = 10_000
/** Feedback for packets sent longer ago than this tells nothing about the path as it is. */
export const historyMs = 10_000
/**
 * Sent packets that are remembered: the table begins small and doubles. The largest holds four seconds of 20 Mb/s, and is a
 * quarter of the 16-bit sequence numbers, so that no number of an older lap finds an entry.
 */
export const initialHistoryPackets = 256
export const maxHistoryPackets = 16_384

// --- Rates --------------------------------------------------------------------------------------------------------

export const defaultStartBitrate = 300_000
/** Less carries no medium. */
export const defaultMinBitrate = 30_000
/** Whoever reports what never happened can drive the rate up to this, and no further. */
export const defaultMaxBitrate = 50_000_000

// --- Probing ------------------------------------------------------------------------------------------------------

/** The first probe, in multiples of the start rate. */
export const firstProbeFactor = 3
/** Each next one, in multiples of what the last one found. */
export const nextProbeFactor = 2
/** A probe that finds this share of its own rate has not reached the end of the link: a faster one follows. */
export const probeSuccess = 0.7
/** After a fall, the rate of before is tried again, at this share of it. */
export const recoveryProbe = 0.85
/** A fall to less than this share of the target before is worth a probe afterwards. */
export const largeDrop = 0.66
export const minProbeIntervalMs = 3_000
/** A probe lasts this long and has at least so many packets: less is blurred by clocks with steps of 250 us. */
export const probeDurationMs = 15
export const minProbePackets = 5
/** Of what was sent for a probe, this much must have arrived. */
export const minProbeArrived = 0.8
/** Arriving faster than sent means that the packets waited somewhere together: up to this factor it is believed. */
export const maxProbeCompression = 2
/** A probe that arrives slower than this share of its sending rate has filled the link, and the link is used to `saturatedUse` of it. */
export const saturatedProbe = 0.9
export const saturatedUse = 0.95
/** A probe without a result by then, plus a round trip, has failed. */
export const probeTimeoutMs = 1_000
/** Probes in a row that fail before it is given up. */
export const maxProbeFailures = 3

// --- Pacer --------------------------------------------------------------------------------------------------------

/** How much faster than the target the pacer may send, so that frames of unequal size do not pile up. */
export const pacingFactor = 1.25
/** The pacer hurries, up to this multiple of the target, if what is queued would need longer than `drainMs`: a key frame. */
export const maxPacingFactor = 2.5
export const drainMs = 150
/** A timer that is this late may be made up for; what is missed beyond that is not. */
export const maxCatchUpMs = 30
/** What audio and probes may take in advance, in time at the target. */
export const maxDebtMs = 500
/** Packets waiting, of all kinds: 20 Mb/s of 1200 bytes for a second. */
export const maxPacerPackets = 2_048
/** Packets that have waited this long are of no use to the receiver. */
export const maxPacerDelayMs = 2_000
/** What one padding packet is asked to be: an ordinary packet. */
export const paddingBytes = 1_200

// --- Receive side -------------------------------------------------------------------------------------------------

/** draft-ietf-rmcat-gcc-02 §3: REMB is sent at least once every second, and at once where congestion is found. */
export const rembIntervalMs = 1_000
/** How often the receiver draws its conclusions: as often as feedback would bring them to a sender. */
export const receiveUpdateMs = 50
/** A rate that has changed by less than this share is not told again. */
export const toldChange = 0.01

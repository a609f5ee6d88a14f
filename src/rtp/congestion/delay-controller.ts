import { OveruseDetector, type UsageSignal } from './overuse-detector.ts'
import { PacketGroups } from './packet-groups.ts'
import { RateController, type RateControlState } from './rate-controller.ts'
import { RateWindow } from './rate-window.ts'
import { TrendFilter } from './trend-filter.ts'

/**
 * The delay-based controller: draft-ietf-rmcat-gcc-02 §5. Of each packet it is told when it left and when it arrived; the
 * parts pass this on as
 *
 *     packets -> PacketGroups -> d(i) -> TrendFilter -> trend -> OveruseDetector -> signal -> RateController -> A_hat
 *
 * with `RateWindow` beside them, which measures R_hat. It works at the sender, from feedback, and at the receiver alike.
 */
export class DelayController {
  readonly #groups = new PacketGroups()
  readonly #filter = new TrendFilter()
  readonly #detector = new OveruseDetector()
  readonly #received = new RateWindow()
  readonly #rate: RateController

  constructor(start: number, min: number, max: number) {
    this.#rate = new RateController(start, min, max)
  }

  /** A_hat, bits a second. */
  get estimate(): number {
    return this.#rate.estimate
  }

  get state(): RateControlState {
    return this.#rate.state
  }

  get signal(): UsageSignal {
    return this.#detector.signal
  }

  /** R_hat, bits a second. */
  get receivedBitrate(): number | undefined {
    return this.#received.bitrate
  }

  /**
   * One packet that arrived.
   *
   * @param sentAt ms of the sender's clock
   * @param receivedAt ms of the receiver's clock
   * @param size bytes
   * @param probe it was sent faster than the target, on purpose: the queue that it meets tells nothing about the target
   */
  packet(sentAt: number, receivedAt: number, size: number, probe = false): void {
    this.#received.add(size, receivedAt)
    if (probe) return
    switch (this.#groups.add(sentAt, receivedAt)) {
      case 'sample': {
        const trend = this.#filter.update(this.#groups.variation, this.#groups.arrivedAt)
        this.#detector.update(trend, this.#groups.arrivedAt)
        break
      }
      case 'restarted':
        this.#filter.reset()
        this.#detector.restart()
        break
      case 'none':
        break
    }
  }

  /** Draws the conclusions, after the packets of a feedback. */
  update(roundTripMs: number, now: number): number {
    const signal = this.#detector.signal
    // While there is a queue, packets arrive at just the rate of the bottleneck: a short look tells it, and tells it sooner
    // than the window does, which still holds the time before a capacity fell.
    const received = signal === 'over-use' ? this.#received.recentBitrate : this.#received.bitrate
    return this.#rate.update(signal, received, roundTripMs, now)
  }

  set(estimate: number): void {
    this.#rate.set(estimate)
  }

  setMax(max: number): void {
    this.#rate.setMax(max)
  }
}

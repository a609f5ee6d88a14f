import { domString, exposeInterface, requireArguments } from '../webidl.ts'

/** mediacapture-streams §7.1: no settings meet the constraints that are required. */
export class OverconstrainedError extends DOMException {
  static {
    exposeInterface(OverconstrainedError, 'OverconstrainedError')
  }

  readonly #constraint: string

  constructor(constraint: string, message = '') {
    requireArguments(arguments.length, 1, 'OverconstrainedError constructor')
    const name = domString(constraint, 'OverconstrainedError constructor: argument 1')
    // mediacapture-streams §7.1.1, step 4: the name has no legacy code, so `code` is 0
    super(domString(message, 'OverconstrainedError constructor: argument 2'), 'OverconstrainedError')
    this.#constraint = name
  }

  /** The name of a constraint that cannot be met; empty if it is not a single one. */
  get constraint(): string {
    return this.#constraint
  }
}

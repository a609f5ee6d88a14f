import type { Queue } from '../base/queue.ts'
import { IceError } from './errors.ts'
import type { IceEvent } from './events.ts'
import { IceSession } from './ice-session.ts'
import { type IceParameters, type IceRole, validateIceParameters } from './parameters.ts'

/** The session of an agent, which a restart replaces: RFC 8445 §9. And the way back, while the new one is not in use. */
export class Sessions {
  readonly #options: Pick<IceParameters, 'lite' | 'renomination'>
  readonly #maxPairs: number
  readonly #changes: Queue<IceEvent> | undefined
  readonly #pairIds = { next: 1 }
  #current: IceSession
  #beforeRestart: IceSession | undefined

  /**
   * @param options of the agent, which go into its parameters
   * @param changes told of pairs that come and go
   * @throws {IceError} `invalid-parameters`
   */
  constructor(
    local: IceParameters,
    options: { lite?: boolean; renomination?: boolean },
    maxPairs: number,
    changes?: Queue<IceEvent>,
  ) {
    this.#options = {
      ...(options.lite ? { lite: true } : {}),
      ...(options.renomination ? { renomination: true } : {}),
    }
    this.#maxPairs = maxPairs
    this.#changes = changes
    this.#current = this.#create(local)
  }

  get current(): IceSession {
    return this.#current
  }

  /** What the last restart has replaced, if that can be undone. */
  get beforeRestart(): IceSession | undefined {
    return this.#beforeRestart
  }

  /** @throws {IceError} `invalid-parameters`, `credentials-unchanged` */
  restart(local: IceParameters): void {
    const { usernameFragment, password } = this.#current.local
    const next = this.#create(local)
    // RFC 8445 §9: both must change
    if (local.usernameFragment === usernameFragment || local.password === password) {
      throw new IceError('credentials-unchanged', 'a restart needs another user name fragment and another password')
    }
    this.#current.tellOfAll('pair-removed')
    this.#beforeRestart = this.#current
    this.#current = next
  }

  /** Another peer has answered: RFC 8445 §7.3.1.4. */
  turnToOtherPeer(role: IceRole): void {
    this.#current.tellOfAll('pair-removed')
    this.#current = this.#current.forOtherPeer(role)
  }

  /** Undoes the last restart. False if there is none to undo. */
  rollback(): boolean {
    if (this.#beforeRestart === undefined) return false
    this.#current.tellOfAll('pair-removed')
    this.#current = this.#beforeRestart
    this.#current.tellOfAll('pair-added')
    this.#beforeRestart = undefined
    return true
  }

  /** The current session is in use: there is no way back. */
  commit(): void {
    this.#beforeRestart = undefined
  }

  #create(local: IceParameters): IceSession {
    validateIceParameters(local)
    return new IceSession({ ...local, ...this.#options }, this.#maxPairs, this.#changes, this.#pairIds)
  }
}

import type { TransportAddress } from '../base/address.ts'
import type { IceSession } from './ice-session.ts'

/** Where data may be taken from: RFC 8445 §12.2. The last answer is remembered, as packets come from one address mostly. */
export class DataSources {
  #local: TransportAddress | undefined
  #remote: TransportAddress | undefined

  /**
   * Whether the peer has shown at an address that it knows one of the passwords, in this session or the one before. Once it
   * is known whose checks are the peer's, those with other credentials are of somebody else.
   */
  has(
    session: IceSession,
    previous: IceSession | undefined,
    local: TransportAddress,
    remote: TransportAddress,
  ): boolean {
    if (remote === this.#remote && local === this.#local) return true
    const isPeer =
      session.hasHeardPeer(local, remote) || (session.remote === undefined && session.hasHeardEarly(local, remote))
    // Its own restart may be ahead of ours.
    const wasPeer = (): boolean =>
      previous !== undefined && (previous.hasHeardPeer(local, remote) || previous.hasHeardEarly(local, remote))
    if (!isPeer && !wasPeer()) return false
    this.#local = local
    this.#remote = remote
    return true
  }

  forget(): void {
    this.#local = undefined
    this.#remote = undefined
  }
}

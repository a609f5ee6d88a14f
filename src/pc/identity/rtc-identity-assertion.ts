import { domString, exposeInterface, requireArguments } from '../webidl.ts'

/** webrtc-identity §9.3: who the peer is, and who says so. */
export class RTCIdentityAssertion {
  static {
    exposeInterface(RTCIdentityAssertion, 'RTCIdentityAssertion', { implementedBy: value => #slots in value })
  }

  readonly #slots: { idp: string; name: string }

  constructor(idp: string, name: string) {
    requireArguments(arguments.length, 2, 'RTCIdentityAssertion constructor')
    this.#slots = {
      idp: domString(idp, 'RTCIdentityAssertion constructor: argument 1'),
      name: domString(name, 'RTCIdentityAssertion constructor: argument 2'),
    }
  }

  /** The domain name of the identity provider, with its port if that is not the one of HTTPS. */
  get idp(): string {
    return this.#slots.idp
  }

  set idp(value: string) {
    const slots = this.#slots
    slots.idp = domString(value, 'RTCIdentityAssertion.idp')
  }

  /** `<user>@<domain>` */
  get name(): string {
    return this.#slots.name
  }

  set name(value: string) {
    const slots = this.#slots
    slots.name = domString(value, 'RTCIdentityAssertion.name')
  }
}

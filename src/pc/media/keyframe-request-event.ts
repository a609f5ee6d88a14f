import {
  type Converter,
  dictionary,
  domString,
  eventInitMembers,
  exposeInterface,
  nullable,
  requireArguments,
  withDefault,
} from '../webidl.ts'

export interface KeyframeRequestEventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
  rid?: string | null
}

const toInit: Converter<Required<KeyframeRequestEventInit>> = dictionary('KeyframeRequestEventInit', {
  ...eventInitMembers,
  rid: withDefault(nullable(domString), null),
})

/** Somebody who takes the packets of a source cannot go on without a keyframe. */
export class KeyframeRequestEvent extends Event {
  static {
    exposeInterface(KeyframeRequestEvent, 'KeyframeRequestEvent')
  }

  readonly #rid: string | null

  constructor(type: string, eventInitDict: KeyframeRequestEventInit = {}) {
    requireArguments(arguments.length, 1, 'KeyframeRequestEvent constructor')
    const eventType = domString(type, 'KeyframeRequestEvent constructor: argument 1')
    const init = toInit(eventInitDict, 'KeyframeRequestEvent constructor: argument 2')
    super(eventType, init)
    this.#rid = init.rid
  }

  /** Which encoding of a simulcast; null: all there are. */
  get rid(): string | null {
    return this.#rid
  }
}

import {
  type Converter,
  constructorToken,
  dictionary,
  domString,
  eventInitMembers,
  exposeInterface,
  instance,
  requireArguments,
  sequence,
  withDefault,
} from '../pc/webidl.ts'
import { MediaDeviceInfo } from './media-device-info.ts'

/** mediacapture-streams §9.5 */
export interface DeviceChangeEventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
  devices?: MediaDeviceInfo[]
}

type Inserted = readonly MediaDeviceInfo[]

const isDevice = (value: unknown): value is MediaDeviceInfo => value instanceof MediaDeviceInfo

const toInit: Converter<Required<DeviceChangeEventInit>> = dictionary('DeviceChangeEventInit', {
  ...eventInitMembers,
  devices: withDefault(sequence(instance('MediaDeviceInfo', isDevice)), []),
})

/** mediacapture-streams §9.5: there are other devices than before. */
export class DeviceChangeEvent extends Event {
  static {
    exposeInterface(DeviceChangeEvent, 'DeviceChangeEvent', { constructorLength: 1 })
  }

  readonly #devices: readonly MediaDeviceInfo[]
  readonly #inserted: readonly MediaDeviceInfo[]

  /** @param args the last two only for the library itself */
  constructor(...args: [type: string, eventInitDict?: DeviceChangeEventInit, token?: symbol, inserted?: Inserted]) {
    requireArguments(args.length, 1, 'DeviceChangeEvent constructor')
    const [type, eventInitDict = {}, token, inserted = []] = args
    const eventType = domString(type, 'DeviceChangeEvent constructor: argument 1')
    const init = toInit(eventInitDict, 'DeviceChangeEvent constructor: argument 2')
    super(eventType, init)
    this.#devices = Object.freeze([...init.devices])
    this.#inserted = Object.freeze(token === constructorToken ? [...inserted] : [])
  }

  /** All there are now. */
  get devices(): readonly MediaDeviceInfo[] {
    return this.#devices
  }

  /** Those of them that were not there before. */
  get userInsertedDevices(): readonly MediaDeviceInfo[] {
    return this.#inserted
  }
}

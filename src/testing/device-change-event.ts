import {
  type Converter,
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

const isDevice = (value: unknown): value is MediaDeviceInfo => value instanceof MediaDeviceInfo

const toInit: Converter<Required<DeviceChangeEventInit>> = dictionary('DeviceChangeEventInit', {
  ...eventInitMembers,
  devices: withDefault(sequence(instance('MediaDeviceInfo', isDevice)), []),
})

/** mediacapture-streams §9.5: there are other devices than before. */
export class DeviceChangeEvent extends Event {
  static {
    exposeInterface(DeviceChangeEvent, 'DeviceChangeEvent')
  }

  readonly #devices: readonly MediaDeviceInfo[]

  constructor(...args: [type: string, eventInitDict?: DeviceChangeEventInit]) {
    requireArguments(args.length, 1, 'DeviceChangeEvent constructor')
    const [type, eventInitDict = {}] = args
    const eventType = domString(type, 'DeviceChangeEvent constructor: argument 1')
    const init = toInit(eventInitDict, 'DeviceChangeEvent constructor: argument 2')
    super(eventType, init)
    this.#devices = Object.freeze([...init.devices])
  }

  /** All there are now. */
  get devices(): readonly MediaDeviceInfo[] {
    return this.#devices
  }
}

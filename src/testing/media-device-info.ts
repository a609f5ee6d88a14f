import type { MediaTrackCapabilities } from '../pc/media/constraints.ts'
import { exposeInterface, requireToken } from '../pc/webidl.ts'
import type { MediaDeviceKind, SyntheticDevice } from './synthetic-devices.ts'

/** mediacapture-streams §9.3: a device, as enumerateDevices() shows it. */
export class MediaDeviceInfo {
  static {
    exposeInterface(MediaDeviceInfo, 'MediaDeviceInfo', { constructorLength: 0 })
  }

  readonly #device: SyntheticDevice

  /** @internal Not constructible by applications. */
  constructor(token: symbol, device: SyntheticDevice) {
    requireToken(token)
    this.#device = device
  }

  get deviceId(): string {
    return this.#device.deviceId
  }

  get kind(): MediaDeviceKind {
    return this.#device.kind
  }

  get label(): string {
    return this.#device.label
  }

  get groupId(): string {
    return this.#device.groupId
  }

  toJSON(): { deviceId: string; kind: MediaDeviceKind; label: string; groupId: string } {
    const { deviceId, kind, label, groupId } = this.#device
    return { deviceId, kind, label, groupId }
  }
}

/** mediacapture-streams §9.4: a device that tracks can be had from. */
export class InputDeviceInfo extends MediaDeviceInfo {
  static {
    exposeInterface(InputDeviceInfo, 'InputDeviceInfo', { constructorLength: 0 })
  }

  readonly #capabilities: MediaTrackCapabilities

  /** @internal Not constructible by applications. */
  constructor(token: symbol, device: SyntheticDevice) {
    super(token, device)
    this.#capabilities = device.capabilities
  }

  getCapabilities(): MediaTrackCapabilities {
    return structuredClone(this.#capabilities)
  }
}

import conversions from 'webidl-conversions'
import { boolean, type Converter, dictionary, domString, double, optional, sequence } from '../webidl.ts'
import type { MediaKind } from './track-signal.ts'

/** mediacapture-streams §11.2.1, §11.2.3 */
export interface NumberRange {
  min?: number
  max?: number
}

/** mediacapture-streams §11.2.2, §11.2.4: a bare number is the ideal one; in `advanced`, the exact one. */
export interface ConstrainNumberRange extends NumberRange {
  exact?: number
  ideal?: number
}
export type ConstrainNumber = number | ConstrainNumberRange

/** mediacapture-streams §11.2.6 */
export interface ConstrainDOMStringParameters {
  exact?: string | string[]
  ideal?: string | string[]
}
export type ConstrainDOMString = string | string[] | ConstrainDOMStringParameters

/** mediacapture-streams §11.2.5 */
export interface ConstrainBooleanParameters {
  exact?: boolean
  ideal?: boolean
}
export type ConstrainBoolean = boolean | ConstrainBooleanParameters

/** mediacapture-streams §11.2.7 */
export interface ConstrainBooleanOrDOMStringParameters {
  exact?: boolean | string
  ideal?: boolean | string
}
export type ConstrainBooleanOrDOMString = boolean | string | ConstrainBooleanOrDOMStringParameters

/** mediacapture-streams §4.3.6 */
export interface MediaTrackConstraintSet {
  aspectRatio?: ConstrainNumber
  autoGainControl?: ConstrainBoolean
  backgroundBlur?: ConstrainBoolean
  channelCount?: ConstrainNumber
  deviceId?: ConstrainDOMString
  echoCancellation?: ConstrainBooleanOrDOMString
  facingMode?: ConstrainDOMString
  /** Frames a second. */
  frameRate?: ConstrainNumber
  groupId?: ConstrainDOMString
  /** Pixels. */
  height?: ConstrainNumber
  /** Seconds. */
  latency?: ConstrainNumber
  noiseSuppression?: ConstrainBoolean
  resizeMode?: ConstrainDOMString
  /** Hertz. */
  sampleRate?: ConstrainNumber
  /** Bits. */
  sampleSize?: ConstrainNumber
  width?: ConstrainNumber
}

export interface MediaTrackConstraints extends MediaTrackConstraintSet {
  advanced?: MediaTrackConstraintSet[]
}

/** mediacapture-streams §4.3.7 */
export interface MediaTrackSettings {
  aspectRatio?: number
  autoGainControl?: boolean
  backgroundBlur?: boolean
  channelCount?: number
  deviceId?: string
  echoCancellation?: boolean | string
  facingMode?: string
  frameRate?: number
  groupId?: string
  height?: number
  latency?: number
  noiseSuppression?: boolean
  resizeMode?: string
  sampleRate?: number
  sampleSize?: number
  width?: number
}

/** mediacapture-streams §4.3.5 */
export interface MediaTrackCapabilities {
  aspectRatio?: NumberRange
  autoGainControl?: boolean[]
  backgroundBlur?: boolean[]
  channelCount?: NumberRange
  deviceId?: string
  echoCancellation?: (boolean | string)[]
  facingMode?: string[]
  frameRate?: NumberRange
  groupId?: string
  height?: NumberRange
  latency?: NumberRange
  noiseSuppression?: boolean[]
  resizeMode?: string[]
  sampleRate?: NumberRange
  sampleSize?: NumberRange
  width?: NumberRange
}

/** mediacapture-streams §4.3.4 */
export type MediaTrackSupportedConstraints = { [Property in keyof MediaTrackConstraintSet]-?: boolean }

/** What the source of a track lets applications choose. */
export interface Constrainable {
  readonly capabilities: MediaTrackCapabilities
  settings(): MediaTrackSettings
  /** @throws {OverconstrainedError} if it cannot do what is required; nothing has changed then */
  apply(constraints: MediaTrackConstraints): void
}

const clampedLong: Converter<number> = (value, context) => conversions['unsigned long'](value, { context, clamp: true })

const toULong: Converter<ConstrainNumber> = numberOrRange(clampedLong, 'ConstrainULongRange')
const toDouble: Converter<ConstrainNumber> = numberOrRange(double, 'ConstrainDoubleRange')
const toStrings: Converter<ConstrainDOMString> = stringsOrParameters()
const toBoolean: Converter<ConstrainBoolean> = valueOrParameters(boolean, 'ConstrainBooleanParameters')
const toMode: Converter<ConstrainBooleanOrDOMString> = valueOrParameters<boolean | string>(
  // WebIDL §3.2.24: of a union with a string, only a boolean becomes one
  (value, context) => (typeof value === 'boolean' ? value : domString(value, context)),
  'ConstrainBooleanOrDOMStringParameters',
)

const constraintSetMembers = {
  aspectRatio: optional(toDouble),
  autoGainControl: optional(toBoolean),
  backgroundBlur: optional(toBoolean),
  channelCount: optional(toULong),
  deviceId: optional(toStrings),
  echoCancellation: optional(toMode),
  facingMode: optional(toStrings),
  frameRate: optional(toDouble),
  groupId: optional(toStrings),
  height: optional(toULong),
  latency: optional(toDouble),
  noiseSuppression: optional(toBoolean),
  resizeMode: optional(toStrings),
  sampleRate: optional(toULong),
  sampleSize: optional(toULong),
  width: optional(toULong),
}

const toConstraintSet: Converter<MediaTrackConstraintSet> = dictionary('MediaTrackConstraintSet', constraintSetMembers)

/** The dictionary MediaTrackConstraints. */
export const toMediaTrackConstraints: Converter<MediaTrackConstraints> = dictionary('MediaTrackConstraints', {
  ...constraintSetMembers,
  advanced: optional(sequence(toConstraintSet)),
})

/** The constrainable properties that we know; WebIDL drops all others. */
export const constrainableProperties: readonly (keyof MediaTrackConstraintSet)[] = Object.keys(
  constraintSetMembers,
) as (keyof MediaTrackConstraintSet)[]

/** mediacapture-streams §4.3.2: what an ended track still says of itself. */
export function inherentSettings({ deviceId, groupId }: MediaTrackSettings): MediaTrackSettings {
  return { ...(deviceId !== undefined && { deviceId }), ...(groupId !== undefined && { groupId }) }
}

const propertiesOf: Readonly<Record<MediaKind, readonly (keyof MediaTrackConstraintSet)[]>> = {
  audio: [
    'autoGainControl',
    'channelCount',
    'deviceId',
    'echoCancellation',
    'groupId',
    'latency',
    'noiseSuppression',
    'sampleRate',
    'sampleSize',
  ],
  video: [
    'aspectRatio',
    'backgroundBlur',
    'deviceId',
    'facingMode',
    'frameRate',
    'groupId',
    'height',
    'resizeMode',
    'width',
  ],
}

/** mediacapture-streams §11.1, fitness distance, step 3: what does not apply to this kind of track has no influence. */
export function constraintsFor(kind: MediaKind, constraints: MediaTrackConstraints): MediaTrackConstraints {
  const { advanced } = constraints
  return {
    ...onlyOf(kind, constraints),
    ...(advanced !== undefined && { advanced: advanced.map(set => onlyOf(kind, set)) }),
  }
}

function onlyOf(kind: MediaKind, set: MediaTrackConstraintSet): MediaTrackConstraintSet {
  const given = propertiesOf[kind].filter(property => set[property] !== undefined)
  return Object.fromEntries(given.map(property => [property, set[property]] as const))
}

/** `(number or range)` */
function numberOrRange(type: Converter<number>, name: string): Converter<ConstrainNumber> {
  const toRange: Converter<ConstrainNumberRange> = dictionary(name, {
    max: optional(type),
    min: optional(type),
    exact: optional(type),
    ideal: optional(type),
  })
  return (value, context) => (isDictionary(value) ? toRange(value, context) : type(value, context))
}

/** `(value or parameters)` */
function valueOrParameters<Value extends boolean | string>(
  type: Converter<Value>,
  name: string,
): Converter<Value | { exact?: Value; ideal?: Value }> {
  const toParameters: Converter<{ exact?: Value; ideal?: Value }> = dictionary(name, {
    exact: optional(type),
    ideal: optional(type),
  })
  return (value, context) => (isDictionary(value) ? toParameters(value, context) : type(value, context))
}

/** `(DOMString or sequence<DOMString> or ConstrainDOMStringParameters)` */
function stringsOrParameters(): Converter<ConstrainDOMString> {
  const strings = sequence(domString)
  const oneOrMore: Converter<string | string[]> = (value, context) =>
    isIterable(value) ? strings(value, context) : domString(value, context)
  const toParameters: Converter<ConstrainDOMStringParameters> = dictionary('ConstrainDOMStringParameters', {
    exact: optional(oneOrMore),
    ideal: optional(oneOrMore),
  })
  return (value, context) =>
    isDictionary(value) && !isIterable(value) ? toParameters(value, context) : oneOrMore(value, context)
}

/** WebIDL §3.2.24: what becomes the dictionary of a union. */
function isDictionary(value: unknown): boolean {
  return value === null || typeof value === 'object' || typeof value === 'function'
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

import {
  type Constrainable,
  type ConstrainBoolean,
  type ConstrainBooleanOrDOMString,
  type ConstrainDOMString,
  type ConstrainNumber,
  type ConstrainNumberRange,
  constrainableProperties,
  type MediaTrackConstraintSet,
  type MediaTrackConstraints,
  type MediaTrackSettings,
} from './constraints.ts'
import { OverconstrainedError } from './overconstrained-error.ts'

/** What a source without any choice is: every required constraint fails, all others go by. */
export const unconstrainable: Constrainable = {
  capabilities: {},
  settings: () => ({}),
  apply: constraints => {
    selectSettings([{}], constraints)
  },
}

const textProperties = ['deviceId', 'echoCancellation', 'facingMode', 'groupId', 'resizeMode'] as const
/** Of a string in a constraint. */
export const maxTextLength = 500

/** What a bare value means: it is ideal, but exact among the advanced constraints. */
type Bare = 'ideal' | 'exact'

/**
 * mediacapture-streams §11.1: the SelectSettings algorithm.
 *
 * @param possible the settings that there are, those that the source would choose first
 * @throws {OverconstrainedError} if none of them is within the required constraints
 */
export function selectSettings<Settings extends MediaTrackSettings>(
  possible: readonly Settings[],
  constraints: MediaTrackConstraints,
): Settings {
  refuseOverlong(constraints)
  // SelectSettings, step 3: bare values are ideal
  let candidates = possible.filter(settings => fitnessDistance(settings, constraints, 'ideal') < Infinity)
  // SelectSettings, step 4
  const [first] = candidates
  if (first === undefined) throw overconstrained(possible, constraints)
  // SelectSettings, step 5: each set that can be met narrows the choice; the others are left out
  for (const set of constraints.advanced ?? []) {
    const narrowed = candidates.filter(settings => fitnessDistance(settings, set, 'exact') < Infinity)
    if (narrowed.length > 0) candidates = narrowed
  }
  // SelectSettings, step 6: the smallest distance of step 3
  return closest(candidates, constraints) ?? first
}

function closest<Settings extends MediaTrackSettings>(
  candidates: readonly Settings[],
  constraints: MediaTrackConstraintSet,
): Settings | undefined {
  let best: Settings | undefined
  let least = Infinity
  for (const settings of candidates) {
    const distance = fitnessDistance(settings, constraints, 'ideal')
    if (distance >= least) continue
    best = settings
    least = distance
  }
  return best
}

/** mediacapture-streams §11.1: the fitness distance between settings and a constraint set. */
export function fitnessDistance(settings: MediaTrackSettings, set: MediaTrackConstraintSet, bare: Bare): number {
  let distance = 0
  for (const property of constrainableProperties) distance += propertyDistance(settings, set, property, bare)
  return distance
}

function propertyDistance(
  settings: MediaTrackSettings,
  set: MediaTrackConstraintSet,
  property: keyof MediaTrackConstraintSet,
  bare: Bare,
): number {
  switch (property) {
    case 'deviceId':
    case 'groupId':
    case 'facingMode':
    case 'resizeMode':
    case 'echoCancellation':
    case 'autoGainControl':
    case 'noiseSuppression':
    case 'backgroundBlur':
      return valueDistance(settings[property], set[property], bare)
    default:
      return numberDistance(settings[property], set[property], bare)
  }
}

function numberDistance(actual: number | undefined, constraint: ConstrainNumber | undefined, bare: Bare): number {
  if (constraint === undefined) return 0
  const { min, max, exact, ideal }: ConstrainNumberRange =
    typeof constraint === 'number' ? { [bare]: constraint } : constraint
  // fitness distance, step 2: what is required and not so
  const required = min !== undefined || max !== undefined || exact !== undefined
  if (required && (actual === undefined || !isWithin(actual, min, max, exact))) return Infinity
  // fitness distance, step 5
  if (actual === undefined) return 1
  // fitness distance, steps 6 and 7
  return ideal === undefined || actual === ideal ? 0 : Math.abs(actual - ideal) / Math.max(actual, Math.abs(ideal))
}

function isWithin(actual: number, min = -Infinity, max = Infinity, exact = actual): boolean {
  return actual >= min && actual <= max && actual === exact
}

type Value = string | boolean
type Values = Value | readonly string[]
type ConstrainValue = ConstrainDOMString | ConstrainBoolean | ConstrainBooleanOrDOMString

function valueDistance(actual: Value | undefined, constraint: ConstrainValue | undefined, bare: Bare): number {
  if (constraint === undefined) return 0
  const { exact, ideal } = parametersOf(constraint, bare)
  if (isGiven(exact) && !isOneOf(actual, exact)) return Infinity
  if (actual === undefined) return 1
  // fitness distance, step 8
  return isGiven(ideal) && !isOneOf(actual, ideal) ? 1 : 0
}

function parametersOf(constraint: ConstrainValue, bare: Bare): { readonly exact?: Values; readonly ideal?: Values } {
  return typeof constraint === 'object' && !Array.isArray(constraint) ? constraint : { [bare]: constraint }
}

/** SelectSettings, step 1: an empty list is no constraint. */
function isGiven(values: Values | undefined): values is Values {
  return values !== undefined && !(typeof values === 'object' && values.length === 0)
}

function isOneOf(actual: Value | undefined, values: Values): boolean {
  if (typeof values !== 'object') return actual === values
  return typeof actual === 'string' && values.includes(actual)
}

/** @throws {OverconstrainedError} for a string that is too long to mean anything, required or not: as browsers do */
function refuseOverlong({ advanced = [], ...constraints }: MediaTrackConstraints): void {
  for (const set of [constraints, ...advanced]) {
    for (const property of textProperties) {
      const constraint = set[property]
      if (constraint === undefined) continue
      const { exact, ideal } = parametersOf(constraint, 'ideal')
      if ([exact, ideal].flat().some(value => typeof value === 'string' && value.length > maxTextLength)) {
        throw new OverconstrainedError(property, `the constraint on ${property} is too long`)
      }
    }
  }
}

/** Names a constraint that no settings meet; none if it takes several to exclude them all. */
function overconstrained(
  possible: readonly MediaTrackSettings[],
  constraints: MediaTrackConstraints,
): OverconstrainedError {
  const failed = constrainableProperties.find(property =>
    possible.every(settings => propertyDistance(settings, constraints, property, 'ideal') === Infinity),
  )
  if (failed === undefined) return new OverconstrainedError('', 'the constraints cannot be met together')
  return new OverconstrainedError(failed, `the constraint on ${failed} cannot be met`)
}

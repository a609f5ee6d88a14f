import { type ParseArgsConfig, parseArgs } from 'node:util'
import { parseIp } from '../base/ip.ts'
import { UsageError } from './command.ts'

type Options = NonNullable<ParseArgsConfig['options']>

/** Options by name, and what stands without one. */
export type Arguments<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true; strict: true }>
>

/**
 * Reads the arguments of a command.
 *
 * @throws {UsageError} which does not repeat values: one may be a password
 */
export function readArguments<const O extends Options>(args: readonly string[], options: O): Arguments<O> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(describe(error as NodeJS.ErrnoException))
  }
}

function describe({ code, message }: NodeJS.ErrnoException): string {
  const option = /^(?:Unknown option|Option) '([^'=<]*?)(?: <value>)?'/.exec(message)?.[1]
  if (option === undefined) return 'the arguments cannot be read'
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `unknown option ${option}`
  if (message.includes('does not take an argument')) return `${option} takes no value`
  if (message.includes('ambiguous')) return `${option} needs a value; one that starts with - is written ${option}=-...`
  return `${option} needs a value`
}

/** The one argument that stands without an option. */
export function onlyPositional(positionals: readonly string[], what: string): string {
  const [first] = positionals
  if (first === undefined || first === '') throw new UsageError(`${what} is missing`)
  if (positionals.length > 1) throw new UsageError(`there is more than one ${what}, or an option lacks its name`)
  return first
}

export function noPositionals(positionals: readonly string[]): void {
  if (positionals.length > 0) throw new UsageError('every argument needs the name of an option before it')
}

/** A whole number within bounds; absent if the option is. */
export function wholeNumber(
  option: string,
  text: string | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) throw new UsageError(`--${option} is a whole number from ${min} to ${max}`)
  return value
}

/** Seconds, perhaps with a fraction, as milliseconds; absent if the option is. */
export function seconds(option: string, text: string | undefined, maxSeconds = 3600): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (!(value > 0 && value <= maxSeconds))
    throw new UsageError(`--${option} is a number of seconds, up to ${maxSeconds}`)
  return value * 1000
}

export function port(option: string, text: string | undefined, min = 1): number | undefined {
  return wholeNumber(option, text, { min, max: 65_535 })
}

/** `min-max`, both included. */
export function portRange(option: string, text: string | undefined): readonly [number, number] | undefined {
  if (text === undefined) return undefined
  const [, low, high] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  const [min, max] = [Number(low), Number(high)]
  if (!(min >= 1 && min <= max && max <= 65_535))
    throw new UsageError(`--${option} is two ports, lowest first: 50000-50999`)
  return [min, max]
}

/** An IP address in canonical form. */
export function ipAddress(option: string, text: string): string {
  const ip = parseIp(text)
  if (ip === undefined) throw new UsageError(`--${option} is an IP address`)
  return ip.address
}

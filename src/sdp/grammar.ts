import { SdpError } from './errors.ts'

/**
 * The words that lines are made of. Each function returns its argument if it is such a word, for reading and for
 * writing alike: what would not be let in is not let out.
 *
 * Every pattern is one character class, so that the time it takes is proportional to the text.
 *
 * @throws {SdpError} from any of them, naming `what` was expected.
 */

const tokenPattern = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+$/
const visiblePattern = /^[!-~\u0080-\uffff]+$/
const plainTextPattern = /^[\t -~\u0080-\uffff]*$/
const iceCharsPattern = /^[0-9A-Za-z+/\-=#_]*$/
const foundationPattern = /^[!#$%&'*+\-./0-9A-Z^_`a-z{|}~]+$/
const digitsPattern = /^[0-9]+$/

export const maxPort = 65_535

/** RFC 8866 §9: token. */
export function token(text: string, what: string): string {
  if (!tokenPattern.test(text)) throw new SdpError(`${what} must be a token`)
  return text
}

export function isToken(text: string): boolean {
  return tokenPattern.test(text)
}

/** RFC 8866 §9: non-ws-string. */
export function visible(text: string, what: string): string {
  if (!visiblePattern.test(text)) throw new SdpError(`${what} must be visible characters without a space`)
  return text
}

/**
 * Text without control characters but the tab. RFC 8866 §9 forbids only NUL, CR and LF in a byte-string; nobody needs
 * the others, and in a log or a terminal they do harm.
 */
export function plainText(text: string, what: string): string {
  if (!plainTextPattern.test(text)) throw new SdpError(`${what} has a control character in it`)
  return text
}

/**
 * RFC 8839 §5.1: ice-char, from `min` to `max` of them; and '-', '=', '#' and '_', which are none, but which several media
 * servers and cameras write and browsers take.
 */
export function iceChars(text: string, min: number, max: number, what: string): string {
  if (text.length < min || text.length > max) {
    throw new SdpError(`${what} must have ${min} to ${max} characters, not ${text.length}`)
  }
  if (!iceCharsPattern.test(text))
    throw new SdpError(`${what} must be letters, digits, '+', '/', '-', '=', '#' and '_'`)
  return text
}

/**
 * The foundation of a candidate. RFC 8839 §5.1 allows ice-chars; it is only ever compared, and agents write more than
 * those, so token characters do as well.
 */
export function foundationToken(text: string, max: number, what: string): string {
  if (text.length > max || !foundationPattern.test(text)) throw new SdpError(`${what} must be a token of up to ${max}`)
  return text
}

/** One of a few words, in any case. RFC 5234 §2.3: literal text in a grammar is case-insensitive. */
export function oneOf<Word extends string>(text: string, words: readonly Word[], what: string): Word {
  const lower = text.toLowerCase()
  const found = words.find(word => word === lower)
  if (found === undefined) throw new SdpError(`${what} must be one of ${words.join(', ')}`)
  return found
}

/** A decimal number from `min` to `max`. */
export function integer(text: string, min: number, max: number, what: string): number {
  if (!digitsPattern.test(text)) throw new SdpError(`${what} must be a decimal number`)
  return inRange(Number(text), min, max, what)
}

/** The opposite of {@link integer}. */
export function decimal(value: number, min: number, max: number, what: string): string {
  if (!Number.isInteger(value)) throw new SdpError(`${what} must be an integer`)
  return String(inRange(value, min, max, what))
}

/** Decimal digits that stay text, because they may be too many for a number. */
export function digits(text: string, what: string): string {
  if (!digitsPattern.test(text)) throw new SdpError(`${what} must be a decimal number`)
  return text
}

/** The words of a list separated by spaces, forgiving spaces too many. */
export function splitWords(text: string): string[] {
  return text.split(' ').filter(word => word !== '')
}

function inRange(value: number, min: number, max: number, what: string): number {
  if (value < min || value > max) throw new SdpError(`${what} must be from ${min} to ${max}`)
  return value
}

import type { RandomSource } from '../base/environment.ts'
import { IceError } from './errors.ts'

export type IceRole = 'controlling' | 'controlled'

/** The credentials of one agent for one ICE session. RFC 8445 §5.3. */
export interface IceParameters {
  /** 4 to 256 characters: letters, digits, `+` and `/`. */
  readonly usernameFragment: string
  /** 22 to 256 characters of the same kind. */
  readonly password: string
  /** An ICE-lite agent: it answers checks and sends none. */
  readonly lite?: boolean
  /** It lets a nomination move: `ice-options:renomination` of draft-thatcher-ice-renomination-01. */
  readonly renomination?: boolean
}

const usernameFragmentLength = 8
const passwordLength = 24

/** New random credentials. RFC 8445 §5.3: at least 24 bits of randomness in the fragment, 128 in the password; here 48 and 144. */
export function createIceParameters(random: RandomSource): IceParameters {
  return {
    usernameFragment: randomText(random, usernameFragmentLength),
    password: randomText(random, passwordLength),
  }
}

/**
 * Credentials of the peer. Some media servers and cameras write '-', '=', '#' and '_' in them, which are no ice-chars, and
 * browsers take them; the `:` that STUN joins two fragments with (RFC 8445 §7.2.2) is not among them.
 *
 * @throws {IceError} `invalid-parameters`; the message holds none of the values.
 */
export function validateRemoteIceParameters({ usernameFragment, password }: IceParameters): void {
  if (!/^[A-Za-z0-9+/\-=#_]{4,256}$/.test(usernameFragment) || !/^[A-Za-z0-9+/\-=#_]{22,256}$/.test(password)) {
    throw new IceError('invalid-parameters', 'the credentials of the peer have characters that they must not have')
  }
}

/** @throws {IceError} `invalid-parameters`; the message holds none of the values. */
export function validateIceParameters(parameters: IceParameters): void {
  // RFC 8839 §5.4: 4*256ice-char and 22*256ice-char
  if (!/^[A-Za-z0-9+/]{4,256}$/.test(parameters.usernameFragment)) {
    throw new IceError('invalid-parameters', 'the user name fragment is not 4 to 256 letters, digits, + or /')
  }
  if (!/^[A-Za-z0-9+/]{22,256}$/.test(parameters.password)) {
    throw new IceError('invalid-parameters', 'the password is not 22 to 256 letters, digits, + or /')
  }
}

export function sameParameters(a: IceParameters, b: IceParameters): boolean {
  return a.usernameFragment === b.usernameFragment && a.password === b.password
}

const iceChars = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** 64 characters divide the 256 values of a byte evenly: none is more likely than another. */
function randomText(random: RandomSource, length: number): string {
  let text = ''
  for (const byte of random(length)) text += iceChars.charAt(byte & 63)
  return text
}

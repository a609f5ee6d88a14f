import type { ConnectionExtensions } from './connection-extensions.ts'

type Check = readonly [isRight: (value: unknown) => boolean, what: string]

const flag: Check = [value => typeof value === 'boolean', 'true or false']
const text: Check = [value => typeof value === 'string', 'a text']
const list: Check = [value => Array.isArray(value), 'an array']
const record: Check = [value => typeof value === 'object' && value !== null, 'an object']

/** Of which type each member is; what else is to be said of its value is said where it is used. */
const checks: { readonly [Name in keyof ConnectionExtensions]-?: Check } = {
  environment: record,
  crypto: record,
  keyLog: [value => typeof value === 'function', 'a function'],
  dtls: record,
  maxMessageSize: [value => typeof value === 'number', 'a number'],
  gatherLoopback: flag,
  portRange: record,
  hideHostAddresses: flag,
  natMappings: list,
  tcpCandidates: list,
  tlsCa: text,
  iceLite: flag,
  iceRenomination: flag,
  icePort: record,
  iceParameters: record,
  origin: text,
}

/**
 * That a program has given something else is found out here rather than in the middle of a call.
 *
 * @throws {TypeError} if a member is of a wrong type
 * @throws {RangeError} if no message is as long as that
 */
export function checkExtensions(extensions: ConnectionExtensions): void {
  if (!record[0](extensions)) throw new TypeError('the second argument of RTCPeerConnection: not an object')
  for (const name of Object.keys(checks) as (keyof ConnectionExtensions)[]) {
    const [isRight, what] = checks[name]
    const value: unknown = extensions[name]
    if (value !== undefined && !isRight(value)) throw new TypeError(`${name}: not ${what}`)
  }
  checkMappings(extensions.natMappings)
  checkLists(extensions.dtls)
  checkMessageSize(extensions.maxMessageSize)
}

function checkMappings(mappings: ConnectionExtensions['natMappings']): void {
  for (const mapping of mappings ?? []) {
    if (!record[0](mapping)) throw new TypeError('natMappings: has what is not an object')
    for (const address of [mapping.external, mapping.internal ?? '']) {
      if (!text[0](address)) throw new TypeError('natMappings: not an IP address')
    }
  }
}

function checkLists(dtls: ConnectionExtensions['dtls']): void {
  for (const [member, value] of Object.entries({ groups: dtls?.groups, srtpProfiles: dtls?.srtpProfiles })) {
    if (value !== undefined && !Array.isArray(value)) throw new TypeError(`dtls: ${member}: not an array`)
  }
}

/** RFC 8841 §6.1: zero would be any size. */
function checkMessageSize(size: number | undefined): void {
  if (size === undefined || (Number.isSafeInteger(size) && size > 0)) return
  throw new RangeError(`maxMessageSize: not a number of bytes: ${size}`)
}

import { addressKey, sameAddress } from '../../base/address.ts'
import type { NatBehavior } from '../../ice/index.ts'
import { printable } from '../output.ts'
import type { Finding } from './finding.ts'
import type { MappingComparison, NatReports } from './nat-discovery.ts'

/** What the behaviour of the NATs on the way means for connecting, in plain words. */
export function natFinding({ reports, comparisons, failures }: NatReports): Finding {
  const answered = reports.filter(({ behavior }) => behavior.mapped !== undefined).length
  const told = [
    ...reports.map(({ behavior }) => behavior.mapping),
    ...comparisons.map(comparison => mappingOf(comparison)),
  ].filter(mapping => mapping !== 'unknown')
  const summary = [...new Set(told.map(mapping => mappings[mapping]))].join('; ')
  const isComplete = answered > 0 && answered === reports.length && failures.length === 0
  return {
    topic: 'nat',
    // Whether a server is of use is another question: here it is only that there is less to tell.
    status: isComplete ? 'ok' : 'warn',
    title: `NAT: ${answered > 0 ? summary || mappings.unknown : 'no server has answered over UDP'}`,
    lines: [
      ...reports.flatMap(({ url, server, behavior }) => [
        `by ${printable(url)} at ${addressKey(server)}:`,
        ...explainNat(behavior).map(line => `  ${line}`),
      ]),
      ...comparisons.flatMap(explainComparison),
      ...failures.map(({ url, reason }) => `${printable(url)}: ${reason}`),
    ],
    data: {
      servers: reports.map(({ url, server, behavior: { mapped, ...rest } }) => ({
        ...{ url, address: addressKey(server), ...rest },
        ...(mapped === undefined ? {} : { mappedAddress: addressKey(mapped) }),
      })),
      comparisons: comparisons.map(comparison => ({
        mapping: mappingOf(comparison),
        seen: comparison.seen.map(({ server, mapped }) => ({ by: addressKey(server), as: addressKey(mapped) })),
      })),
      failures,
    },
  }
}

/** What servers at different addresses see. One that differs from the rest is enough: another peer would see yet another. */
export function mappingOf({ local, seen }: MappingComparison): NatBehavior['mapping'] {
  const [first, ...others] = seen.map(({ mapped }) => mapped)
  if (first === undefined || !others.every(mapped => sameAddress(mapped, first))) return 'address-dependent'
  return sameAddress(first, local) ? 'no-nat' : 'endpoint-independent'
}

function explainComparison(comparison: MappingComparison): string[] {
  const mapping = mappingOf(comparison)
  return [
    `by comparing ${comparison.seen.length} servers (IPv${comparison.family}):`,
    `  mapping: ${mappings[mapping]}`,
    ...comparison.seen.map(({ server, mapped }) => `  ${addressKey(server)} sees ${addressKey(mapped)}`),
    ...meaning(mapping, 'unknown').map(line => `  ${line}`),
  ]
}

/** One line for each thing that is known. */
export function explainNat({ mapping, filtering, hairpinning, mapped, obstacle }: NatBehavior): string[] {
  if (mapped === undefined) return [obstacles[obstacle ?? 'no-answer']]
  return [
    `mapping: ${mappings[mapping]}${mapping === 'no-nat' ? '' : `, public address ${addressKey(mapped)}`}`,
    ...(filtering === 'unknown' ? [] : [`filtering: ${filterings[filtering]}`]),
    ...(hairpinning === undefined ? [] : [`hairpinning: ${hairpinning ? 'yes' : 'no'}`]),
    ...(obstacle === undefined ? [] : [obstacles[obstacle]]),
    ...meaning(mapping, filtering),
  ]
}

const mappings: { readonly [M in NatBehavior['mapping']]: string } = {
  'no-nat': 'no address translation',
  'endpoint-independent': 'one public address for all peers (endpoint-independent)',
  'address-dependent': 'another public address for each host that is sent to (address-dependent, "symmetric")',
  'address-and-port-dependent': 'another public address for each peer (address-and-port-dependent, "symmetric")',
  unknown: 'there is address translation, of unknown kind',
}

const filterings: { readonly [F in Exclude<NatBehavior['filtering'], 'unknown'>]: string } = {
  'endpoint-independent': 'lets in packets of anybody (endpoint-independent)',
  'address-dependent': 'lets in packets of hosts that were sent to (address-dependent)',
  'address-and-port-dependent': 'lets in packets of the very peers that were sent to (address-and-port-dependent)',
}

const obstacles: { readonly [O in NonNullable<NatBehavior['obstacle']>]: string } = {
  'no-answer': 'it does not answer over UDP: UDP is blocked on the way, or there is no such server',
  'no-other-address': 'it has no second address (RFC 5780), so that more cannot be found out with it',
  'other-address-unusable': 'its second address does not answer as it should, so that more cannot be found out with it',
  refused: 'it refuses the tests of RFC 5780, so that more cannot be found out with it',
}

/** In short: a mapping that nobody can guess does not go with a filter that wants the very port. */
function meaning(mapping: NatBehavior['mapping'], filtering: NatBehavior['filtering']): string[] {
  if (mapping === 'no-nat') {
    if (filtering === 'unknown') return ['That means: direct connections work, unless a firewall is in the way.']
    return filtering !== 'endpoint-independent'
      ? ['That means: a firewall without address translation; direct connections work, as both ends send first.']
      : ['That means: direct connections work with every peer that can send at all.']
  }
  if (mapping === 'unknown') return []
  if (mapping !== 'endpoint-independent') {
    return [
      'That means: direct connections work with peers that have no NAT, or one that lets in what comes from another port;',
      'with all others, a TURN server is needed.',
    ]
  }
  if (filtering === 'endpoint-independent') return ['That means: direct connections work with nearly every peer.']
  return [
    'That means: direct connections work with most peers; a TURN server is needed where the NAT of the peer is "symmetric".',
  ]
}

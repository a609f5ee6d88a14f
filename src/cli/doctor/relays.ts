import { addressKey } from '../../base/address.ts'
import type { StunCredentials } from '../../ice/index.ts'
import type { Context } from '../command.ts'
import { milliseconds, printable, table } from '../output.ts'
import type { ReachableUrl } from '../reach.ts'
import { type Examination, examineTurn, hintFor, isGood, turnData } from '../turn.ts'
import type { Finding } from './finding.ts'

/** A way to a TURN server that is tried. `named`: by the user; else one that servers mostly have as well. */
interface Variant {
  readonly url: ReachableUrl
  readonly named: boolean
}

export interface RelayOptions {
  readonly url: ReachableUrl
  readonly credentials: StunCredentials
  readonly ca: string | undefined
  readonly timeoutMs: number
}

/** Tries a TURN server over each transport, and finds out whether it relays. */
export async function examineRelay(options: RelayOptions, context: Context): Promise<Finding> {
  const variants = variantsOf(options.url)
  const results = await Promise.all(
    variants.map(async variant => ({
      ...variant,
      examinations: await examineTurn({ ...options, url: variant.url, proves: variant.named }, context),
    })),
  )
  const isFine = results.some(({ named, examinations }) => named && examinations.some(isGood))
  const rows = results.flatMap(({ url, named, examinations }) =>
    examinations.length === 0
      ? [[url.transport, String(url.port), 'fail', `${url.host} could not be resolved`]]
      : examinations.map(each => row(url, named, each)),
  )
  return {
    topic: 'turn',
    status: isFine ? 'ok' : 'fail',
    title: `TURN server ${printable(options.url.url)}: ${isFine ? 'relays' : 'is of no use'}`,
    lines: table(rows, 0),
    data: {
      url: options.url.url,
      transports: results.map(({ url, named, examinations }) => ({
        ...{ transport: url.transport, port: url.port, named, ...turnData(url, examinations) },
      })),
    },
  }
}

function row(url: ReachableUrl, named: boolean, examination: Examination): string[] {
  const { server, allocated, failure = 'no answer', errorCode } = examination
  const head = [url.transport, addressKey(server), isGood(examination) ? 'ok' : named ? 'fail' : 'no']
  const hint = hintFor(errorCode, failure)
  const aside = named ? '' : ' (not named, only tried)'
  if (allocated === undefined) {
    return [...head, printable(`${failure}${hint === undefined ? '' : `; ${hint}`}${aside}`, 300)]
  }
  const { relayed, roundTripMs, proofs } = allocated
  const reasons = proofs.flatMap(proof =>
    proof.works ? [] : proof.reasons.map(({ way, reason }) => `${way}: ${reason}`),
  )
  const relays =
    proofs.length === 0 ? '' : reasons.length === 0 ? ', relays' : `, relaying not proved (${reasons.join('; ')})`
  const time = roundTripMs === undefined ? '' : `, ${milliseconds(roundTripMs)}`
  return [...head, printable(`relayed ${relayed.map(addressKey).join(' and ')}${time}${relays}${aside}`, 400)]
}

/** A URL that names a transport means it; else the others are tried where servers mostly have them. */
function variantsOf(url: ReachableUrl): Variant[] {
  const named: Variant = { url, named: true }
  if (url.scheme === 'turns' || url.url.includes('?')) return [named]
  const tcp: Variant = { url: { ...url, transport: 'tcp' }, named: false }
  // RFC 7065 §3.2: where a port is given, that of TLS is unknown
  if (url.port !== 3478) return [named, tcp]
  return [named, tcp, { url: { ...url, scheme: 'turns', transport: 'tls', port: 5349 }, named: false }]
}

import { addressKey } from '../base/address.ts'
import type { IceCandidate } from './candidate.ts'
import type { CandidatePairView, CheckFailure } from './pair-view.ts'

/**
 * Why there is, or is not, a connection: a summary, and one line for each pair, best first.
 *
 * It tells the addresses of candidates, and no secrets.
 *
 * @param pairs as `IceAgent.pairs` tells them
 */
export function explainPairs(pairs: readonly CandidatePairView[]): string[] {
  const isSettled = pairs.some(({ nominated }) => nominated)
  return [summarize(pairs), ...pairs.map(pair => describe(pair, isSettled))]
}

function summarize(pairs: readonly CandidatePairView[]): string {
  const selected = pairs.find(pair => pair.selected)
  if (selected !== undefined) {
    return `Data goes from ${place(selected.local)} to ${place(selected.remote)}${selected.nominated ? '' : ', which is not nominated yet'}.`
  }
  if (pairs.length === 0) {
    return 'There are no pairs: an end has no candidates, or none of the same family and transport as the other.'
  }
  const open = pairs.filter(pair => pair.state !== 'failed').length
  if (open > 0) return `No pair carries data; ${open} of ${pairs.length} may yet do so.`
  const heard = pairs.some(pair => pair.requestsReceived > 0 || pair.responsesReceived > 0)
  const all = pairs.length === 1 ? 'The only pair has' : `All ${pairs.length} pairs have`
  return `${all} failed, ${heard ? 'although something' : 'and nothing ever'} came from the peer.`
}

function describe(pair: CandidatePairView, isSettled: boolean): string {
  return `${place(pair.local)} to ${place(pair.remote)}: ${fate(pair, isSettled)}`
}

function place({ type, protocol, address, tcpType }: IceCandidate): string {
  return `${type} ${protocol}${tcpType === undefined ? '' : ` ${tcpType}`} ${addressKey(address)}`
}

/** @param isSettled another pair was nominated: those that were not checked by then will not be */
function fate(pair: CandidatePairView, isSettled: boolean): string {
  const { state, lastFailure } = pair
  switch (state) {
    case 'succeeded':
      return `works${pair.selected ? ', in use' : ''}${pair.nominated ? ', nominated' : ''}${roundTrip(pair)}`
    case 'in-progress':
      return `being checked: ${traffic(pair)}`
    case 'failed':
      return lastFailure === undefined ? 'failed' : `failed: ${reason(lastFailure, pair)}`
    case 'frozen':
    case 'waiting':
      if (isSettled)
        return pair.requestsSent === 0 ? 'was not needed' : `was given up for a better one: ${traffic(pair)}`
      return pair.requestsSent === 0 ? 'was not checked yet' : `to be checked again: ${traffic(pair)}`
  }
}

function roundTrip({ roundTripMs }: CandidatePairView): string {
  return roundTripMs === undefined ? '' : `, ${Math.round(roundTripMs)} ms`
}

function traffic(pair: CandidatePairView): string {
  const sent = pair.requestsSent + pair.retransmissionsSent
  const came = pair.requestsReceived
  return `${sent} ${sent === 1 ? 'request' : 'requests'} sent, ${pair.responsesReceived} answered; ${came} came from the peer`
}

const reasons: { readonly [Reason in Exclude<CheckFailure, `error-${number}`>]: string } = {
  'timed-out': 'no answer',
  'asymmetric-response': 'the answer came from another address than the question had gone to',
  'unusable-response': 'the answer lacked what it needs, or held what must be understood and was not',
  'role-conflict-unresolved': 'both ends insisted on the same role',
  'nomination-unanswered': 'its nomination was not answered',
  'consent-expired': 'it worked, then the peer did not answer for so long that consent expired',
  'consent-revoked': 'it worked, then the peer withdrew its consent',
  'local-address-lost': 'our own address is gone, with its interface or its allocation',
  unreachable: 'the connection was refused, or it broke',
  removed: 'it was removed by the application',
  'peer-refused': 'our TURN server does not relay to this peer',
}

function reason(failure: CheckFailure, pair: CandidatePairView): string {
  if (failure in reasons) {
    const text = reasons[failure as keyof typeof reasons]
    return failure === 'timed-out' ? `${text} (${traffic(pair)})` : text
  }
  return `the peer answered with ${failure.replace('-', ' ')}`
}

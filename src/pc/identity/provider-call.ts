import type { Timers } from '../../base/environment.ts'
import { RTCError, type RTCErrorDetailType, rtcError } from '../rtc-error.ts'
import { domString } from '../webidl.ts'
import type { RTCIdentityProvider } from './identity-provider.ts'
import type { ProviderName } from './provider-name.ts'
import { type FoundProvider, findProvider } from './provider-registry.ts'

/** webrtc-identity §8: loading and answering together. */
export const providerTimeoutMs = 15_000

/** Characters of what a provider says about its error. */
export const maxErrorInfoLength = 4_096

/** A failure of an identity provider, with what it has to say to the application. */
export class ProviderFailure {
  /** An RTCError, unless the provider has answered: webrtc-identity §8. */
  readonly error: DOMException
  readonly loginUrl: string | null
  readonly info: string | null

  constructor(error: DOMException, loginUrl: string | null = null, info: string | null = null) {
    this.error = error
    this.loginUrl = loginUrl
    this.info = info
  }
}

/** What a provider is asked. */
export interface Question<T> {
  readonly ask: (provider: RTCIdentityProvider) => unknown
  /** Makes sense of the answer. @throws what is not valid */
  readonly read: (answer: unknown) => T
}

/** What has come of asking: the answer, who gave it, or why there is none. */
export type ProviderAnswer<T> = { readonly answer: T; readonly from: FoundProvider } | ProviderFailure

/** What a provider may say itself; all else that it throws is a failure of its execution. */
const ownDetails: readonly unknown[] = ['idp-need-login', 'idp-token-expired', 'idp-token-invalid']
const loadingDetails: readonly unknown[] = ['idp-load-failure', 'idp-tls-failure', 'idp-bad-script-failure']

/**
 * Finds a provider and asks it something.
 *
 * It never rejects; it ends in time, whatever the provider does. Once `signal` is aborted nobody is asked, and it does not
 * settle any more.
 */
export function askProvider<T>(
  name: ProviderName,
  { ask, read }: Question<T>,
  timers: Timers,
  signal: AbortSignal,
): Promise<ProviderAnswer<T>> {
  return new Promise(resolve => {
    if (signal.aborted) return
    const cancelling = new AbortController()
    const finish = (result: ProviderAnswer<T>): void => {
      cancelTimer()
      signal.removeEventListener('abort', abandon)
      if (!signal.aborted) resolve(result)
    }
    const abandon = (): void => {
      cancelTimer()
      cancelling.abort()
    }
    const cancelTimer = timers.set(providerTimeoutMs, () => {
      cancelling.abort()
      finish(failure('idp-timeout', 'the identity provider has not answered in time'))
    })
    signal.addEventListener('abort', abandon, { once: true })
    void answerOf(name, { ask, read }, cancelling.signal).then(finish)
  })
}

async function answerOf<T>(
  name: ProviderName,
  { ask, read }: Question<T>,
  signal: AbortSignal,
): Promise<ProviderAnswer<T>> {
  const found = await find(name, signal)
  if (found instanceof ProviderFailure) return found
  let answer: unknown
  try {
    answer = await ask(found.provider)
  } catch (error) {
    return executionFailure(error)
  }
  try {
    return { answer: read(answer), from: found }
  } catch (error) {
    // webrtc-identity §6, step 5, and §7, step 7: no valid result
    const message = `the answer of the identity provider is not valid${because(error)}`
    return new ProviderFailure(new DOMException(message, 'OperationError'))
  }
}

async function find(name: ProviderName, signal: AbortSignal): Promise<FoundProvider | ProviderFailure> {
  try {
    const found = await findProvider(name, signal)
    return found ?? failure('idp-load-failure', `there is no identity provider ${name.authority} (${name.protocol})`)
  } catch (error) {
    const isTold = error instanceof RTCError && loadingDetails.includes(error.errorDetail)
    return isTold ? new ProviderFailure(error) : failure('idp-load-failure', 'the identity provider cannot be loaded')
  }
}

/** webrtc-identity §8: what a provider throws, or rejects its promise with. */
function executionFailure(thrown: unknown): ProviderFailure {
  const said = memberOf(thrown, 'errorDetail')
  const detail = ownDetails.find(each => each === said) as RTCErrorDetailType | undefined
  const info = text(memberOf(thrown, 'idpErrorInfo'))
  // webrtc-identity §6.1: where the user can log in
  const loginUrl = detail === 'idp-need-login' ? text(memberOf(thrown, 'idpLoginUrl')) : null
  const error = rtcError(detail ?? 'idp-execution-failure', `the identity provider has failed${because(thrown)}`)
  // webrtc-identity §8 has it on the error too, although the interface does not
  if (loginUrl !== null) Object.assign(error, { idpLoginUrl: loginUrl })
  return new ProviderFailure(error, loginUrl, info)
}

function because(thrown: unknown): string {
  const said = text(memberOf(thrown, 'message'))
  // It may be a stranger's, and end up in a log.
  return said === null ? '' : `: ${said.slice(0, 256).replace(/\p{Cc}+/gu, ' ')}`
}

function failure(detail: RTCErrorDetailType, message: string): ProviderFailure {
  return new ProviderFailure(rtcError(detail, message))
}

/** A member of what was thrown, which may be anything. */
function memberOf(thrown: unknown, member: string): unknown {
  try {
    return (thrown as Record<string, unknown> | null | undefined)?.[member]
  } catch {
    return undefined
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? domString(value, '').slice(0, maxErrorInfoLength) : null
}

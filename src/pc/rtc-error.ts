import { assertNever } from '../base/errors.ts'
import {
  type Converter,
  dictionary,
  domString,
  enumeration,
  exposeInterface,
  long,
  optional,
  required,
  unsignedLong,
} from './webidl.ts'

/** webrtc-pc §11.2 */
export type RTCErrorDetailType = (typeof detailTypes)[number]

const detailTypes = [
  'data-channel-failure',
  'dtls-failure',
  'fingerprint-failure',
  'sctp-failure',
  'sdp-syntax-error',
  'hardware-encoder-not-available',
  'hardware-encoder-error',
  // webrtc-identity §10.3: RTCErrorDetailTypeIdp
  'idp-bad-script-failure',
  'idp-execution-failure',
  'idp-load-failure',
  'idp-need-login',
  'idp-timeout',
  'idp-tls-failure',
  'idp-token-expired',
  'idp-token-invalid',
] as const

/** webrtc-pc §11.1 */
export interface RTCErrorInit {
  errorDetail: RTCErrorDetailType
  sdpLineNumber?: number
  sctpCauseCode?: number
  receivedAlert?: number
  sentAlert?: number
  httpRequestStatusCode?: number
}

const toErrorInit: Converter<RTCErrorInit> = dictionary('RTCErrorInit', {
  errorDetail: required(enumeration('RTCErrorDetailType', detailTypes)),
  httpRequestStatusCode: optional(long),
  receivedAlert: optional(unsignedLong),
  sctpCauseCode: optional(long),
  sdpLineNumber: optional(long),
  sentAlert: optional(unsignedLong),
})

/** webrtc-pc §11.1: a DOMException named `OperationError` that says which layer failed, and how. */
export class RTCError extends DOMException {
  static {
    exposeInterface(RTCError, 'RTCError', { implementedBy: value => #init in value })
  }

  readonly #init: RTCErrorInit

  constructor(init: RTCErrorInit, message = '') {
    const converted = toErrorInit(init, 'RTCError constructor: argument 1')
    // webrtc-pc §11.1.1, step 4: the name has no legacy code, so `code` is 0.
    super(domString(message, 'RTCError constructor: argument 2'), 'OperationError')
    this.#init = converted
  }

  /** An {@link RTCErrorDetailType}. TypeScript's lib.dom knows none of identity providers, and its errors must be what ours are. */
  // biome-ignore lint/suspicious/noExplicitAny: no other type is both what we have and what lib.dom wants
  get errorDetail(): any {
    return this.#init.errorDetail
  }

  /** The line of a description that is at fault, counted from 1. */
  get sdpLineNumber(): number | null {
    return this.#init.sdpLineNumber ?? null
  }

  /** RFC 9260 §3.3.10 */
  get sctpCauseCode(): number | null {
    return this.#init.sctpCauseCode ?? null
  }

  /** The TLS alert that the peer sent. */
  get receivedAlert(): number | null {
    return this.#init.receivedAlert ?? null
  }

  /** The TLS alert that was sent to the peer. */
  get sentAlert(): number | null {
    return this.#init.sentAlert ?? null
  }

  /** webrtc-identity §10.1: the answer of the server that an identity provider was to be loaded from. */
  get httpRequestStatusCode(): number | null {
    return this.#init.httpRequestStatusCode ?? null
  }
}

/** What the layers below report or throw, told apart by name. */
export type LayerError = RTCLayerError | { readonly name: 'IceError'; readonly code: string; readonly message: string }

/** Those of them that have a detail of their own in webrtc-pc §11.2. */
export type RTCLayerError =
  | {
      readonly name: 'DtlsError'
      readonly code: string
      readonly message: string
      /** Sent to the peer because of this error. */
      readonly alert: number | undefined
      readonly receivedAlert: number | undefined
    }
  | {
      readonly name: 'SctpError'
      readonly code: string
      readonly message: string
      /** RFC 9260 §3.3.10: of the ABORT that was received or sent. */
      readonly causeCode: number | undefined
    }
  | { readonly name: 'SdpError'; readonly message: string; readonly line: number | undefined }

/** The one map from the errors of the layers to what an application sees; anything else is given back as it is. */
export function toDomError(error: unknown): unknown {
  if (!isLayerError(error)) return error
  return error.name === 'IceError' ? new DOMException(error.message, 'OperationError') : toRTCError(error)
}

/** webrtc-pc §11.2: the part of that map that leads to an RTCError. */
export function toRTCError(error: RTCLayerError): RTCError {
  switch (error.name) {
    case 'DtlsError':
      // webrtc-pc §11.2: alerts belong to dtls-failure alone
      if (error.code === 'fingerprint-mismatch') return rtcError('fingerprint-failure', error.message)
      return rtcError('dtls-failure', error.message, { sentAlert: error.alert, receivedAlert: error.receivedAlert })
    case 'SctpError':
      return rtcError('sctp-failure', error.message, { sctpCauseCode: error.causeCode })
    case 'SdpError':
      return rtcError('sdp-syntax-error', error.message, { sdpLineNumber: error.line })
    default:
      return assertNever(error)
  }
}

/** Shorthand for errors that the facade itself finds. */
export function rtcError(
  errorDetail: RTCErrorDetailType,
  message: string,
  codes: { readonly [K in keyof Omit<RTCErrorInit, 'errorDetail'>]?: number | undefined } = {},
): RTCError {
  return new RTCError({ errorDetail, ...codes } as RTCErrorInit, message)
}

function isLayerError(error: unknown): error is LayerError {
  if (!(error instanceof Error)) return false
  return ['DtlsError', 'SctpError', 'SdpError', 'IceError'].includes(error.name)
}

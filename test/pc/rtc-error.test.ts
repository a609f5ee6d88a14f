import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { RTCError, type RTCErrorInit, rtcError, toDomError, toRTCError } from '../../src/pc/rtc-error.ts'

describe('RTCError', () => {
  it('is a DOMException named OperationError without a legacy code', () => {
    const error = new RTCError({ errorDetail: 'sctp-failure', sctpCauseCode: 12 }, 'it failed')
    assert.ok(error instanceof DOMException)
    assert.ok(error instanceof Error)
    assert.equal(error.name, 'OperationError')
    assert.equal(error.code, 0)
    assert.equal(error.message, 'it failed')
    assert.match(error.stack ?? '', /it failed/)
    assert.equal(Object.prototype.toString.call(error), '[object RTCError]')
  })

  it('shows what it was given, and null for the rest', () => {
    const error = new RTCError({ errorDetail: 'dtls-failure', sentAlert: 42, receivedAlert: 0 })
    assert.equal(error.message, '')
    assert.equal(error.errorDetail, 'dtls-failure')
    assert.equal(error.sentAlert, 42)
    assert.equal(error.receivedAlert, 0)
    assert.equal(error.sctpCauseCode, null)
    assert.equal(error.sdpLineNumber, null)
    assert.equal(error.httpRequestStatusCode, null)
  })

  it('refuses to be made without a detail that exists', () => {
    assert.throws(() => new RTCError(undefined as unknown as RTCErrorInit), TypeError)
    assert.throws(() => new RTCError({} as RTCErrorInit), /errorDetail is required/)
    assert.throws(() => new RTCError({ errorDetail: 'other' } as unknown as RTCErrorInit), TypeError)
  })
})

describe('the map from the errors of the layers', () => {
  const dtls = { name: 'DtlsError', message: 'm', alert: undefined, receivedAlert: undefined } as const

  it('tells which alert was sent or received', () => {
    const sent = toRTCError({ ...dtls, code: 'bad-finished', alert: 51 })
    assert.equal(sent.errorDetail, 'dtls-failure')
    assert.deepEqual([sent.sentAlert, sent.receivedAlert], [51, null])
    const received = toRTCError({ ...dtls, code: 'peer-alert', receivedAlert: 40 })
    assert.deepEqual([received.sentAlert, received.receivedAlert], [null, 40])
  })

  it('has a detail of its own for a fingerprint, without an alert', () => {
    const error = toRTCError({ ...dtls, code: 'fingerprint-mismatch', alert: 42 })
    assert.equal(error.errorDetail, 'fingerprint-failure')
    assert.equal(error.sentAlert, null)
  })

  it('tells the cause code of SCTP and the line of SDP', () => {
    const sctp = toRTCError({ name: 'SctpError', code: 'aborted', message: 'user wish', causeCode: 12 })
    assert.deepEqual([sctp.errorDetail, sctp.sctpCauseCode, sctp.message], ['sctp-failure', 12, 'user wish'])
    const sdp = toRTCError({ name: 'SdpError', message: 'bad', line: 3 })
    assert.deepEqual([sdp.errorDetail, sdp.sdpLineNumber], ['sdp-syntax-error', 3])
    assert.equal(toRTCError({ name: 'SdpError', message: 'bad', line: undefined }).sdpLineNumber, null)
  })

  it('turns what is thrown into what an application sees, and leaves everything else alone', () => {
    const sdp = Object.assign(new Error('bad'), { name: 'SdpError', line: 7 })
    const translated = toDomError(sdp)
    assert.ok(translated instanceof RTCError)
    assert.equal(translated.sdpLineNumber, 7)

    const ice = toDomError(Object.assign(new Error('bad ufrag'), { name: 'IceError', code: 'invalid-parameters' }))
    assert.ok(ice instanceof DOMException && !(ice instanceof RTCError))
    assert.deepEqual([ice.name, ice.message], ['OperationError', 'bad ufrag'])

    for (const other of [
      new TypeError('mine'),
      new DOMException('', 'InvalidStateError'),
      undefined,
      { name: 'SdpError' },
    ]) {
      assert.equal(toDomError(other), other)
    }
  })

  it('has a shorthand for what the facade finds itself', () => {
    const error = rtcError('data-channel-failure', 'refused')
    assert.deepEqual([error.errorDetail, error.message], ['data-channel-failure', 'refused'])
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import {
  RTCSessionDescription,
  type RTCSessionDescriptionInit,
  toLocalSessionDescriptionInit,
} from '../../src/pc/rtc-session-description.ts'

describe('RTCSessionDescription', () => {
  it('shows type and text, and gives them to JSON', () => {
    const description = new RTCSessionDescription({ type: 'offer', sdp: 'v=0\r\n' })
    assert.equal(description.type, 'offer')
    assert.equal(description.sdp, 'v=0\r\n')
    assert.deepEqual(description.toJSON(), { type: 'offer', sdp: 'v=0\r\n' })
    assert.equal(JSON.stringify(description), '{"type":"offer","sdp":"v=0\\r\\n"}')
    assert.equal(String(description), '[object RTCSessionDescription]')
  })

  it('has an empty text by default and can be made from another', () => {
    const rollback = new RTCSessionDescription({ type: 'rollback' })
    assert.equal(rollback.sdp, '')
    assert.deepEqual(new RTCSessionDescription(rollback).toJSON(), rollback.toJSON())
  })

  it('cannot be changed', () => {
    const description = new RTCSessionDescription({ type: 'answer' })
    assert.throws(() => {
      ;(description as { sdp: string }).sdp = 'other'
    }, TypeError)
  })

  it('refuses a type that is missing or unknown', () => {
    const make = (init?: unknown) => () => new RTCSessionDescription(init as RTCSessionDescriptionInit)
    assert.throws(make(), TypeError)
    assert.throws(make({ sdp: '' }), TypeError)
    assert.throws(make({ type: 'proposal' }), TypeError)
    assert.throws(make('offer'), TypeError)
  })

  it('lets a local description leave its type to the connection', () => {
    assert.deepEqual(toLocalSessionDescriptionInit(undefined, 'x'), { sdp: '' })
    assert.deepEqual(toLocalSessionDescriptionInit({ type: 'answer' }, 'x'), { type: 'answer', sdp: '' })
  })
})

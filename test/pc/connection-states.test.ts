import assert from 'node:assert/strict'
import {
  deriveConnectionState,
  deriveGatheringState,
  deriveIceConnectionState,
} from '../../src/pc/connection-states.ts'

describe('states derived from those of the transports', () => {
  it('derives the ICE connection state row by row (webrtc-pc §4.3.4)', () => {
    assert.equal(deriveIceConnectionState([]), 'new')
    assert.equal(deriveIceConnectionState(['new', 'closed']), 'new')
    assert.equal(deriveIceConnectionState(['connected', 'failed', 'disconnected']), 'failed')
    assert.equal(deriveIceConnectionState(['connected', 'checking', 'disconnected']), 'disconnected')
    assert.equal(deriveIceConnectionState(['connected', 'checking']), 'checking')
    assert.equal(deriveIceConnectionState(['connected', 'new']), 'checking')
    assert.equal(deriveIceConnectionState(['completed', 'closed']), 'completed')
    assert.equal(deriveIceConnectionState(['completed', 'connected']), 'connected')
  })

  it('derives the connection state row by row (webrtc-pc §4.3.3)', () => {
    assert.equal(deriveConnectionState('closed', ['connected']), 'closed')
    assert.equal(deriveConnectionState('failed', ['connected']), 'failed')
    assert.equal(deriveConnectionState('connected', ['failed', 'connected']), 'failed')
    assert.equal(deriveConnectionState('disconnected', ['connected']), 'disconnected')
    assert.equal(deriveConnectionState('new', ['new']), 'new')
    assert.equal(deriveConnectionState('new', []), 'new')
    assert.equal(deriveConnectionState('checking', ['new']), 'connecting')
    assert.equal(deriveConnectionState('connected', ['connecting']), 'connecting')
    assert.equal(deriveConnectionState('connected', ['connected', 'closed']), 'connected')
    assert.equal(deriveConnectionState('completed', ['connected']), 'connected')
  })

  it('derives the gathering state (webrtc-pc §4.3.2)', () => {
    assert.equal(deriveGatheringState([]), 'new')
    assert.equal(deriveGatheringState(['new', 'complete']), 'new')
    assert.equal(deriveGatheringState(['gathering', 'complete']), 'gathering')
    assert.equal(deriveGatheringState(['complete', 'complete']), 'complete')
  })
})

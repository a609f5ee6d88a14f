import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import {
  dispatch,
  RTCDataChannelEvent,
  type RTCDataChannelEventInit,
  RTCErrorEvent,
  type RTCErrorEventInit,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
  TaskQueue,
} from '../../src/pc/events.ts'
import { rtcError } from '../../src/pc/rtc-error.ts'
import { RTCIceCandidate } from '../../src/pc/rtc-ice-candidate.ts'
import { settled } from './fake-association.ts'

describe('W3C events', () => {
  it('carry what they are made with', () => {
    const candidate = new RTCIceCandidate({ sdpMid: '0' })
    const ice = new RTCPeerConnectionIceEvent('icecandidate', { candidate, url: 'stun:a.example', cancelable: true })
    assert.ok(ice instanceof Event)
    assert.deepEqual(
      [ice.type, ice.candidate, ice.url, ice.cancelable],
      ['icecandidate', candidate, 'stun:a.example', true],
    )

    const init = { address: '192.0.2.1', port: 5, url: 'stun:a.example', errorCode: 701, errorText: 'no answer' }
    const failure = new RTCPeerConnectionIceErrorEvent('icecandidateerror', init)
    const { address, port, url, errorCode, errorText } = failure
    assert.deepEqual({ address, port, url, errorCode, errorText }, init)

    const error = rtcError('sctp-failure', 'gone')
    assert.equal(new RTCErrorEvent('error', { error }).error, error)
  })

  it('have defaults for what may be left out', () => {
    const ice = new RTCPeerConnectionIceEvent('icecandidate')
    assert.deepEqual(
      [ice.candidate, ice.url, ice.bubbles, ice.cancelable, ice.composed],
      [null, null, false, false, false],
    )
    const failure = new RTCPeerConnectionIceErrorEvent('x', { errorCode: 400 })
    assert.deepEqual([failure.address, failure.port, failure.url, failure.errorText], [null, null, '', ''])
  })

  it('refuse what may not', () => {
    assert.throws(() => Reflect.construct(RTCPeerConnectionIceEvent, []), /1 argument required/)
    assert.throws(() => Reflect.construct(RTCPeerConnectionIceErrorEvent, ['x']), /errorCode is required/)
    assert.throws(() => Reflect.construct(RTCDataChannelEvent, ['x']), TypeError)
    assert.throws(() => new RTCDataChannelEvent('x', {} as RTCDataChannelEventInit), /channel is required/)
    assert.throws(() => new RTCDataChannelEvent('x', { channel: {} } as RTCDataChannelEventInit), TypeError)
    assert.throws(() => new RTCErrorEvent('x', { error: new Error('mine') } as unknown as RTCErrorEventInit), TypeError)
    const candidate = { candidate: '', sdpMid: '0' } as RTCIceCandidate
    assert.throws(() => new RTCPeerConnectionIceEvent('x', { candidate }), TypeError)
  })

  it('convert the type before the rest', () => {
    const type = { toString: () => 'converted' } as unknown as string
    assert.equal(new RTCPeerConnectionIceEvent(type).type, 'converted')
    const failing = {
      toString(): never {
        throw new RangeError('type first')
      },
    } as unknown as string
    assert.throws(() => new RTCErrorEvent(failing, {} as RTCErrorEventInit), RangeError)
  })

  it('are named for what they are', () => {
    assert.equal(String(new RTCPeerConnectionIceEvent('x')), '[object RTCPeerConnectionIceEvent]')
    assert.ok(Object.keys(RTCErrorEvent.prototype).includes('error'))
  })

  it('leave the exception of a listener to Node, and go on', async () => {
    const target = new EventTarget()
    const calls: string[] = []
    target.addEventListener('x', () => {
      throw new Error('of the application')
    })
    target.addEventListener('x', () => calls.push('second'))
    const uncaught = takeUncaughtException()
    dispatch(target, new Event('x'))
    calls.push('after')
    assert.deepEqual(calls, ['second', 'after'])
    assert.equal((await uncaught).message, 'of the application')
  })
})

describe('the task queue', () => {
  it('never runs a task from inside the call that queues it', async () => {
    const tasks = new TaskQueue()
    const order: string[] = []
    tasks.queue(name => order.push(name), 'task')
    tasks.followUp(() => order.push('follow-up'))
    order.push('call')
    await Promise.resolve()
    order.push('promise')
    await settled()
    assert.deepEqual(order, ['call', 'promise', 'follow-up', 'task'])
  })

  it('runs all microtasks between two tasks, however many follow from each other', async () => {
    const tasks = new TaskQueue()
    const order: string[] = []
    const chain = async (name: string): Promise<void> => {
      for (let i = 0; i < 10; i++) await new Promise<void>(resolve => process.nextTick(resolve))
      order.push(name)
    }
    for (const name of ['1', '2', '3']) {
      tasks.queue(given => {
        order.push(given)
        void (async () => {
          for (let i = 0; i < 20; i++) await undefined
          order.push(`${given} awaited`)
        })()
      }, name)
    }
    await chain('done')
    assert.deepEqual(order, ['1', '1 awaited', '2', '2 awaited', '3', '3 awaited', 'done'])
  })

  it('runs what a task brings about before what was queued already', async () => {
    const tasks = new TaskQueue()
    const order: string[] = []
    const log = (name: string): void => {
      order.push(name)
    }
    tasks.queue(() => {
      log('first')
      tasks.queue(log, 'last')
      tasks.followUp(() => log('follow-up 1'))
      tasks.followUp(() => log('follow-up 2'))
    }, undefined)
    tasks.queue(log, 'second')
    await settled()
    assert.deepEqual(order, ['first', 'follow-up 1', 'follow-up 2', 'second', 'last'])
  })

  it('runs a batch before the event loop turns', async () => {
    const tasks = new TaskQueue()
    let count = 0
    for (let i = 0; i < 1000; i++) tasks.queue(() => count++, undefined)
    await settled()
    assert.equal(count, 1000)
  })

  it('goes on after a task that throws', async () => {
    const tasks = new TaskQueue()
    const order: string[] = []
    const uncaught = takeUncaughtException()
    tasks.queue(() => {
      throw new Error('of the task')
    }, undefined)
    tasks.queue(name => order.push(name), 'next')
    assert.equal((await uncaught).message, 'of the task')
    await settled()
    assert.deepEqual(order, ['next'])
    tasks.queue(name => order.push(name), 'later')
    await settled()
    assert.deepEqual(order, ['next', 'later'])
  })

  it('forgets what is queued when it is cleared, from inside a task as well', async () => {
    const tasks = new TaskQueue()
    const order: string[] = []
    tasks.queue(() => {
      order.push('first')
      tasks.followUp(() => order.push('follow-up'))
      tasks.clear()
    }, undefined)
    tasks.queue(name => order.push(name), 'second')
    await settled()
    tasks.queue(name => order.push(name), 'after')
    await settled()
    assert.deepEqual(order, ['first', 'after'])
  })
})

/** Takes the next uncaught exception from the test runner. */
function takeUncaughtException(): Promise<Error> {
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  return new Promise(resolve => {
    process.once('uncaughtException', error => {
      for (const listener of listeners) process.on('uncaughtException', listener)
      resolve(error)
    })
  })
}

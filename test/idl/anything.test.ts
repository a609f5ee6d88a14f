import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { prng } from '../support/prng.ts'
import { outcomeOf } from './calls.ts'
import { hostileValues, Thrown, thrower } from './hostile-values.ts'
import { createStage, type Instances } from './instances.ts'
import { attributesOf, type Interface, loadModel, operationsOf } from './model.ts'

const { interfaces } = loadModel()
const callsEach = 150

/** Functions are left out: what one throws that is taken for a callback is reported to the program (WebIDL §3.12). */
const ofEveryType = hostileValues.filter(({ make }) => typeof make() !== 'function')

/** Closer to what is expected, but of no use. */
const near: readonly unknown[] = [
  () => undefined,
  JSON.parse('{"__proto__":{"candidate":"polluted","type":"offer"}}'),
  { type: 'offer', sdp: 'v=0\r\nx' },
  { candidate: 'candidate:\r\na=x', sdpMid: '0\r\n' },
  Object.defineProperty({}, 'sdp', { get: thrower }),
]

/** What ends the stage, begins with packets, or waits for somebody who is not there. */
const left: ReadonlySet<string> = new Set([
  'clone',
  'close',
  'generateKeyFrame',
  'sendKeyFrameRequest',
  'setLocalDescription',
  'stop',
])

interface Target {
  readonly where: string
  call(args: readonly unknown[]): unknown
}

function targetsOf(definition: Interface, instances: Instances): Target[] {
  const instance = instances.get(definition.name)
  if (instance === undefined) return []
  const setters = attributesOf(definition).flatMap(({ name, readonly }) =>
    readonly
      ? []
      : [
          {
            where: `${definition.name}.${name}`,
            call: ([value]: readonly unknown[]) => Reflect.set(instance, name, value),
          },
        ],
  )
  const operations = [...operationsOf(definition).keys()].flatMap(name => {
    const method: unknown = Reflect.get(instance, name)
    if (typeof method !== 'function' || left.has(name)) return []
    return [
      {
        where: `${definition.name}.${name}`,
        call: (args: readonly unknown[]) => Reflect.apply(method, instance, args),
      },
    ]
  })
  return [...setters, ...operations]
}

describe('Anything, given to anything', () => {
  it('is answered or refused as WebIDL and the documents have it, and pollutes nothing', async function () {
    this.timeout(60_000)
    const stage = await createStage()
    const random = prng(7)
    const pick = (): unknown => {
      const index = random.next() % (ofEveryType.length + near.length)
      const value = ofEveryType[index]
      return value === undefined ? near[index - ofEveryType.length] : value.make()
    }
    const before = Object.getOwnPropertyNames(Object.prototype)
    for (const definition of interfaces.values()) {
      for (const { where, call } of targetsOf(definition, stage.instances)) {
        for (let i = 0; i < callsEach; i++) {
          const args = Array.from({ length: random.next() % 4 }, pick)
          const { how, with: reason } = await outcomeOf(() => call(args))
          if (how === 'returned') continue
          const isExpected = [TypeError, RangeError, DOMException, Thrown].some(type => reason instanceof type)
          assert.ok(isExpected, `${where}, call ${i} of seed 7: ${how} ${String(reason)}`)
        }
      }
    }
    assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before)
    const peer = stage.instances.get('RTCPeerConnection')
    assert.equal(peer && Reflect.get(peer, 'signalingState'), 'stable')
    stage.close()
  })
})

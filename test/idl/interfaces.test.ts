import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, it } from 'mocha'
import { assertKnown } from './differences.ts'
import { type Exports, interfaceObject, parentObject } from './interface-objects.ts'
import { knownDifferences } from './known-differences.ts'
import { type Interface, loadModel } from './model.ts'
import { compareShape, type InterfaceObject } from './shape.ts'

const { interfaces } = loadModel()

function shapeDifferences(exports?: Exports): string[] {
  return [...interfaces.values()].flatMap(definition => {
    const actual = interfaceObject(definition.name, exports)
    if (actual === undefined) return [`${definition.name}: is missing`]
    return compareShape(definition, actual, parentObject(definition.parent, exports))
  })
}

describe('IDL, the shape of interfaces', () => {
  it('is that of the documents, but for the differences that are known', () => {
    assertKnown('shapes', shapeDifferences())
  })

  it('is the same once the modules were bundled', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'icefloe-idl-'))
    try {
      const outfile = join(directory, 'bundle.cjs')
      await build({
        entryPoints: [fileURLToPath(new URL('./exports.ts', import.meta.url))],
        outfile,
        bundle: true,
        platform: 'node',
        target: 'node20.19',
        define: { 'import.meta.url': JSON.stringify(import.meta.url) },
        logLevel: 'error',
      })
      assertKnown('shapes', shapeDifferences(createRequire(import.meta.url)(outfile) as Exports))
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('is compared for every kind of member that the documents have', () => {
    const kinds = new Set([...interfaces.values()].flatMap(({ members }) => members.map(({ type }) => type)))
    assert.deepEqual([...kinds].sort(), ['attribute', 'constructor', 'maplike', 'operation'])
  })

  it('is looked at in every document', () => {
    const documents = new Set([...interfaces.values()].map(({ document }) => document))
    for (const document of ['webrtc', 'webrtc-extensions', 'webrtc-encoded-transform', 'mediacapture-streams']) {
      assert.ok(documents.has(document), document)
    }
    assert.ok(interfaces.size >= 35, `${interfaces.size} interfaces`)
  })

  it('differs with a reason that is a sentence', () => {
    for (const [difference, reason] of Object.values(knownDifferences).flatMap(each => Object.entries(each))) {
      assert.match(reason, /^[A-Z`].{20,}\.$/, difference)
    }
  })
})

describe('The comparison of shapes', () => {
  it('sees what is not as it should be', () => {
    const definition = interfaces.get('RTCSessionDescription')
    assert.ok(definition)
    assert.deepEqual(shapeOf(definition, class RTCSessionDescription {}), [
      'RTCSessionDescription.length: is value 0, not 1',
      'RTCSessionDescription.Symbol(Symbol.toStringTag): is missing',
      'RTCSessionDescription.type: is missing',
      'RTCSessionDescription.sdp: is missing',
      'RTCSessionDescription.toJSON: is missing',
    ])
    assert.deepEqual(shapeOf(definition, Mistaken), [
      'RTCSessionDescription.name: is value Mistaken, not RTCSessionDescription',
      'RTCSessionDescription.Symbol(Symbol.toStringTag): is missing',
      'RTCSessionDescription: does not inherit from Function.prototype',
      'RTCSessionDescription.prototype: does not inherit from Object.prototype',
      'RTCSessionDescription.type: is not enumerable',
      'RTCSessionDescription.type: has a setter',
      'RTCSessionDescription.sdp: is not enumerable',
      'RTCSessionDescription.sdp: has no getter',
      'RTCSessionDescription.toJSON: is not enumerable',
      'RTCSessionDescription.toJSON: has the length 1, not 0',
      'RTCSessionDescription.more: is not in the documents',
      'RTCSessionDescription.make: is not in the documents',
    ])
  })
})

class Mistaken extends EventTarget {
  #type: unknown
  constructor(type: unknown) {
    super()
    this.#type = type
  }
  get type(): unknown {
    return this.#type
  }
  set type(type: unknown) {
    this.#type = type
  }
  toJSON(key: string): unknown {
    return { [key]: this.#type }
  }
  more(): void {}
  static make(): void {}
}
Object.defineProperty(Mistaken.prototype, 'sdp', { configurable: true, value: '' })

function shapeOf(definition: Interface, actual: InterfaceObject): string[] {
  return compareShape(definition, actual, undefined)
}

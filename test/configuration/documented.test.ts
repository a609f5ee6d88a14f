import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { type Dictionary, loadModel } from '../idl/model.ts'
import { hasTest, type Row, rowsOf } from './documented.ts'

const { dictionaries } = loadModel()
const ownOptions = new URL('../../src/pc/connection-extensions.ts', import.meta.url)

function dictionaryNamed(name: string): Dictionary {
  const found = dictionaries.get(name)
  assert.ok(found, name)
  return found
}

/** All that the documents put into a configuration: webrtc-pc, webrtc-extensions and webrtc-identity. */
function standardMembers(): string[] {
  const own = dictionaryNamed('RTCConfiguration').members.map(({ name }) => name)
  const ofServers = dictionaryNamed('RTCIceServer').members.map(({ name }) => `iceServers[].${name}`)
  return [...own, ...ofServers].sort()
}

/** What the second argument of the constructor takes. */
function ownMembers(): string[] {
  const [, body = ''] =
    /export interface ConnectionExtensions \{\n(.*?)\n\}/s.exec(readFileSync(ownOptions, 'utf8')) ?? []
  return [...body.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name = '']) => name).sort()
}

function documented(rows: readonly Row[]): string[] {
  return rows.flatMap(({ members }) => members).sort()
}

describe('The tables of docs/configuration.md', () => {
  it('have a row for each member of RTCConfiguration and RTCIceServer that a document defines, and for no other', () => {
    const members = standardMembers()
    assert.ok(members.length >= 13, members.join())
    assert.deepEqual(documented(rowsOf('member')), members)
  })

  it('have a row for each member of the second argument', () => {
    const members = ownMembers()
    assert.ok(members.length >= 15, members.join())
    assert.deepEqual(documented(rowsOf('option')), members)
  })

  for (const heading of ['member', 'option', 'obsolete']) {
    it(`link a test for each ${heading}, and that test is there`, () => {
      const rows = rowsOf(heading)
      assert.ok(rows.length > 0)
      for (const { members, proofs } of rows) {
        assert.ok(proofs.length > 0, `${members.join()} has no test`)
        for (const proof of proofs) {
          assert.ok(existsSync(proof.file), `${members.join()}: ${proof.file.pathname} is not there`)
          assert.ok(hasTest(proof), `${members.join()}: ${proof.file.pathname} has no "${proof.title}"`)
        }
      }
    })
  }

  it('are read as they are meant: a title that no test has is found out', () => {
    const file = new URL('documented.test.ts', import.meta.url)
    assert.ok(hasTest({ file, title: 'link a test for each member, and that test is there' }))
    assert.ok(!hasTest({ file, title: 'link a test for each member, and that test is not there' }))
    assert.ok(!hasTest({ file, title: 'have a row' }))
  })
})

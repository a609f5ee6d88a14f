import assert from 'node:assert/strict'
import { explainConnection } from '../../src/pc/connection-report.ts'
import { agree, close, connected, createMediaPair, type MediaPairOptions } from './negotiation/media-pair.ts'

/** What the lines say about SRTP, at either end, once the two are connected. */
async function linesAboutSrtp(options: MediaPairOptions): Promise<string[]> {
  const pair = createMediaPair(options)
  const { alice, bob } = pair
  await agree(pair, alice, bob)
  assert.ok(await connected(pair), `seed ${options.seed}: not connected`)
  const lines = [alice, bob].flatMap(peer => explainConnection(peer).lines).filter(line => line.includes('SRTP'))
  close(pair)
  return lines
}

describe('explainConnection, of a path without SRTP', () => {
  const extensions = { dtls: { srtpProfiles: [] } }
  const refused = 'The peer does not negotiate SRTP: neither audio nor video goes over this path.'

  it('says that the peer does not negotiate it', async () => {
    assert.deepEqual(await linesAboutSrtp({ seed: 1, sections: ['audio', 'data'], extensions }), [refused, refused])
  })

  it('says nothing of it where there is no media', async () => {
    assert.deepEqual(await linesAboutSrtp({ seed: 2, sections: ['data'], extensions }), [])
  })

  it('says nothing where there are keys', async () => {
    assert.deepEqual(await linesAboutSrtp({ seed: 3, sections: ['audio', 'data'] }), [])
  })
})

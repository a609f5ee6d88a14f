import assert from 'node:assert/strict'
import { parseSdp, SdpError, type SdpSession } from '../../../../src/sdp/index.ts'
import { captured, capturedNames } from '../../../sdp/captured.ts'
import { type Prng, prng } from '../../../support/prng.ts'
import { MediaPeer } from './media-peer.ts'

const mutations = 1_000
const offers = capturedNames.filter(name => !name.includes('answer')).map(captured)

describe('Offers that were tampered with', () => {
  it('are refused with a typed error, or are answered', function () {
    this.timeout(60_000)
    let answered = 0
    for (let seed = 1; seed <= mutations; seed++) {
      const random = prng(seed)
      try {
        if (survives(mutated(random), seed)) answered++
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
    assert.ok(answered > mutations / 4, `${answered} were answered`)
  })

  it('cannot leave more transceivers behind than they have sections', () => {
    const peer = new MediaPeer(1)
    const other = new MediaPeer(2)
    for (let round = 0; round < 50; round++) {
      const slots = other.transceivers.addTransceiver('audio')
      const offer = other.createOffer()
      other.setLocal('offer', offer)
      peer.setRemote('offer', offer)
      const answer = peer.createAnswer()
      peer.setLocal('answer', answer)
      other.setRemote('answer', answer)
      const own = other.all.find(each => each === slots)
      if (own !== undefined) other.stop(own)
    }
    assert.ok(peer.all.length <= 2, `${peer.all.length} transceivers`)
    assert.ok((peer.currentLocal?.media.length ?? 0) <= 2)
  })
})

/** Whether a description gets as far as an answer; anything but a typed error on the way is thrown. */
function survives(text: string, seed: number): boolean {
  const peer = new MediaPeer(seed)
  peer.transceivers.addTrack(peer.track('video'), [])
  const session = accepted(peer, text)
  if (session === undefined) return false
  const answer = peer.createAnswer()
  assert.equal(answer.media.length, session.media.length)
  peer.setLocal('answer', answer)
  peer.createOffer()
  return true
}

function accepted(peer: MediaPeer, text: string): SdpSession | undefined {
  try {
    const session = parseSdp(text)
    peer.transceivers.check({ side: 'remote', type: 'offer', session, offer: undefined })
    peer.setRemote('offer', session)
    return session
  } catch (error) {
    if (error instanceof SdpError || (error instanceof DOMException && error.name === 'InvalidAccessError'))
      return undefined
    throw error
  }
}

function mutated(random: Prng): string {
  const lines = pick(offers, random)
    .split('\r\n')
    .filter(line => line !== '')
  for (let count = 1 + (random.next() % 4); count > 0; count--) mutate(lines, random)
  return lines.map(line => `${line}\r\n`).join('')
}

function mutate(lines: string[], random: Prng): void {
  const at = random.next() % lines.length
  const line = lines[at] ?? ''
  switch (random.next() % 6) {
    case 0:
      lines.splice(at, 1)
      return
    case 1:
      lines.splice(at, 0, line)
      return
    case 2:
      lines[at] = line.replace(/[0-9]+/, () => String(random.next() % 128))
      return
    case 3:
      lines.splice(random.next() % lines.length, 0, ...lines.splice(at, 1))
      return
    case 4:
      // A line of another offer
      lines.splice(
        at,
        0,
        pick(
          pick(offers, random)
            .split('\r\n')
            .filter(each => each.startsWith('a=')),
          random,
        ),
      )
      return
    default:
      lines[at] = line.replace(/.$/, String.fromCharCode(0x21 + (random.next() % 0x5e)))
  }
}

function pick<Item>(items: readonly Item[], random: Prng): Item {
  const item = items[random.next() % items.length]
  if (item === undefined) throw new Error('nothing to pick')
  return item
}

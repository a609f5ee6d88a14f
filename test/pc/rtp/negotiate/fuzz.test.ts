import assert from 'node:assert/strict'
import type { RTCRtpTransceiverDirection } from '../../../../src/pc/rtp/slots.ts'
import { ExtensionUri } from '../../../../src/rtp/extension-values.ts'
import { reverseDirection, type SdpDirection, type SdpSession } from '../../../../src/sdp/index.ts'
import { type Prng, prng } from '../../../support/prng.ts'
import { MediaPeer, negotiate } from './media-peer.ts'

/** Of changes and negotiations, in as many scenes as that takes. */
const operations = 10_000
const directions: readonly SdpDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']
const maxTransceivers = 2

const fewCodecs = [
  { mimeType: 'audio/PCMU', clockRate: 8_000, channels: 1 },
  { mimeType: 'video/VP8', clockRate: 90_000 },
  { mimeType: 'video/rtx', clockRate: 90_000 },
]
const fewExtensions = [ExtensionUri.mid, ExtensionUri.rtpStreamId].map(uri => ({ uri, direction: 'sendrecv' as const }))

/** Two ends that do something at random, and are checked after each negotiation. */
class Scene {
  readonly ends: readonly [MediaPeer, MediaPeer]
  readonly #random: Prng
  readonly #isWhole: boolean
  #sections = 0
  operations = 0

  constructor(seed: number) {
    this.#random = prng(seed)
    // Most of the time descriptions go over as they are: writing and reading them has tests of its own.
    this.#isWhole = seed % 64 === 0
    this.ends = [new MediaPeer(2 * seed, this.#isWhole), new MediaPeer(2 * seed + 1, this.#isWhole)]
  }

  run(): void {
    const steps = 3 + this.#below(4)
    for (let step = 0; step < steps; step++) {
      this.#change()
      if (this.#below(3) > 0) this.#exchange()
    }
    this.#exchange()
    // What is left to be negotiated is so after one negotiation from each side.
    negotiate(this.ends[0], this.ends[1])
    negotiate(this.ends[1], this.ends[0])
    this.#check()
    for (const end of this.ends) assert.equal(end.isNeeded, false, 'nothing is left to be negotiated')
  }

  #change(): void {
    this.operations++
    const end = this.#pick(this.ends)
    const slots = end.all[this.#below(Math.max(1, end.all.length))]
    switch (this.#below(8)) {
      case 0:
      case 1:
        if (end.all.length < maxTransceivers) end.transceivers.addTrack(end.track(this.#kind()), this.#streams(end))
        return
      case 2:
      case 3:
        if (end.all.length >= maxTransceivers) return
        end.transceivers.addTransceiver(this.#kind(), {
          direction: this.#pick(directions),
          sendEncodings: this.#below(3) === 0 ? [{ rid: 'a' }, { rid: 'b' }] : [],
        })
        return
      case 4:
        if (slots !== undefined) end.transceivers.removeTrack(slots.sender.object)
        return
      case 5:
        if (slots !== undefined && !slots.stopping) slots.direction = this.#pick(directions)
        return
      case 6:
        if (slots !== undefined && !slots.stopping) end.stop(slots)
        return
      default:
        if (slots !== undefined) slots.sender.streamIds = [...new Set(this.#streams(end).map(({ id }) => id))]
    }
  }

  /** Most of the time with few codecs and header extensions, for the sake of speed. */
  #limit(end: MediaPeer): void {
    if (this.#isWhole) return
    for (const slots of end.all) {
      slots.preferredCodecs = fewCodecs
      if (slots.negotiatedHeaderExtensions.length === 0) slots.headerExtensionsToNegotiate = fewExtensions
    }
  }

  #exchange(): void {
    this.operations++
    for (const end of this.ends) this.#limit(end)
    const [from, to] = this.#below(2) === 0 ? this.ends : [this.ends[1], this.ends[0]]
    switch (this.#below(5)) {
      case 0:
        this.#glare(from, to)
        break
      case 1:
        this.#provisional(from, to)
        break
      case 2:
        this.#abandoned(from, to)
        break
      default:
        negotiate(from, to)
    }
    this.#check()
  }

  /** Both have made an offer; one of them gives way. */
  #glare(from: MediaPeer, to: MediaPeer): void {
    const offer = from.createOffer()
    from.setLocal('offer', offer)
    to.setLocal('offer', to.createOffer())
    this.#change()
    to.rollback()
    this.#answer(from, to, offer)
  }

  #provisional(from: MediaPeer, to: MediaPeer): void {
    const offer = from.createOffer()
    from.setLocal('offer', offer)
    to.setRemote('offer', offer)
    const answer = to.createAnswer()
    to.setLocal('pranswer', answer)
    from.setRemote('pranswer', answer)
    this.#change()
    const final = to.createAnswer()
    to.setLocal('answer', final)
    from.setRemote('answer', final)
  }

  /** An offer that both take back. */
  #abandoned(from: MediaPeer, to: MediaPeer): void {
    const before = this.ends.map(({ all }) => all.map(({ mid, currentDirection }) => ({ mid, currentDirection })))
    const offer = from.createOffer()
    from.setLocal('offer', offer)
    to.setRemote('offer', offer)
    from.rollback()
    to.rollback()
    const after = this.ends.map(({ all }) => all.filter(({ stopped }) => !stopped))
    for (const [index, all] of after.entries()) {
      for (const { mid, currentDirection } of all) {
        assert.ok(before[index]?.some(each => each.mid === mid && each.currentDirection === currentDirection))
      }
    }
  }

  #answer(from: MediaPeer, to: MediaPeer, offer: SdpSession): void {
    to.setRemote('offer', offer)
    const answer = to.createAnswer()
    to.setLocal('answer', answer)
    from.setRemote('answer', answer)
  }

  #check(): void {
    const [a, b] = this.ends
    const sections = a.currentLocal?.media ?? []
    assert.ok(sections.length >= this.#sections, 'sections stay')
    this.#sections = sections.length
    const mids = sections.map(({ mid }) => mid)
    assert.equal(new Set(mids).size, mids.length, 'mids are unique')
    assert.deepEqual(
      b.currentLocal?.media.map(({ mid }) => mid),
      a.currentLocal?.media.map(({ mid }) => mid),
    )
    for (const end of this.ends) {
      const own = end.all.flatMap(({ mid }) => mid ?? [])
      assert.equal(new Set(own).size, own.length, 'a section has one transceiver')
      assert.ok(end.all.length <= sections.length + 2 * maxTransceivers, 'transceivers that have stopped go')
    }
    for (const slots of a.all) {
      const other = b.all.find(({ mid }) => mid !== null && mid === slots.mid)
      if (other !== undefined) assertAgreement(slots.currentDirection, other.currentDirection)
    }
    assertSessions(a, b)
    assertSessions(b, a)
  }

  #kind(): 'audio' | 'video' {
    return this.#below(4) === 0 ? 'video' : 'audio'
  }

  #streams(end: MediaPeer): ReturnType<MediaPeer['stream']>[] {
    return Array.from({ length: this.#below(3) }, () => end.stream(`s${this.#below(3)}`))
  }

  #pick<Item>(items: readonly Item[]): Item {
    const item = items[this.#below(items.length)]
    if (item === undefined) throw new Error('nothing to pick')
    return item
  }

  #below(limit: number): number {
    return this.#random.next() % limit
  }
}

function assertAgreement(ours: RTCRtpTransceiverDirection | null, theirs: RTCRtpTransceiverDirection | null): void {
  if (ours === null || theirs === null || ours === 'stopped' || theirs === 'stopped') return
  assert.equal(ours, reverseDirection(theirs), 'both see the same direction')
}

/** What one may send, the other one expects. */
function assertSessions(sender: MediaPeer, receiver: MediaPeer): void {
  for (const section of sender.session.configured) {
    const other = receiver.session.configured.find(({ mid }) => mid === section.mid)
    if (other === undefined) continue
    const expected = new Map(other.receive.map(codec => [codec.payloadType, codec]))
    for (const { payloadType, mimeType, rtx } of section.send) {
      assert.equal(expected.get(payloadType)?.mimeType, mimeType)
      assert.equal(expected.get(payloadType)?.rtx, rtx)
    }
  }
}

describe('Random negotiations', () => {
  it('leave both ends in agreement', function () {
    this.timeout(60_000)
    for (let seed = 1, done = 0; done < operations; seed++) {
      const scene = new Scene(seed)
      try {
        scene.run()
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
      done += scene.operations
    }
  })
})

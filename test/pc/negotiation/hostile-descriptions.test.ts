import assert from 'node:assert/strict'
import { type Prng, prng } from '../../support/prng.ts'
import { agree, close, createMediaPair, describeLocally, type SectionKind, settled } from './media-pair.ts'

const rounds = 40

/** Moves, drops and repeats lines, and changes what names things. */
function mutate(sdp: string, random: Prng): string {
  const lines = sdp.split('\r\n').slice(0, -1)
  const pick = (): number => random.next() % lines.length
  for (let count = 1 + (random.next() % 4); count > 0; count--) {
    const at = pick()
    switch (random.next() % 6) {
      case 0:
        lines.splice(at, 1)
        break
      case 1:
        lines.splice(pick(), 0, lines[at] ?? '')
        break
      case 2:
        lines[at] = (lines[at] ?? '').replace(/\d+/, String(random.next() % 12))
        break
      case 3:
        lines[at] = (lines[at] ?? '').replace(/^a=(ice-ufrag|mid|fingerprint|setup|rtcp-mux|group).*/, '')
        break
      case 4:
        lines.splice(4, 0, `a=group:BUNDLE ${[0, 1, 2, 3].filter(() => random.next() % 2 === 0).join(' ')}`)
        break
      default:
        lines[at] = (lines[at] ?? '').replace(
          /^m=(\w+) \d+/,
          (_, kind) => `m=${kind} ${random.next() % 2 === 0 ? 0 : 9}`,
        )
    }
  }
  return `${lines.filter(line => line !== '').join('\r\n')}\r\n`
}

/** What a method may reject with: webrtc-pc §4.4.1.4, step 4.5. */
async function isOrderly(work: Promise<unknown>, what: string): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    assert.ok(error instanceof DOMException, `${what}: ${String(error)}`)
    assert.notEqual(error.name, 'Error', what)
    return false
  }
}

describe('Mutated descriptions', () => {
  for (const first of [true, false]) {
    it(`${first ? 'first' : 'later'} offers and answers: an error or an agreement, and nothing stays open`, async () => {
      const kinds: readonly SectionKind[] = ['audio', 'video', 'data', 'audio']
      let applied = 0
      for (let seed = 1; seed <= rounds; seed++) {
        const random = prng(seed * 2 + Number(first))
        const policy = (['balanced', 'max-compat', 'max-bundle'] as const)[seed % 3] ?? 'balanced'
        const alices = { bundlePolicy: policy, rtcpMuxPolicy: seed % 2 === 0 ? 'negotiate' : 'require' } as const
        const pair = createMediaPair({ seed, alice: alices, bob: { bundlePolicy: 'max-compat' }, sections: kinds })
        const { sim, alice, bob, sockets } = pair
        if (!first) await agree(pair, alice, bob)
        const offer = await describeLocally(sim, alice)
        const mutated = mutate(offer, random)
        const what = `seed ${seed}`
        if (!(await isOrderly(settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: mutated })), what))) {
          await settled(sim, bob.setRemoteDescription({ type: 'offer', sdp: offer }))
        } else applied++
        const answer = await describeLocally(sim, bob)
        await isOrderly(settled(sim, alice.setRemoteDescription({ type: 'answer', sdp: mutate(answer, random) })), what)
        await isOrderly(settled(sim, alice.getStats()), what)
        await sim.runFor(1)
        close(pair)
        assert.equal(sockets.alice.open.size + sockets.bob.open.size, 0, what)
      }
      assert.ok(applied > rounds / 10, String(applied))
    })
  }
})

import assert from 'node:assert/strict'
import { elsewhere, never } from './left-out.ts'
import { listen, mediaCall, settle, Talker, talk, within } from './media-call.ts'
import { dictionaryByType, enumerations, membersOf } from './stats-dictionaries.ts'
import type { StatsEntry } from './stats-entry.ts'

/** Members that were there at some time, by the type of the entry. */
type Seen = ReadonlyMap<string, ReadonlySet<string>>

/** A call of two peers with a data channel, audio and video, first one way, then both; some packets are lost. */
async function seenInCall(): Promise<Seen> {
  const { sim, alice, bob, close } = await mediaCall(61, 0.03)
  const seen = new Map<string, Set<string>>()
  const look = async (): Promise<void> => {
    for (const end of [alice, bob]) for (const entry of (await within(sim, end.getStats())).values()) note(seen, entry)
  }
  const talkers: Talker[] = []
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    const added = [new Talker('audio'), new Talker('video')]
    talkers.push(...added)
    listen(to)
    for (const { track } of added) from.addTrack(track)
    await settle(sim, from, to)
    for (let second = 0; second < 8; second++) {
      await talk(sim, 50, ...talkers)
      await look()
    }
  }
  await close()
  return seen
}

function note(seen: Map<string, Set<string>>, entry: StatsEntry): void {
  const members = seen.get(entry.type) ?? new Set<string>()
  seen.set(entry.type, members)
  for (const member of Object.keys(entry)) members.add(member)
}

/** Of media sources, both kinds. */
function dictionariesOf(type: string): readonly string[] {
  if (type === 'media-source') return ['RTCAudioSourceStats', 'RTCVideoSourceStats']
  const dictionary = dictionaryByType[type]
  assert.ok(dictionary, `${type} has no dictionary`)
  return [dictionary]
}

describe('The members of webrtc-stats', () => {
  let seen: Seen
  before(async () => {
    seen = await seenInCall()
  })

  for (const type of enumerations.RTCStatsType ?? []) {
    it(`of ${type} are all there in a call, but for those that are left out with a reason`, () => {
      const members = new Set(dictionariesOf(type).flatMap(name => Object.keys(membersOf(name))))
      const reasons = { ...never[type], ...elsewhere[type] }
      for (const member of members) {
        const isSeen = seen.get(type)?.has(member) === true
        const reason = reasons[member]
        assert.ok(
          isSeen !== (reason !== undefined),
          `${type}.${member}: ${isSeen ? `seen, although ${reason}` : 'missing'}`,
        )
      }
      for (const member of Object.keys(reasons)) assert.ok(members.has(member), `${type} has no ${member}`)
    })
  }
})

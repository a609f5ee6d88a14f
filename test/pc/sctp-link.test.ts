import assert from 'node:assert/strict'
import { DtlsError } from '../../src/dtls/errors.ts'
import { type LinkedAssociation, SctpLink, type SctpTunnel } from '../../src/pc/sctp-link.ts'
import type { SctpEvent } from '../../src/sctp/index.ts'

/** An association that notes what it is told, in order, and gives what it is given. */
class FakeLinkedAssociation implements LinkedAssociation {
  readonly calls: (string | number)[][] = []
  readonly transmits: Uint8Array[] = []
  readonly events: SctpEvent[] = []

  connect(now: number): void {
    this.calls.push(['connect', now])
  }

  receive(packet: Uint8Array, now: number): ReturnType<LinkedAssociation['receive']> {
    this.calls.push(['receive', packet.length, now])
    return packet.length === 0 ? { drop: 'malformed' } : { handled: true }
  }

  setPacketSize(bytes: number): void {
    this.calls.push(['setPacketSize', bytes])
  }

  pathChanged(now: number): void {
    this.calls.push(['pathChanged', now])
  }

  abort(now: number): void {
    this.calls.push(['abort', now])
  }

  pollTransmit(): Uint8Array | undefined {
    return this.transmits.shift()
  }

  pollEvent(): SctpEvent | undefined {
    return this.events.shift()
  }

  pollTimeout(): number {
    return 70
  }

  handleTimeout(now: number): void {
    this.calls.push(['handleTimeout', now])
  }
}

function linkOf() {
  const association = new FakeLinkedAssociation()
  const [records, drops, events]: [Uint8Array[], string[], SctpEvent[]] = [[], [], []]
  const world = { isUsable: true, scheduled: 0, association, records, drops, events }
  const link = new SctpLink(
    {
      isUsable: () => world.isUsable,
      send: record => records.push(record),
      schedule: () => {
        world.scheduled++
      },
      drop: reason => drops.push(reason),
    },
    { sctpEvent: event => events.push(event) },
  )
  return { ...world, world, link }
}

/** Its records are marked by their first byte. */
function tunnel(recordOverhead = 37): SctpTunnel & { recordOverhead: number } {
  return { recordOverhead, seal: data => Uint8Array.of(23, ...data) }
}

describe('The SCTP link of a transport', () => {
  it('connects an association that was there before DTLS, with packets that fit into a record', () => {
    const { link, association } = linkOf()
    link.attach(association, 1)
    assert.deepEqual(association.calls, [])
    link.connected(tunnel(37), 2)
    // 1232 less 37, on a four-byte boundary.
    assert.deepEqual(association.calls, [
      ['setPacketSize', 1_192],
      ['connect', 2],
    ])
  })

  it('connects one that comes later at once, but not when DTLS is over', () => {
    for (const isOver of [false, true]) {
      const { link, association } = linkOf()
      link.connected(tunnel(), 1)
      if (isOver) link.disconnected()
      link.attach(association, 2)
      assert.equal(association.calls.length, isOver ? 0 : 2)
    }
  })

  it('sends in records while DTLS is up and there is a path, and fits packets to records that grow', () => {
    const { link, association, world, records } = linkOf()
    const dtls = tunnel()
    const send = (byte: number): number => {
      association.transmits.push(Uint8Array.of(byte))
      link.flush(3)
      return records.length
    }
    link.attach(association, 1)
    assert.equal(send(1), 0)
    link.connected(dtls, 2)
    world.isUsable = false
    assert.equal(send(2), 0)
    world.isUsable = true
    dtls.recordOverhead = 45
    assert.equal(send(3), 3)
    assert.deepEqual(
      records.map(record => [...record]),
      [1, 2, 3].map(byte => [23, byte]),
    )
    assert.deepEqual(association.calls.slice(2), [['setPacketSize', 1_184]])
    link.disconnected()
    assert.equal(send(4), 3)
  })

  it('asks for another turn when DTLS has run out of sequence numbers, and hides no other error', () => {
    const { link, association, world } = linkOf()
    const failing = (error: Error): SctpTunnel => ({
      recordOverhead: 37,
      seal: () => {
        throw error
      },
    })
    link.attach(association, 1)
    link.connected(failing(new DtlsError('sequence-exhausted', 'no numbers left')), 1)
    association.transmits.push(Uint8Array.of(1))
    link.flush(2)
    assert.equal(world.scheduled, 1)
    link.connected(failing(new RangeError('a defect')), 3)
    association.transmits.push(Uint8Array.of(1))
    assert.throws(() => link.flush(4), RangeError)
  })

  it('counts what the association refuses, and tells its events in order', () => {
    const { link, association, drops, events } = linkOf()
    link.receive(Uint8Array.of(1), 1)
    link.tell()
    assert.equal(link.pollTimeout(), undefined)
    link.attach(association, 1)
    link.receive(new Uint8Array(0), 2)
    link.receive(Uint8Array.of(1), 2)
    assert.deepEqual(drops, ['malformed'])
    association.events.push({ type: 'closed' }, { type: 'closed' })
    link.tell()
    assert.deepEqual(events, [{ type: 'closed' }, { type: 'closed' }])
    link.pathChanged(3)
    link.handleTimeout(4)
    link.abort(5)
    assert.deepEqual(association.calls, [
      ['receive', 0, 2],
      ['receive', 1, 2],
      ['pathChanged', 3],
      ['handleTimeout', 4],
      ['abort', 5],
    ])
    assert.equal(link.pollTimeout(), 70)
  })

  it('leaves an association alone that another will take the place of', () => {
    const { link, association, records, events } = linkOf()
    link.attach(association, 0)
    link.connected(tunnel(), 0)
    link.detach()
    const calls = association.calls.length
    association.transmits.push(Uint8Array.of(1))
    association.events.push({ type: 'closed' })
    link.tell()
    link.flush(1)
    link.receive(Uint8Array.of(1), 1)
    link.handleTimeout(1)
    assert.deepEqual([association.calls.length, records, events, link.pollTimeout()], [calls, [], [], undefined])
    const next = new FakeLinkedAssociation()
    link.attach(next, 2)
    assert.equal(link.pollTimeout(), 70)
  })
})

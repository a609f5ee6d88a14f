import assert from 'node:assert/strict'
import { handshakeTimeoutMs } from '../../../src/dtls/handshake.ts'
import { maximumRtoMs, patientRtoMs } from '../../../src/dtls/retransmission.ts'
import { Link } from '../link.ts'
import { connectedPair, type Endpoint, exchange, type Pair } from '../support.ts'

const maxVersion = '1.3'

/** The low-order bits of the epoch that is sealed with. */
function epochBits({ dtls }: Endpoint): number {
  return (dtls.seal(new Uint8Array())[0] ?? 0) & 3
}

function assertWorks({ client, server }: Pair, text: string): void {
  server.receive(client.dtls.seal(Buffer.from(text)))
  client.receive(server.dtls.seal(Buffer.from(text)))
  assert.deepEqual([client.data.at(-1), server.data.at(-1)], [text, text])
}

describe('A key update of DTLS 1.3', () => {
  for (const requestsUpdate of [false, true]) {
    it(`takes effect once it was acknowledged, and the other end ${requestsUpdate ? 'follows' : 'need not follow'}`, () => {
      const pair = connectedPair({ options: { maxVersion } })
      assert.deepEqual([epochBits(pair.client), epochBits(pair.server)], [3, 3])
      pair.client.dtls.updateKeys(0, requestsUpdate)
      assert.equal(epochBits(pair.client), 3)
      exchange(pair)
      assert.deepEqual([epochBits(pair.client), epochBits(pair.server)], [0, requestsUpdate ? 0 : 3])
      assertWorks(pair, 'after')
      assert.equal(pair.client.dtls.pollTimeout(), undefined)
      assert.equal(pair.server.dtls.pollTimeout(), undefined)
    })
  }

  it('by one end alone goes through again and again', () => {
    const pair = connectedPair({ options: { maxVersion } })
    for (let epoch = 4; epoch < 20; epoch++) {
      pair.client.dtls.updateKeys(0)
      exchange(pair)
      assert.deepEqual([epochBits(pair.client), epochBits(pair.server)], [epoch % 4, 3])
      assertWorks(pair, `epoch ${epoch}`)
    }
  })

  it('can be repeated past every value of the epoch bits, from either end', () => {
    const pair = connectedPair({ options: { maxVersion } })
    for (let epoch = 4; epoch < 20; epoch++) {
      const { dtls } = epoch % 2 === 0 ? pair.client : pair.server
      dtls.updateKeys(0, true)
      exchange(pair)
      assert.deepEqual([epochBits(pair.client), epochBits(pair.server)], [epoch % 4, epoch % 4])
      assertWorks(pair, `epoch ${epoch}`)
    }
  })

  it('can be begun by both at once', () => {
    const pair = connectedPair({ options: { maxVersion } })
    pair.client.dtls.updateKeys(0, true)
    pair.server.dtls.updateKeys(0, true)
    exchange(pair)
    assertWorks(pair, 'after')
    // Each was asked once more while its own was under way: whether it does so again is its own affair.
    assert.equal(epochBits(pair.client), epochBits(pair.server))
  })

  it('is not begun any more once the numbers of messages are used up, and the connection goes on', function () {
    this.timeout(60_000)
    const pair = connectedPair({ options: { maxVersion } })
    const handshakeMessages = 4
    for (let count = handshakeMessages; count < 2 ** 16; count++) {
      pair.client.dtls.updateKeys(0)
      const datagrams = pair.client.transmits()
      assert.equal(datagrams.length, 1, `message ${count}`)
      for (const datagram of datagrams) pair.server.receive(datagram)
      exchange(pair)
    }
    pair.client.dtls.updateKeys(0)
    assert.equal(pair.client.transmits().length, 0)
    assertWorks(pair, 'after')
  })

  it('is not begun again while one is under way', () => {
    const pair = connectedPair({ options: { maxVersion } })
    pair.client.dtls.updateKeys(0)
    assert.equal(pair.client.transmits().length, 1)
    pair.client.dtls.updateKeys(0)
    assert.equal(pair.client.transmits().length, 0)
  })

  it('leaves what was sealed with the key before readable', () => {
    const pair = connectedPair({ options: { maxVersion } })
    const late = pair.client.dtls.seal(Buffer.from('late'))
    pair.client.dtls.updateKeys(0)
    exchange(pair)
    assertWorks(pair, 'new')
    pair.server.receive(late)
    assert.equal(pair.server.data.at(-1), 'late')
  })

  it('comes through where the link loses a third', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const pair = connectedPair({ seed, options: { maxVersion } })
      const link = new Link(pair, seed, { loss: 0.33, jitterMs: 20 })
      for (let epoch = 4; epoch < 10; epoch++) {
        pair.client.dtls.updateKeys(link.now, true)
        link.run(link.now + 10_000)
        assert.deepEqual([epochBits(pair.client), epochBits(pair.server)], [epoch % 4, epoch % 4], `seed ${seed}`)
      }
      assertWorks(pair, `seed ${seed}`)
    }
  })

  it('is repeated until it is acknowledged, however long that takes, and ever more seldom', () => {
    const pair = connectedPair({ options: { maxVersion } })
    const { dtls } = pair.client
    dtls.updateKeys(0)
    const times: number[] = []
    let last = pair.client.transmits()
    for (let now = dtls.pollTimeout() ?? Number.NaN; now < 3_600_000; now = dtls.pollTimeout() ?? Number.NaN) {
      dtls.handleTimeout(now)
      const sent = pair.client.transmits()
      if (sent.length > 0) times.push(now)
      if (sent.length > 0) last = sent
    }
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    assert.equal(
      gaps.findLast((_, index) => (times[index + 1] ?? 0) < handshakeTimeoutMs),
      maximumRtoMs,
    )
    assert.equal(gaps.at(-1), patientRtoMs)
    assert.equal(Math.max(...gaps), patientRtoMs)
    assert.equal(dtls.state, 'connected')
    assertWorks(pair, 'in the meantime')
    assert.equal(epochBits(pair.client), 3)
    for (const datagram of last) pair.server.receive(datagram, 3_600_000)
    for (const ack of pair.server.transmits()) pair.client.receive(ack, 3_600_000)
    assert.equal(epochBits(pair.client), 0)
    exchange(pair, 3_600_000)
    assertWorks(pair, 'after')
    assert.equal(dtls.pollTimeout(), undefined)
    // The next one is not as patient.
    dtls.updateKeys(4_000_000)
    assert.ok((dtls.pollTimeout() ?? Number.NaN) <= 4_000_000 + maximumRtoMs)
  })

  it('is begun unasked before a key wears out', () => {
    const pair = connectedPair({ options: { maxVersion }, client: { keyUpdateAfter: 100 } })
    for (let n = 0; n < 110; n++) pair.server.receive(pair.client.dtls.seal(Buffer.from('x')))
    assert.equal(epochBits(pair.client), 3)
    pair.client.receive(pair.server.dtls.seal(Buffer.from('y')))
    exchange(pair)
    assert.equal(epochBits(pair.client), 0)
    assertWorks(pair, 'after')
  })

  it('is nothing that DTLS 1.2 knows', () => {
    const pair = connectedPair({ options: { maxVersion: '1.2' } })
    pair.client.dtls.updateKeys(0)
    assert.deepEqual(pair.client.transmits(), [])
  })
})

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { roundTripOverHttp } from '../../demo/http-check.ts'
import { type DemoServer, startDemoServer } from '../../demo/http-server.ts'

describe("the demo's HTTP server", () => {
  let server: DemoServer
  before(async () => {
    server = await startDemoServer(0)
  })
  after(() => server.close())

  it('serves the page with everything that it asks for, and nothing else', async () => {
    const page = await (await fetch(server.url)).text()
    const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? '')
    assert.ok(files.length >= 4)
    for (const file of files) assert.equal((await fetch(server.url + file)).status, 200, file)
    for (const path of ['server.ts', '../server.ts', '%2e%2e/server.ts', 'nothing']) {
      assert.equal((await fetch(server.url + path)).status, 404, path)
    }
    assert.equal((await fetch(server.url, { method: 'PUT' })).status, 405)
  })

  it('refuses other hosts and other origins', async () => {
    const port = new URL(server.url).port
    assert.equal(await status({}), 200)
    assert.equal(await status({ host: `localhost:${port}` }), 200)
    assert.equal(await status({ host: `rebound.example:${port}` }), 403)
    assert.equal(await status({ origin: 'http://elsewhere.example' }), 403)
    assert.equal(await status({ origin: 'null' }), 403)
    assert.equal(await status({ origin: new URL(server.url).origin }), 200)
  })

  it('refuses bodies that are not JSON, not objects, no path, no description, or too long', async () => {
    assert.equal(await post('{}', 'text/plain'), 415)
    assert.equal(await post('{'), 400)
    assert.equal(await post('null'), 400)
    assert.equal(await post('{}'), 400)
    assert.equal(await post('{"path":"toString"}'), 400)
    for (const choice of [
      { dtls: '1.1' },
      { dtls: null },
      { certificates: 'RSA' },
      { certificates: ['P-521'] },
      { certificates: ['toString'] },
      { certificates: [['RSA']] },
      { certificates: ['RSA', 'RSA'] },
    ]) {
      assert.equal(await post(JSON.stringify({ path: 'direct', ...choice })), 400, JSON.stringify(choice))
    }
    assert.equal(await post(JSON.stringify({ path: 'x'.repeat(64 * 1024) })), 413)
    const { id } = await open()
    assert.equal(await post('{"offer":{"type":"answer","sdp":""}}', json, `sessions/${id}/offer`), 400)
    assert.equal(await post('{"offer":{"type":"offer","sdp":"v=0"}}', json, `sessions/${id}/offer`), 400)
    assert.equal((await get(id, 'why')).status, 404, 'a session without a description is given up')
  })

  it('knows no sessions but its own', async () => {
    const nobody = '00000000-0000-0000-0000-000000000000'
    for (const action of ['events', 'why']) assert.equal((await get(nobody, action)).status, 404)
    for (const action of ['offer', 'answer', 'candidates']) {
      assert.equal(await post('{}', json, `sessions/${nobody}/${action}`), 404)
    }
    assert.equal(await end(nobody), 204, 'what is gone cannot be ended twice')
  })

  it('takes a bounded number of sessions, and a new one when another has ended', async () => {
    const ids: string[] = []
    for (let count = 0; count < 16; count++) ids.push((await open()).id)
    assert.equal(await post('{"path":"direct"}'), 503)
    for (const id of ids) assert.equal(await end(id), 204)
    assert.equal(await end((await open()).id), 204)
  })

  it('takes a bounded number of candidates for a description', async () => {
    const { id } = await open()
    const candidates = Array.from({ length: 101 }, () => ({ candidate: '', sdpMid: '0' }))
    for (let round = 0; round < 2; round++) {
      const { sdp } = await offer(id)
      const answer = { type: 'answer', sdp: sdp.replace('a=setup:actpass', 'a=setup:active') }
      assert.equal(await post(JSON.stringify({ answer }), json, `sessions/${id}/answer`), 204)
      const hundred = JSON.stringify({ candidates: candidates.slice(1) })
      assert.equal(await post(hundred, json, `sessions/${id}/candidates`), 204)
    }
    const oneMore = JSON.stringify({ candidates: candidates.slice(100) })
    assert.equal(await post(oneMore, json, `sessions/${id}/candidates`), 429)
    await end(id)
  })

  it('restarts ICE with an offer after the first one', async () => {
    const { id } = await open()
    const [first, second] = [await offer(id), await offer(id)]
    assert.notEqual(fragment(second.sdp), fragment(first.sdp))
    await end(id)
  })

  it('keeps a bounded number of events, the latest ones', async () => {
    const { id } = await open()
    const received = async (): Promise<number[]> => {
      const abort = new AbortController()
      const { body } = await fetch(`${server.url}sessions/${id}/events`, { signal: abort.signal })
      const { value = '' } = (await body?.pipeThrough(new TextDecoderStream()).getReader().read()) ?? {}
      abort.abort()
      return [...value.matchAll(/^id: (\d+)$/gm)].map(([, number]) => Number(number))
    }
    for (let last = -1; last < 600; last = (await received()).at(-1) ?? -1) await offer(id)
    const ids = await received()
    assert.ok(ids.length <= 500, `${ids.length} events`)
    const [first = 0] = ids
    assert.ok(first > 100, 'the earliest have gone')
    assert.deepEqual(
      ids,
      ids.map((_, index) => first + index),
    )
    await end(id)
  })

  it('has a configuration for each path, with credentials for this session alone where there is a server', async () => {
    const users = new Set<string>()
    const expected = {
      direct: { urls: [], policy: undefined },
      'relay-udp': { urls: ['udp'], policy: 'relay' },
      'relay-tcp': { urls: ['tcp'], policy: 'relay' },
      pool: { urls: ['udp', 'tcp'], policy: undefined },
    }
    for (const [path, { urls, policy }] of Object.entries(expected)) {
      const { id, configuration } = await open(path)
      const found = configuration.iceServers?.[0]
      const patterns = urls.map(transport => new RegExp(`^turn:127\\.0\\.0\\.1:\\d+\\?transport=${transport}$`))
      assert.equal(found?.urls.length ?? 0, urls.length)
      patterns.forEach((pattern, index) => {
        assert.match(found?.urls[index] ?? '', pattern)
      })
      assert.equal(configuration.iceTransportPolicy, policy)
      if (found !== undefined) users.add(found.username)
      for (const user of users) assert.ok(Number.parseInt(user, 10) > Date.now() / 1000, 'they end in the future')
      await end(id)
    }
    assert.equal(users.size, 3)
  })

  for (const path of ['relay-udp', 'relay-tcp', 'pool'] as const) {
    for (const offerer of ['visitor', 'server'] as const) {
      it(`carries a message over the path ${path} when the ${offerer} offers, and gives its relays back`, async () => {
        assert.match(await roundTripOverHttp(server.url, { offerer, path }), /there and back/)
        const deadline = performance.now() + 1500
        while (server.allocations > 0 && performance.now() < deadline) {
          await new Promise(resolve => setTimeout(resolve, 20))
        }
        assert.equal(server.allocations, 0)
      })
    }
  }

  it('says what became of each pair', async () => {
    const { id } = await open()
    const { why } = (await (await get(id, 'why')).json()) as { why: { text: string }[] }
    assert.match(why.map(({ text }) => text).join('\n'), /There is no local description yet/)
    await end(id)
  })

  const json = 'application/json'

  async function post(body: string, type = json, path = 'sessions'): Promise<number> {
    return (await fetch(server.url + path, { method: 'POST', headers: { 'content-type': type }, body })).status
  }

  async function open(path = 'direct'): Promise<Opened> {
    const response = await fetch(`${server.url}sessions`, {
      method: 'POST',
      headers: { 'content-type': json },
      body: JSON.stringify({ path }),
    })
    return (await response.json()) as Opened
  }

  async function offer(id: string): Promise<{ sdp: string }> {
    const url = `${server.url}sessions/${id}/offer`
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': json }, body: '{}' })
    return ((await response.json()) as { offer: { sdp: string } }).offer
  }

  function get(id: string, action: string): Promise<Response> {
    return fetch(`${server.url}sessions/${id}/${action}`)
  }

  async function end(id: string): Promise<number> {
    return (await fetch(`${server.url}sessions/${id}`, { method: 'DELETE' })).status
  }

  /** `fetch` does not let its caller write these headers. */
  function status(headers: Record<string, string>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const outgoing = request(server.url, { headers }, response => {
        response.resume()
        resolve(response.statusCode)
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
  }
})

interface Opened {
  readonly id: string
  readonly configuration: {
    readonly iceServers?: readonly { readonly urls: readonly string[]; readonly username: string }[]
    readonly iceTransportPolicy?: string
  }
}

function fragment(sdp: string): string | undefined {
  return /^a=ice-ufrag:(.*)$/m.exec(sdp)?.[1]
}

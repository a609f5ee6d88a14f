import assert from 'node:assert/strict'
import { request } from 'node:http'
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

  it('refuses bodies that are not JSON, not objects, no description, or too long', async () => {
    assert.equal(await post('{}', 'text/plain'), 415)
    assert.equal(await post('{'), 400)
    assert.equal(await post('null'), 400)
    assert.equal(await post('{"offer":{"type":"answer","sdp":""}}'), 400)
    assert.equal(await post('{"offer":{"type":"offer","sdp":"v=0"}}'), 400)
    assert.equal(await post(JSON.stringify({ offer: 'x'.repeat(64 * 1024) })), 413)
  })

  it('knows no sessions but its own', async () => {
    const nobody = `${server.url}sessions/00000000-0000-0000-0000-000000000000`
    assert.equal((await fetch(`${nobody}/events`)).status, 404)
    assert.equal(await post('{}', json, `${new URL(nobody).pathname.slice(1)}/answer`), 404)
    assert.equal(await post('{}', json, `${new URL(nobody).pathname.slice(1)}/candidates`), 404)
    assert.equal((await fetch(nobody, { method: 'DELETE' })).status, 204, 'what is gone cannot be ended twice')
  })

  it('takes a bounded number of sessions, and a new one when another has ended', async () => {
    const ids: string[] = []
    for (let count = 0; count < 16; count++) ids.push((await open()).id)
    assert.equal(await post('{}'), 503)
    for (const id of ids) assert.equal((await fetch(`${server.url}sessions/${id}`, { method: 'DELETE' })).status, 204)
    const { id } = await open()
    assert.equal((await fetch(`${server.url}sessions/${id}`, { method: 'DELETE' })).status, 204)
  })

  it('takes a bounded number of candidates', async () => {
    const { id, offer } = await open()
    const candidates = Array.from({ length: 101 }, () => ({ candidate: '', sdpMid: '0' }))
    const answer = { type: 'answer', sdp: offer.sdp.replace('a=setup:actpass', 'a=setup:active') }
    assert.equal(await post(JSON.stringify({ answer }), json, `sessions/${id}/answer`), 204)
    assert.equal(await post(JSON.stringify({ candidates }), json, `sessions/${id}/candidates`), 429)
    await fetch(`${server.url}sessions/${id}`, { method: 'DELETE' })
  })

  const json = 'application/json'

  async function post(body: string, type = json, path = 'sessions'): Promise<number> {
    return (await fetch(server.url + path, { method: 'POST', headers: { 'content-type': type }, body })).status
  }

  async function open(): Promise<{ id: string; offer: { sdp: string } }> {
    const response = await fetch(`${server.url}sessions`, {
      method: 'POST',
      headers: { 'content-type': json },
      body: '{}',
    })
    return (await response.json()) as { id: string; offer: { sdp: string } }
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

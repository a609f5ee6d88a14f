import assert from 'node:assert/strict'
import type { EchoReport } from '../../demo/echo-peer.ts'
import { type DemoServer, startDemoServer } from '../../demo/http-server.ts'
import type { StageReport } from '../../demo/stage.ts'
import { EncodedTrackSink, EncodedTrackSource, type MediaStreamTrack, RTCPeerConnection } from '../../src/index.ts'
import { movingPictureFrame } from '../../src/testing/index.ts'
import { reached } from '../support/events.ts'

interface Opened {
  readonly id: string
  readonly answer: { readonly type: 'answer'; readonly sdp: string }
}

describe("the demo's signalling of audio and video", () => {
  let server: DemoServer
  const peers: RTCPeerConnection[] = []

  before(async () => {
    server = await startDemoServer(0)
  })
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.close()
    await until(() => server.mediaPeers === 0, 'every connection of the server is closed')
  })
  after(() => server.close())

  it('echoes frames, and gives up the connection when the other end closes it', async () => {
    const { peer, source, id } = await publish('echo')
    const { track } = peer.getTransceivers()[0]?.receiver ?? {}
    await framesOf(track, source)
    assert.equal(server.mediaPeers, 1)
    assert.deepEqual(await lossOf(id), { percent: 0, sent: 0, received: 0 })
    peer.close()
    await until(() => server.mediaPeers === 0, 'the server closes its end')
    assert.equal((await fetch(`${server.url}media/echo/${id}`)).status, 404)
  })

  it('loses as many packets of an echo as it is told, and no more than a tenth', async () => {
    const { peer, source, id } = await publish('echo')
    for (const percent of [-1, 10.5, Number.NaN, '5', null]) {
      assert.equal(await request('PUT', `media/echo/${id}`, { percent }), 400, String(percent))
    }
    assert.equal(await request('PUT', `media/echo/${id}`, { percent: 10 }), 204)
    const { track } = peer.getTransceivers()[0]?.receiver ?? {}
    await framesOf(track, source, 100)
    const lost = await lossOf(id)
    assert.ok(lost.percent === 10 && lost.sent > 0 && lost.received > 0, JSON.stringify(lost))
  })

  it('shows a publisher to all who watch, and nothing when it has left', async () => {
    const early = await watch()
    const { peer, source } = await publish('stage/publish')
    const late = await watch()
    await framesOf(early, source)
    await framesOf(late, source)
    const stage = await report()
    assert.equal(stage.onStage, 'tab')
    assert.equal(stage.viewers.length, 2)
    assert.equal(await request('POST', 'media/stage/publish', { offer: await offer() }), 409)
    assert.equal(await request('PUT', 'media/stage', { picture: true }), 409)
    peer.close()
    await until(async () => (await report()).onStage === null, 'nobody is on the stage')
    assert.equal((await report()).viewers.length, 2)
  })

  it('shows the test picture until it is taken away', async () => {
    const track = await watch()
    assert.equal(await request('PUT', 'media/stage', { picture: true }), 204)
    assert.equal((await report()).onStage, 'picture')
    await framesOf(track)
    assert.equal(await request('PUT', 'media/stage', { picture: false }), 204)
    assert.equal((await report()).onStage, null)
    assert.equal(await request('PUT', 'media/stage', { picture: false }), 204, 'it may be said twice')
    assert.equal(await request('PUT', 'media/stage', { picture: 1 }), 400)
  })

  it('refuses what is no offer, and is left with nothing of it', async () => {
    const sdp = (await offer()).sdp
    for (const path of ['media/echo', 'media/stage/publish', 'media/stage/watch']) {
      for (const body of [
        {},
        { offer: null },
        { offer: { type: 'answer', sdp } },
        { offer: { type: 'offer', sdp: 'nonsense' } },
        { offer: { type: 'offer', sdp: sdp.replace(/a=fingerprint:.*\r\n/g, '') } },
        { offer: { type: 'offer', sdp: sdp.slice(0, sdp.length / 2) } },
      ]) {
        assert.equal(await request('POST', path, body), 400, `${path} ${JSON.stringify(body).slice(0, 60)}`)
      }
      assert.equal(await request('POST', path, { offer: { type: 'offer', sdp: 'x'.repeat(70_000) } }), 413)
    }
    assert.equal(server.mediaPeers, 0)
    assert.equal((await report()).onStage, null)
    const form = await fetch(`${server.url}media/echo`, { method: 'POST', body: 'offer=1' })
    assert.equal(form.status, 415)
  })

  it('knows no other resources, and ends what it does not know as often as one likes', async () => {
    for (const path of ['media', 'media/', 'media/nothing', 'media/echo', 'media/echo/nobody', 'media/stage/x']) {
      assert.equal((await fetch(server.url + path)).status, 404, path)
    }
    assert.equal(await request('PUT', 'media/echo/nobody', { percent: 1 }), 404)
    assert.equal(await request('DELETE', 'media/peers/nobody'), 204)
  })

  it('takes a bounded number of connections, and a new one when another has ended', async () => {
    const ids: string[] = []
    for (let count = 0; count < 24; count++) {
      const { id } = (await (await post('media/stage/watch', { offer: await offer() })).json()) as Opened
      ids.push(id)
    }
    assert.equal(await request('POST', 'media/echo', { offer: await offer() }), 503)
    assert.equal(await request('DELETE', `media/peers/${ids[0]}`), 204)
    assert.equal((await report()).viewers.length, 23)
    const { id } = (await (await post('media/echo', { offer: await offer() })).json()) as Opened
    for (const each of [...ids, id]) await request('DELETE', `media/peers/${each}`)
  })

  /** A connection that sends a picture, again and again. */
  async function publish(path: string): Promise<{ peer: RTCPeerConnection; source: EncodedTrackSource; id: string }> {
    const source = new EncodedTrackSource('video', { codec: 'video/VP8' })
    const { peer, id } = await open(path, peer => peer.addTrack(source.track))
    return { peer, source, id }
  }

  async function watch(): Promise<MediaStreamTrack> {
    const { peer } = await open('stage/watch', peer => peer.addTransceiver('video', { direction: 'recvonly' }))
    const { track } = peer.getTransceivers()[0]?.receiver ?? {}
    assert.ok(track !== undefined)
    return track
  }

  async function open(
    path: string,
    prepare: (peer: RTCPeerConnection) => unknown,
  ): Promise<{ peer: RTCPeerConnection; id: string }> {
    const peer = new RTCPeerConnection()
    peers.push(peer)
    prepare(peer)
    const response = await post(`media/${path}`, { offer: await described(peer) })
    assert.equal(response.status, 201)
    const { id, answer } = (await response.json()) as Opened
    await peer.setRemoteDescription(answer)
    await reached(peer, 'connectionstatechange', () => peer.connectionState === 'connected', 'connected')
    return { peer, id }
  }

  /** One that nobody answers the checks of. */
  async function offer(): Promise<{ type: string; sdp: string }> {
    const peer = new RTCPeerConnection()
    peer.addTransceiver('video', { direction: 'recvonly' })
    const offered = await described(peer)
    peer.close()
    return offered
  }

  async function lossOf(id: string): Promise<EchoReport['lost']> {
    const response = await fetch(`${server.url}media/echo/${id}`)
    return ((await response.json()) as EchoReport).lost
  }

  async function report(): Promise<StageReport> {
    return (await (await fetch(`${server.url}media/stage`)).json()) as StageReport
  }

  function post(path: string, body: object): Promise<Response> {
    return send('POST', path, body)
  }

  async function request(method: string, path: string, body?: object): Promise<number> {
    const response = await send(method, path, body)
    await response.arrayBuffer()
    return response.status
  }

  function send(method: string, path: string, body?: object): Promise<Response> {
    const json = body === undefined ? null : JSON.stringify(body)
    return fetch(server.url + path, { method, headers: { 'content-type': 'application/json' }, body: json })
  }
})

/** Resolves when so many frames have come; they are written meanwhile, if somebody has to. */
async function framesOf(track: MediaStreamTrack | undefined, source?: EncodedTrackSource, count = 10): Promise<void> {
  assert.ok(track !== undefined)
  const sink = new EncodedTrackSink(track)
  let index = 0
  const timer = setInterval(() => {
    source?.write({ data: movingPictureFrame(320, 240, index / 50), timestampMs: index * 20 })
    index++
  }, 20)
  let frames = 0
  for await (const { data } of sink) {
    assert.ok(data.length > 0)
    if (++frames === count) break
  }
  clearInterval(timer)
  sink.close()
  assert.equal(frames, count)
}

async function described(peer: RTCPeerConnection): Promise<{ type: string; sdp: string }> {
  await peer.setLocalDescription()
  await reached(peer, 'icegatheringstatechange', () => peer.iceGatheringState === 'complete', 'gathered')
  return { type: 'offer', sdp: peer.localDescription?.sdp ?? '' }
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    assert.ok(tries < 200, what)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

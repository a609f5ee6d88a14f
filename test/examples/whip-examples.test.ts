import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { fragmentOf, parseFragment, writeFragment } from '../../examples/support/sdp-fragment.ts'
import { MediaStream, RTCPeerConnection } from '../../src/index.ts'
import { chromiumSendsFakeMedia, launchChromium } from '../interop/chromium.ts'
import { reached } from '../support/events.ts'
import { ExampleProcess } from './example-process.ts'

const sdpType = 'application/sdp'
const fragmentType = 'application/trickle-ice-sdpfrag'

describe('the examples of WHIP and WHEP', function () {
  const publishers: RTCPeerConnection[] = []
  this.timeout(40_000)
  const token = 'let me in'
  let whip: ExampleProcess
  let whep: ExampleProcess
  let whipUrl: string
  let whepUrl: string

  before(async () => {
    whip = new ExampleProcess('whip-server', [], { WHIP_TOKEN: token })
    whep = new ExampleProcess('whep-server')
    whipUrl = await whip.url()
    whepUrl = await whep.url()
  })
  beforeEach(() => {
    for (const server of [whip, whep]) server.forget()
  })
  after(async () => {
    for (const server of [whip, whep]) assert.equal(await server?.stop(), 0, server?.output)
  })

  it('publish from client to server, until the client is interrupted', async () => {
    const client = new ExampleProcess('whip-client', [whipUrl], { WHIP_TOKEN: token })
    await client.printed(/publishing to/)
    await whip.printed(/publisher \d+: (?=.*\d\d audio\/opus frames\/s)(?=.*\d\d video\/VP8 frames\/s)/)
    assert.equal(await client.stop(), 0, client.output)
    await whip.printed(/a publisher has left/)
  })

  it('watch from server to client, until the client is interrupted', async () => {
    const client = new ExampleProcess('whep-client', [whepUrl])
    await client.printed(/watching: (?=.*\d\d audio\/opus frames\/s)(?=.*\d\d video\/VP8 frames\/s)/)
    assert.equal(await client.stop(), 0, client.output)
    await whep.printed(/a viewer has left/)
  })

  it('end a client whose server ends', async () => {
    const server = new ExampleProcess('whep-server')
    const client = new ExampleProcess('whep-client', [await server.url()])
    await client.printed(/frames\/s/)
    assert.equal(await server.stop(), 0)
    assert.equal(await client.exited, 0, client.output)
    assert.match(client.output, /the other end has closed the connection/)
  })

  it('want the bearer token, from everything but a preflight request', async () => {
    const publisher = new ExampleProcess('whip-client', [whipUrl], { WHIP_TOKEN: 'wrong' })
    assert.equal(await publisher.exited, 1)
    assert.match(publisher.output, /401 .*A bearer token is needed/)
    const without = await post(whipUrl, 'v=0')
    assert.equal(without.status, 401)
    assert.equal(without.headers.get('www-authenticate'), 'Bearer')
    assert.match(without.headers.get('content-type') ?? '', /^application\/problem\+json/)
    const wrong = await post(whipUrl, 'v=0', { authorization: 'Bearer wrong' })
    assert.equal(wrong.headers.get('www-authenticate'), 'Bearer error="invalid_token"')
    const preflight = await fetch(whipUrl, { method: 'OPTIONS' })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers.get('accept-post'), sdpType)
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
    for (const name of ['authorization', 'if-match']) {
      assert.match(preflight.headers.get('access-control-allow-headers') ?? '', new RegExp(name))
    }
    assert.match(preflight.headers.get('access-control-expose-headers') ?? '', /location/)
  })

  it('answer an offer with 201, Location, ETag and all candidates, and the answer only receives', async () => {
    const { response, answer } = await publish()
    assert.equal(response.status, 201)
    assert.equal(response.headers.get('content-type'), sdpType)
    assert.match(response.headers.get('location') ?? '', /^\/whip\/[0-9a-f-]{36}$/)
    assert.match(response.headers.get('etag') ?? '', /^"[^"]+"$/)
    assert.match(answer, /^a=candidate:/m)
    assert.equal(answer.match(/^a=recvonly/gm)?.length, 2)
    assert.doesNotMatch(answer, /^a=(sendrecv|sendonly|inactive)/m)
    await end(response)
  })

  it('refuse what is no offer, or not one of a publisher or viewer', async () => {
    const authorization = `Bearer ${token}`
    const offer = await offerOf('sendonly')
    for (const [body, headers, status] of [
      [offer, { 'content-type': 'text/plain' }, 415],
      ['', {}, 422],
      ['nonsense', {}, 422],
      [offer.replaceAll('a=sendonly', 'a=recvonly'), {}, 422],
      [offer.replaceAll('a=sendonly', 'a=inactive'), {}, 422],
      [offer.replace(/a=group:BUNDLE.*\r\n/, ''), {}, 422],
      [offer + offer.slice(offer.indexOf('m=')), {}, 422],
      [offer.replace(/a=fingerprint:.*\r\n/g, ''), {}, 400],
      [offer.replace('v=0', 'v=1'), {}, 400],
      ['x'.repeat(70_000), {}, 413],
    ] as const) {
      assert.equal((await post(whipUrl, body, { authorization, ...headers })).status, status, body.slice(0, 80))
    }
    assert.equal((await post(whepUrl, offer)).status, 422, 'a viewer does not send')
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      assert.equal((await fetch(whepUrl, { method })).status, 405)
    }
    assert.equal((await fetch(`${whepUrl}/nothing`, { method: 'DELETE' })).status, 404)
    assert.equal((await fetch(whepUrl)).status, 204)
    assert.equal((await fetch(new URL('/elsewhere', whepUrl))).status, 404)
  })

  it('take candidates one by one, for the ICE session that is meant', async () => {
    const { response, offer } = await publish()
    const etag = response.headers.get('etag') ?? ''
    const mid = /^a=mid:(.*)\r$/m.exec(offer)?.[1] ?? ''
    const candidate = 'candidate:1 1 udp 2122260223 127.0.0.1 61764 typ host'
    const fragment = writeFragment(offer, [
      { candidate, sdpMid: mid },
      { candidate: '', sdpMid: mid },
    ])
    const parsed = parseFragment(fragment)
    assert.deepEqual(
      parsed?.candidates.map(each => each.candidate),
      [candidate, ''],
    )
    assert.equal((await patch(response, fragment, {})).status, 428)
    assert.equal((await patch(response, fragment, { 'if-match': '"other"' })).status, 412)
    assert.equal((await patch(response, fragment, { 'if-match': etag, 'content-type': sdpType })).status, 415)
    assert.equal((await patch(response, 'a=nothing', { 'if-match': etag })).status, 400)
    assert.equal(
      (await patch(response, fragment.replace('candidate:1 ', 'candidate:'), { 'if-match': etag })).status,
      400,
    )
    const taken = await patch(response, fragment, { 'if-match': etag })
    assert.equal(taken.status, 204)
    assert.equal(taken.headers.get('etag'), null)
    const flood = writeFragment(
      offer,
      Array.from({ length: 100 }, () => ({ candidate, sdpMid: mid })),
    )
    assert.equal((await patch(response, flood, { 'if-match': etag })).status, 204)
    assert.equal((await patch(response, flood, { 'if-match': etag })).status, 429)
    await end(response)
    assert.equal((await patch(response, fragment, { 'if-match': etag })).status, 404)
  })

  it('restart ICE, and go on with the same media', async () => {
    const { response, peer, answer } = await publish()
    await peer.setRemoteDescription({ type: 'answer', sdp: answer })
    await reached(peer, 'connectionstatechange', () => peer.connectionState === 'connected', 'connected')
    peer.restartIce()
    const offer = await gatheredOffer(peer)
    const refused = await patch(response, fragmentOf(offer), { 'if-match': response.headers.get('etag') ?? '' })
    assert.equal(refused.status, 412, 'a restart needs If-Match: *')
    const restarted = await patch(response, fragmentOf(offer), { 'if-match': '*' })
    assert.equal(restarted.status, 200)
    assert.equal(restarted.headers.get('content-type'), fragmentType)
    assert.notEqual(restarted.headers.get('etag'), response.headers.get('etag'))
    const fragment = parseFragment(await restarted.text())
    assert.ok(fragment !== undefined && fragment.candidates.length > 1)
    assert.notEqual(fragment.usernameFragment, /^a=ice-ufrag:(.*)\r$/m.exec(answer)?.[1])
    const lines = answer
      .replaceAll(/a=candidate:.*\r\n/g, '')
      .replaceAll(/a=ice-ufrag:.*/g, `a=ice-ufrag:${fragment.usernameFragment}`)
      .replaceAll(/a=ice-pwd:.*/g, `a=ice-pwd:${fragment.password}`)
    await peer.setRemoteDescription({ type: 'answer', sdp: lines })
    for (const each of fragment.candidates) await peer.addIceCandidate(each)
    const transport = peer.getTransceivers()[0]?.sender.transport?.iceTransport
    assert.ok(transport !== undefined)
    const isUp = () => ['connected', 'completed'].includes(transport.state)
    await reached(transport, 'statechange', isUp, 'connected again')
    await end(response)
  })

  describe('with Chromium, from a page of another origin', () => {
    let browser: Browser | undefined
    let page: Page
    let origin: Server

    before(async function () {
      browser = await launchChromium(this, chromiumSendsFakeMedia)
      origin = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'))
      await new Promise<void>(resolve => origin.listen(0, '127.0.0.1', resolve))
      page = await browser.newPage()
      await page.goto(`http://127.0.0.1:${(origin.address() as AddressInfo).port}/`)
    })
    after(async () => {
      await browser?.close()
      origin?.close()
    })

    it('publish its camera', async () => {
      const location = await page.evaluate(`(async () => {
        const camera = await navigator.mediaDevices.getUserMedia({ audio: true, video: true })
        ${browserClient(whipUrl, token)}
        for (const track of camera.getTracks()) peer.addTransceiver(track, { direction: 'sendonly', streams: [camera] })
        return await open()
      })()`)
      assert.match(String(location), /\/whip\/[0-9a-f-]{36}$/)
      await whip.printed(/publisher \d+: (?=.*audio\/opus frames\/s)(?=.*video\/\w+ frames\/s)/)
    })

    it('watch', async () => {
      const frames = await page.evaluate(`(async () => {
        ${browserClient(whepUrl)}
        for (const kind of ['audio', 'video']) peer.addTransceiver(kind, { direction: 'recvonly' })
        const video = Object.assign(document.createElement('video'), { autoplay: true, muted: true })
        video.srcObject = new MediaStream(peer.getReceivers().map(({ track }) => track))
        document.body.append(video)
        await open()
        while (video.getVideoPlaybackQuality().totalVideoFrames < 20) await new Promise(resolve => setTimeout(resolve, 100))
        return video.getVideoPlaybackQuality().totalVideoFrames
      })()`)
      assert.ok(Number(frames) >= 20)
    })
  })

  /** An open connection would keep the process alive. */
  afterEach(() => {
    for (const peer of publishers.splice(0)) peer.close()
  })

  async function publish(): Promise<{ response: Response; peer: RTCPeerConnection; offer: string; answer: string }> {
    const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    publishers.push(peer)
    const stream = new MediaStream()
    for (const kind of ['audio', 'video'] as const) {
      peer.addTransceiver(kind, { direction: 'sendonly', streams: [stream] })
    }
    const offer = await gatheredOffer(peer)
    const response = await post(whipUrl, offer, { authorization: `Bearer ${token}` })
    return { response, peer, offer, answer: await response.text() }
  }

  function patch(session: Response, body: string, headers: Record<string, string>): Promise<Response> {
    const all = { authorization: `Bearer ${token}`, 'content-type': fragmentType, ...headers }
    return fetch(new URL(session.headers.get('location') ?? '', whipUrl), { method: 'PATCH', headers: all, body })
  }

  async function end(session: Response): Promise<void> {
    const url = new URL(session.headers.get('location') ?? '', whipUrl)
    const response = await fetch(url, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } })
    assert.equal(response.status, 200)
  }
})

function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': sdpType, ...headers }, body })
}

async function offerOf(direction: 'sendonly'): Promise<string> {
  const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
  for (const kind of ['audio', 'video'] as const) peer.addTransceiver(kind, { direction })
  const offer = await gatheredOffer(peer)
  peer.close()
  return offer
}

async function gatheredOffer(peer: RTCPeerConnection): Promise<string> {
  await peer.setLocalDescription()
  const isComplete = () => peer.localDescription?.sdp.includes('a=end-of-candidates') === true
  await reached(peer, 'icegatheringstatechange', isComplete, 'gathered')
  return peer.localDescription?.sdp ?? ''
}

/** `peer` and `open()`, which resolves with the address of the session once it is connected. */
function browserClient(url: string, token?: string): string {
  const authorization = token === undefined ? '' : `authorization: 'Bearer ${token}',`
  return `
    const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    const open = async () => {
      await peer.setLocalDescription()
      const response = await fetch('${url}', {
        method: 'POST',
        headers: { ${authorization} 'content-type': '${sdpType}' },
        body: peer.localDescription.sdp,
      })
      if (response.status !== 201) throw new Error(await response.text())
      await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
      while (peer.connectionState !== 'connected') await new Promise(resolve => setTimeout(resolve, 20))
      return new URL(response.headers.get('location'), '${url}').href
    }
  `
}

import assert from 'node:assert/strict'
import {
  type RTCConfiguration,
  RTCPeerConnection,
  type RTCSessionDescriptionInit,
  registerIdentityProvider,
} from '../../src/index.ts'
import { loadIdentityProviders } from '../../src/pc/identity/index.ts'
import type { TestPage } from './browser.ts'
import { firefoxShowsAddresses, firefoxUsesLoopback, openFirefox } from './firefox.ts'
import { IdentityServer } from './identity-server.ts'

/** Both this program and Firefox find it without a name server. */
const domain = 'localhost'

/**
 * Firefox loads the provider of the other end from its domain, over HTTPS; here it is an object of the program, or that same
 * script. Both ask the same server to sign and to verify.
 */
describe('identity assertions with Firefox', () => {
  let server: IdentityServer
  let page: TestPage
  let authority: string
  let unregister: () => void

  before(async function () {
    this.timeout(60_000)
    server = await IdentityServer.start(domain)
    authority = server.authority
    unregister = registerIdentityProvider(authority, 'signed', server.provider)
    page = await openFirefox(this, {
      anyCertificate: true,
      preferences: {
        ...firefoxShowsAddresses,
        ...firefoxUsesLoopback,
        'media.peerconnection.identity.enabled': true,
      },
    })
  })
  after(async () => {
    await page?.close()
    unregister?.()
    await server?.close()
  })

  /** Runs the body of an async function in the page. */
  async function inPage<T>(body: string): Promise<T> {
    const text = await page.evaluate(
      `(async () => { ${body} })().then(value => JSON.stringify({ value }), error => JSON.stringify({ error: String(error) }))`,
    )
    const { value, error } = JSON.parse(String(text)) as { value: T; error?: string }
    if (error !== undefined) throw new Error(error)
    return value
  }

  async function complete(peer: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
    while (peer.iceGatheringState !== 'complete') {
      await new Promise(resolve => peer.addEventListener('icegatheringstatechange', resolve, { once: true }))
    }
    return peer.localDescription?.toJSON() as RTCSessionDescriptionInit
  }

  const gathered = `
    const gathered = async peer => {
      while (peer.iceGatheringState !== 'complete') {
        await new Promise(resolve => peer.addEventListener('icegatheringstatechange', resolve, { once: true }))
      }
      return peer.localDescription.toJSON()
    }`

  /** Makes an offer of Firefox, which is alice. */
  function firefoxOffers(configuration: object = {}, protocol = 'signed'): Promise<RTCSessionDescriptionInit> {
    return inPage(`${gathered}
      const peer = window.identified = new RTCPeerConnection(${JSON.stringify(configuration)})
      peer.setIdentityProvider('${authority}', { protocol: '${protocol}', usernameHint: 'alice@${domain}' })
      window.opened = new Promise(resolve => { peer.createDataChannel('chat').onopen = () => resolve(true) })
      await peer.setLocalDescription(await peer.createOffer())
      return gathered(peer)`)
  }

  /** Ours is bob. */
  function createPeer(configuration: RTCConfiguration = {}): RTCPeerConnection {
    const peer = new RTCPeerConnection(configuration, { gatherLoopback: true })
    peer.setIdentityProvider(authority, { protocol: 'signed', usernameHint: `bob@${domain}` })
    return peer
  }

  for (const constrained of [false, true]) {
    const how = constrained ? 'and each end lets nobody else in' : 'and each end lets everybody in'
    it(`are validated by both ends when Firefox offers, ${how}`, async function () {
      this.timeout(60_000)
      const peer = createPeer(constrained ? { peerIdentity: `alice@${domain}` } : {})
      try {
        const offer = await firefoxOffers(constrained ? { peerIdentity: `bob@${domain}` } : {})
        assert.match(offer.sdp ?? '', /^a=identity:/m)
        await peer.setRemoteDescription(offer)
        const { idp, name } = await peer.peerIdentity
        assert.deepEqual([idp, name], [authority, `alice@${domain}`])
        await peer.setLocalDescription()
        const answer = await complete(peer)
        const seen = await inPage<readonly string[]>(`
          await identified.setRemoteDescription(${JSON.stringify(answer)})
          const { idp, name } = await identified.peerIdentity
          await opened
          return [idp, name]`)
        assert.deepEqual(seen, [authority, `bob@${domain}`])
      } finally {
        peer.close()
        await inPage('identified.close()')
      }
    })

    it(`are validated by both ends when we offer, ${how}`, async function () {
      this.timeout(60_000)
      const peer = createPeer(constrained ? { peerIdentity: `alice@${domain}` } : {})
      try {
        const channel = peer.createDataChannel('chat')
        const opened = new Promise(resolve => channel.addEventListener('open', resolve, { once: true }))
        await peer.setLocalDescription()
        const offer = await complete(peer)
        const configuration = constrained ? { peerIdentity: `bob@${domain}` } : {}
        const { name, answer } = await inPage<{ name: string; answer: RTCSessionDescriptionInit }>(`${gathered}
          const peer = window.identified = new RTCPeerConnection(${JSON.stringify(configuration)})
          peer.setIdentityProvider('${authority}', { protocol: 'signed', usernameHint: 'alice@${domain}' })
          await peer.setRemoteDescription(${JSON.stringify(offer)})
          const { name } = await peer.peerIdentity
          await peer.setLocalDescription(await peer.createAnswer())
          return { name, answer: await gathered(peer) }`)
        assert.equal(name, `bob@${domain}`)
        await peer.setRemoteDescription(answer)
        assert.equal((await peer.peerIdentity).name, `alice@${domain}`)
        await opened
      } finally {
        peer.close()
        await inPage('identified.close()')
      }
    })
  }

  it('are validated by the script that Firefox was loading, in a process of its own', async function () {
    this.timeout(60_000)
    const end = loadIdentityProviders({ domains: [authority], tlsCa: server.ca })
    const peer = new RTCPeerConnection({ peerIdentity: `alice@${domain}` }, { gatherLoopback: true })
    peer.setIdentityProvider(authority, { protocol: 'loaded', usernameHint: `bob@${domain}` })
    try {
      await peer.setRemoteDescription(await firefoxOffers({ peerIdentity: `bob@${domain}` }, 'loaded'))
      assert.equal((await peer.peerIdentity).name, `alice@${domain}`)
      await peer.setLocalDescription()
      const seen = await inPage<string>(`
        await identified.setRemoteDescription(${JSON.stringify(await complete(peer))})
        await opened
        return (await identified.peerIdentity).name`)
      assert.equal(seen, `bob@${domain}`)
    } finally {
      end()
      peer.close()
      await inPage('identified.close()')
    }
  })

  it('keep Firefox out where it is not the one, and us out of Firefox', async function () {
    this.timeout(60_000)
    const peer = createPeer({ peerIdentity: `carol@${domain}` })
    try {
      const offer = await firefoxOffers({ peerIdentity: `carol@${domain}` })
      await assert.rejects(peer.setRemoteDescription(offer), { name: 'OperationError' })
      const other = createPeer()
      await other.setRemoteDescription(offer)
      await other.setLocalDescription()
      const answer = await complete(other)
      other.close()
      await assert.rejects(inPage(`await identified.setRemoteDescription(${JSON.stringify(answer)})`))
    } finally {
      peer.close()
      await inPage('identified.close()')
    }
  })
})

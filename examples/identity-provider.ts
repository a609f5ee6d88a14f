// Two peers that know who they talk to: an identity provider of one's own signs what it asserts.
//
//     npx tsx examples/identity-provider.ts
//
// The provider is an object of this program. In life each end has its own, and the public key of the other's users; a
// browser loads the same two methods from https://idp.example/.well-known/idp-proxy/default.
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { type RTCIdentityProvider, RTCPeerConnection, registerIdentityProvider } from 'icefloe'

const domain = 'idp.example'
/** What an assertion is good for, in milliseconds: long enough to be signalled. */
const lifetime = 60_000

/** Asserts that a certificate is that of a user, with a signature by Ed25519. */
class SigningProvider implements RTCIdentityProvider {
  readonly #users: ReadonlyMap<string, { readonly publicKey: KeyObject; readonly privateKey?: KeyObject }>

  constructor(users: ReadonlyMap<string, { readonly publicKey: KeyObject; readonly privateKey?: KeyObject }>) {
    this.#users = users
  }

  async generateAssertion(contents: string, _origin: string, options: { usernameHint?: string }) {
    const user = options.usernameHint ?? ''
    const key = this.#users.get(user)?.privateKey
    if (key === undefined) {
      // What the application finds in `idpLoginUrl`.
      throw Object.assign(new Error('nobody has logged in'), {
        errorDetail: 'idp-need-login',
        idpLoginUrl: `https://${domain}/login`,
      })
    }
    // `contents` are the fingerprints of the connection. The context keeps the signature from meaning something elsewhere.
    const signed = JSON.stringify({ context: 'webrtc-identity', user, contents, until: Date.now() + lifetime })
    const signature = sign(null, Buffer.from(signed), key).toString('base64')
    return { idp: { domain }, assertion: JSON.stringify({ signed, signature }) }
  }

  async validateAssertion(assertion: string) {
    const { signed, signature } = JSON.parse(assertion)
    const { context, user, contents, until } = JSON.parse(signed)
    const key = this.#users.get(user)?.publicKey
    const isTrue = key !== undefined && verify(null, Buffer.from(signed), key, Buffer.from(signature, 'base64'))
    if (!isTrue || context !== 'webrtc-identity') throw Object.assign(new Error(), { errorDetail: 'idp-token-invalid' })
    if (until < Date.now()) throw Object.assign(new Error(), { errorDetail: 'idp-token-expired' })
    return { identity: `${user}@${domain}`, contents }
  }
}

const users = new Map(['alice', 'bob'].map(user => [user, generateKeyPairSync('ed25519')]))
registerIdentityProvider(domain, 'default', new SigningProvider(users))

// Either lets the other in, and nobody else.
const alice = new RTCPeerConnection({ peerIdentity: `bob@${domain}` })
const bob = new RTCPeerConnection({ peerIdentity: `alice@${domain}` })
alice.setIdentityProvider(domain, { usernameHint: 'alice' })
bob.setIdentityProvider(domain, { usernameHint: 'bob' })

for (const [from, to] of [
  [alice, bob],
  [bob, alice],
] as const) {
  from.onicecandidate = ({ candidate }) => {
    // It waits for the description that is being validated.
    if (candidate !== null) void to.addIceCandidate(candidate)
  }
}
bob.ondatachannel = ({ channel }) => {
  channel.onmessage = async ({ data }) => {
    console.log(`${(await bob.peerIdentity).name} says: ${data}`)
    alice.close()
    bob.close()
  }
}
const channel = alice.createDataChannel('chat')
channel.onopen = async () => channel.send(`hello, ${(await alice.peerIdentity).name}`)

await alice.setLocalDescription()
await bob.setRemoteDescription(alice.localDescription ?? { type: 'offer' })
await bob.setLocalDescription()
await alice.setRemoteDescription(bob.localDescription ?? { type: 'answer' })

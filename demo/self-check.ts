import { randomBytes } from 'node:crypto'
import { type RTCDataChannel, RTCPeerConnection } from 'icefloe'
import { type ConnectionFacts, connectionFacts } from './connection-facts.ts'
import { nextMessage, reached } from './events.ts'
import { negotiate } from './negotiate.ts'
import { MESSAGE_BYTES, serve } from './services.ts'
import type { Steps } from './steps.ts'

const STEP_TIMEOUT_MS = 5000
const THROUGHPUT_SECONDS = 1
const BIG_MESSAGE_BYTES = 200_000

/** Connects two peers in this process and tries what a data channel is for; each step becomes a line of the table. */
export async function selfCheck(steps: Steps): Promise<void> {
  const alice = new RTCPeerConnection()
  const bob = new RTCPeerConnection()
  try {
    const chat = alice.createDataChannel('chat')
    const speed = alice.createDataChannel('speed')
    chat.binaryType = 'arraybuffer'
    speed.binaryType = 'arraybuffer'
    bob.addEventListener('datachannel', event => serve(event.channel))

    await steps.run('offer and answer', STEP_TIMEOUT_MS, () => negotiate(alice, bob))
    await steps.run('ICE connected', STEP_TIMEOUT_MS, () => iceConnected(alice, bob))
    await steps.run('DTLS connected', STEP_TIMEOUT_MS, () => dtlsConnected(alice, bob))
    await steps.run('data channel open', STEP_TIMEOUT_MS, () => open(alice, chat))
    await steps.run('echo', STEP_TIMEOUT_MS, () => echo(chat))
    await steps.run('throughput', STEP_TIMEOUT_MS, () => throughput(speed))
    await steps.run('close', STEP_TIMEOUT_MS, () => closeSeen(bob, chat, speed))
  } finally {
    alice.close()
    bob.close()
  }
}

async function iceConnected(...connections: RTCPeerConnection[]): Promise<string> {
  const done = (state: string) => state === 'connected' || state === 'completed'
  await Promise.all(
    connections.map(each => reached(each, 'iceconnectionstatechange', () => done(each.iceConnectionState))),
  )
  const facts = await factsOf(connections)
  return `${facts.local ?? 'no pair'} ⇄ ${facts.remote ?? 'no pair'}`
}

async function dtlsConnected(...connections: RTCPeerConnection[]): Promise<string> {
  await Promise.all(
    connections.map(each => reached(each, 'connectionstatechange', () => each.connectionState === 'connected')),
  )
  const { dtls, group, cipher, certificate } = await factsOf(connections)
  return [dtls, group, cipher, certificate && `${certificate.key} certificate`].filter(Boolean).join(', ')
}

async function factsOf([connection]: readonly RTCPeerConnection[]): Promise<ConnectionFacts> {
  return connection === undefined ? {} : await connectionFacts(connection)
}

async function open(connection: RTCPeerConnection, channel: RTCDataChannel): Promise<string> {
  await reached(channel, 'open', () => channel.readyState === 'open')
  const limit = connection.sctp?.maxMessageSize
  return `stream ${channel.id}, messages of up to ${limit?.toLocaleString('en')} bytes`
}

async function echo(channel: RTCDataChannel): Promise<string> {
  for (const text of ['Grüße über die Scholle 🧊', '']) {
    const answer = nextMessage(channel)
    channel.send(text)
    if ((await answer) !== text) throw new Error(`The text "${text}" did not come back`)
  }
  for (const sent of [new Uint8Array(0), new Uint8Array(randomBytes(BIG_MESSAGE_BYTES))]) {
    const answer = nextMessage(channel)
    channel.send(sent)
    const received = await answer
    if (!(received instanceof ArrayBuffer) || Buffer.compare(new Uint8Array(received), sent) !== 0) {
      throw new Error(`${sent.length} bytes did not come back as they were sent`)
    }
  }
  return `text, empty messages, ${BIG_MESSAGE_BYTES.toLocaleString('en')} bytes in one message`
}

/** The other end floods the channel; counted is what arrives here, from the request to the last message. */
async function throughput(channel: RTCDataChannel): Promise<string> {
  await reached(channel, 'open', () => channel.readyState === 'open')
  let messages = 0
  const stopped = new Promise<void>(resolve => {
    channel.addEventListener('message', event => {
      if (typeof (event as MessageEvent).data === 'string') resolve()
      else messages += 1
    })
  })
  const started = performance.now()
  channel.send(JSON.stringify({ type: 'download', seconds: THROUGHPUT_SECONDS }))
  await stopped
  const megabytesPerSecond = (messages * MESSAGE_BYTES) / 1000 / (performance.now() - started)
  return `${megabytesPerSecond.toFixed(1)} MB/s, ${messages} messages of ${MESSAGE_BYTES / 1024} KiB`
}

/** Closing a channel at one end closes it at the other (RFC 8831 §6.7); the ends of both channels are watched. */
async function closeSeen(other: RTCPeerConnection, ...channels: RTCDataChannel[]): Promise<string> {
  const closed = channels.map(channel => reached(channel, 'close', () => channel.readyState === 'closed'))
  for (const channel of channels) channel.close()
  await Promise.all(closed)
  if (other.connectionState !== 'connected') throw new Error('The connection did not outlive its channels')
  return 'both channels, agreed with the other end'
}

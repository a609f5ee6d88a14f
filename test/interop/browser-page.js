/**
 * The browser's half of the interoperability tests: peer connections by number, driven from Node.js. What happens by
 * itself goes out through `tell(peer, event)`, which the test has exposed.
 */
const peers = new Map()

globalThis.interop = {
  create(number, configuration) {
    const connection = new RTCPeerConnection(configuration)
    const channels = new Map()
    peers.set(number, { connection, channels })
    // As a plain object: what WebDriver BiDi carries of a platform object is nothing.
    connection.onicecandidate = ({ candidate }) =>
      tell(number, { type: 'candidate', candidate: candidate?.toJSON() ?? null })
    connection.onicecandidateerror = ({ url, errorCode, errorText }) =>
      tell(number, { type: 'candidateerror', url, errorCode, errorText })
    connection.ondatachannel = ({ channel }) => {
      channels.set(channel.label, channel)
      tell(number, { type: 'datachannel', label: channel.label })
    }
  },

  createChannel(number, label, options) {
    const { connection, channels } = peers.get(number)
    channels.set(label, connection.createDataChannel(label, options))
  },

  async offer(number, trickle) {
    const { connection } = peers.get(number)
    await connection.setLocalDescription()
    return described(connection, trickle)
  },

  async answer(number, offer, trickle) {
    const { connection } = peers.get(number)
    await connection.setRemoteDescription(offer)
    await connection.setLocalDescription()
    return described(connection, trickle)
  },

  acceptAnswer: (number, answer) => peers.get(number).connection.setRemoteDescription(answer),

  restartIce: number => peers.get(number).connection.restartIce(),

  addCandidate: (number, candidate) => peers.get(number).connection.addIceCandidate(candidate ?? undefined),

  attributes(number, label) {
    const { id, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated } = channel(number, label)
    return { id, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated }
  },

  /** The channel itself may be one that the browser has not heard of yet. */
  async untilChannel(number, label, state) {
    const { connection, channels } = peers.get(number)
    await until(connection, 'datachannel', () => channels.has(label))
    const target = channels.get(label)
    await until(target, state === 'open' ? 'open' : 'close', () => target.readyState === state)
  },

  untilConnection(number, state) {
    const { connection } = peers.get(number)
    return until(connection, 'connectionstatechange', () => connection.connectionState === state)
  },

  async selectedTypes(number) {
    const report = await peers.get(number).connection.getStats()
    const stats = [...report.values()]
    const transport = stats.find(({ type }) => type === 'transport')
    // Firefox has no statistics of transports, but says it at the pair.
    const pair = report.get(transport?.selectedCandidatePairId) ?? stats.find(({ selected }) => selected)
    const [local, remote] = [pair.localCandidateId, pair.remoteCandidateId].map(id => report.get(id).candidateType)
    return { local, remote }
  },

  /** What the browser's statistics say of its transport; Firefox has none. */
  async transportStats(number) {
    const report = await peers.get(number).connection.getStats()
    const transport = [...report.values()].find(({ type }) => type === 'transport')
    const { tlsVersion, dtlsCipher, dtlsRole } = transport ?? {}
    return { tlsVersion, dtlsCipher, dtlsRole }
  },

  /** Sends every message back as it came. */
  echo(number, label) {
    const target = channel(number, label)
    target.binaryType = 'arraybuffer'
    target.onmessage = ({ data }) => target.send(data)
  },

  /** Sends a message and gives the answer to it. Messages travel as {text} or {base64}. */
  async roundTrip(number, label, message) {
    const target = channel(number, label)
    target.binaryType = 'arraybuffer'
    const answer = new Promise(resolve => {
      target.onmessage = ({ data }) => resolve(data)
    })
    target.send(message.text ?? bytesOf(message.base64))
    const data = await answer
    return typeof data === 'string' ? { text: data } : { base64: base64Of(new Uint8Array(data)) }
  },

  /** Sends so many bytes in messages of one size, with never more than a megabyte in the buffer. */
  async sendBulk(number, label, bytes, messageBytes) {
    const target = channel(number, label)
    target.bufferedAmountLowThreshold = 256 * 1024
    for (let sent = 0; sent < bytes; sent += messageBytes) {
      await until(target, 'bufferedamountlow', () => target.bufferedAmount < 1024 * 1024)
      target.send(new Uint8Array(messageBytes))
    }
  },

  /** Starts to count; `untilBulk` resolves when so many bytes have come. */
  countBulk(number, label) {
    const target = channel(number, label)
    target.binaryType = 'arraybuffer'
    target.received = 0
    target.onmessage = ({ data }) => {
      target.received += data.byteLength
    }
  },

  untilBulk(number, label, bytes) {
    const target = channel(number, label)
    return until(target, 'message', () => target.received >= bytes)
  },

  closeChannel: (number, label) => channel(number, label).close(),

  close(number) {
    peers.get(number)?.connection.close()
    peers.delete(number)
  },
}

const channel = (number, label) => peers.get(number).channels.get(label)

async function described(connection, trickle) {
  if (!trickle) {
    await until(connection, 'icegatheringstatechange', () => connection.iceGatheringState === 'complete')
  }
  const { type, sdp } = connection.localDescription
  return { type, sdp }
}

function until(target, type, condition) {
  return new Promise(resolve => {
    const check = () => condition() && resolve()
    target.addEventListener(type, check)
    check()
  })
}

const bytesOf = base64 => Uint8Array.from(atob(base64), character => character.charCodeAt(0))

function base64Of(bytes) {
  let text = ''
  for (let offset = 0; offset < bytes.length; offset += 8192) {
    text += String.fromCharCode(...bytes.subarray(offset, offset + 8192))
  }
  return btoa(text)
}

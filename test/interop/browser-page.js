/**
 * The browser's half of the interoperability tests: peer connections by number, driven from Node.js. What happens by
 * itself goes out through `tell(peer, event)`, which the test has exposed.
 */
const peers = new Map()
let kept

globalThis.interop = {
  peerOf: number => peers.get(number),

  /** `generateCertificates` holds algorithms, as JSON can carry them; with `keptCertificate` it is always the same one. */
  async create(number, { generateCertificates, keptCertificate, ...configuration }) {
    if (generateCertificates !== undefined) {
      configuration.certificates = await Promise.all(generateCertificates.map(generateCertificate))
    }
    if (keptCertificate) {
      kept ??= generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' })
      configuration.certificates = [await kept]
    }
    const connection = new RTCPeerConnection(configuration)
    const channels = new Map()
    peers.set(number, { connection, channels, dtlsErrors: [] })
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
    listenForErrors(number)
    return described(connection, trickle)
  },

  async acceptAnswer(number, answer) {
    await peers.get(number).connection.setRemoteDescription(answer)
    listenForErrors(number)
  },

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

  channelState: (number, label) => channel(number, label).readyState,

  untilConnection(number, state) {
    const { connection } = peers.get(number)
    return until(connection, 'connectionstatechange', () => connection.connectionState === state)
  },

  async selectedTypes(number) {
    const report = await peers.get(number).connection.getStats()
    const stats = [...report.values()]
    const transport = stats.find(({ type }) => type === 'transport')
    // Firefox says it at the pair instead.
    const pair = report.get(transport?.selectedCandidatePairId) ?? stats.find(({ selected }) => selected)
    const [local, remote] = [pair.localCandidateId, pair.remoteCandidateId].map(id => report.get(id).candidateType)
    return { local, remote }
  },

  /** What the browser's statistics say of its transport. */
  async transportStats(number) {
    const report = await peers.get(number).connection.getStats()
    const transport = [...report.values()].find(({ type }) => type === 'transport')
    const { tlsVersion, dtlsCipher, dtlsRole } = transport ?? {}
    return { tlsVersion, dtlsCipher, dtlsRole }
  },

  /** Waits for the end of a connection that never was, and gives what the browser tells of it. */
  async untilFailed(number) {
    const { connection, dtlsErrors } = peers.get(number)
    await until(connection, 'connectionstatechange', () => connection.connectionState === 'failed')
    return { dtlsState: connection.sctp.transport.state, dtlsErrors }
  },

  /** The certificates that icefloe has shown, in DER, where the browser tells them. */
  remoteCertificates(number) {
    const certificates = peers.get(number).connection.sctp?.transport?.getRemoteCertificates?.()
    return certificates?.map(der => base64Of(new Uint8Array(der)))
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

/** Of RSA, whose exponent JSON cannot carry, the usual one is taken. */
function generateCertificate(algorithm) {
  const exponent = algorithm.modulusLength === undefined ? {} : { publicExponent: Uint8Array.of(1, 0, 1) }
  return RTCPeerConnection.generateCertificate({ ...algorithm, ...exponent })
}

function listenForErrors(number) {
  const { connection, dtlsErrors } = peers.get(number)
  connection.sctp?.transport?.addEventListener?.(
    'error',
    ({ error: { errorDetail, message, sentAlert, receivedAlert } }) =>
      dtlsErrors.push({ errorDetail, message, sentAlert, receivedAlert }),
  )
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

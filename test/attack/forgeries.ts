import { concatBytes } from '../../src/base/bytes.ts'
import type { Prng } from '../support/prng.ts'

type Forgery = (random: Prng) => Uint8Array

/** What somebody who knows the ports, but no key and no password, can send at any time. */
const harmless: readonly Forgery[] = [
  () => record(21, Uint8Array.of(2, 40)), // a fatal handshake_failure
  () => record(21, Uint8Array.of(1, 0)), // close_notify
  () => record(20, Uint8Array.of(1)), // ChangeCipherSpec
  random => record(23, random.bytes(64)), // application data, before there are keys
  random => encryptedRecord(random),
  random => bindingRequest(random),
  random => bindingResponse(random),
  random => random.bytes(1 + Math.floor(random.float() * 200)),
]

/** Handshake messages: before the handshake is done nothing authenticates them but the address they come from. */
const handshakes: readonly Forgery[] = [
  random => clientHello(random),
  random => record(22, random.bytes(80)), // rubbish for a handshake message
]

/** One of all forgeries, as it is or with some bytes changed. */
export function forge(random: Prng): Uint8Array {
  const packet = pick([...harmless, ...handshakes], random)
  return random.float() < 0.5 ? packet : mutate(packet, random)
}

/** One that a handshake survives even from the address of the peer. */
export function forgeHarmless(random: Prng): Uint8Array {
  return pick(harmless, random)
}

function pick(from: readonly Forgery[], random: Prng): Uint8Array {
  return from[random.next() % from.length]?.(random) ?? new Uint8Array(0)
}

/** RFC 6347 §4.1: a record of epoch 0, which nothing protects. */
function record(type: number, body: Uint8Array, sequence = 0): Uint8Array {
  const header = Uint8Array.of(type, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, sequence, body.length >> 8, body.length & 0xff)
  return concatBytes(header, body)
}

/** RFC 5246 §7.4.1.2: well-formed, with a cipher suite that nobody takes. */
function clientHello(random: Prng): Uint8Array {
  const body = concatBytes(Uint8Array.of(0xfe, 0xfd), random.bytes(32), Uint8Array.of(0, 0, 0, 2, 0, 0x2f, 1, 0))
  const length = Uint8Array.of(0, 0, body.length)
  return record(22, concatBytes(Uint8Array.of(1), length, Uint8Array.of(0, 0, 0, 0, 0), length, body))
}

/** A record of epoch 1 whose tag cannot be right, with a sequence number far ahead. */
function encryptedRecord(random: Prng): Uint8Array {
  const body = random.bytes(60)
  return concatBytes(Uint8Array.of(23, 0xfe, 0xfd, 0, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0, body.length), body)
}

/** A STUN request with a USERNAME of the right form and no idea of the password. */
function bindingRequest(random: Prng): Uint8Array {
  const username = new TextEncoder().encode('aaaaaaaa:bbbbbbb')
  const attributes = concatBytes(
    Uint8Array.of(0, 6, 0, username.length),
    username,
    Uint8Array.of(0, 0x25, 0, 0),
    Uint8Array.of(0, 8, 0, 20),
    random.bytes(20),
  )
  const header = Uint8Array.of(0, 1, 0, attributes.length, 0x21, 0x12, 0xa4, 0x42)
  return concatBytes(header, random.bytes(12), attributes)
}

/** A success response to a transaction nobody began. */
function bindingResponse(random: Prng): Uint8Array {
  const mapped = Uint8Array.of(0, 0x20, 0, 8, 0, 1, 1, 2, 3, 4, 5, 6)
  return concatBytes(Uint8Array.of(1, 1, 0, mapped.length, 0x21, 0x12, 0xa4, 0x42), random.bytes(12), mapped)
}

/** Changes one to four bytes. */
export function mutate(packet: Uint8Array, random: Prng): Uint8Array {
  const mutated = Uint8Array.from(packet)
  const changes = 1 + Math.floor(random.float() * 4)
  for (let i = 0; i < changes; i++) {
    mutated[Math.floor(random.float() * mutated.length)] = random.next() & 0xff
  }
  return mutated
}

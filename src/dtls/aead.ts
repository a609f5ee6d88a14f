import {
  type CipherChaCha20Poly1305,
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  type DecipherChaCha20Poly1305,
  type DecipherGCM,
} from 'node:crypto'

/** What protects records, by its name in OpenSSL. Each has nonces of 12 bytes and tags of 16. */
export type AeadName = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'

export const aeadTagLength = 16

/** RFC 5116 §5.1, §5.2; RFC 8439 §2.8: writes ciphertext and tag into `out` at `at`. */
export function sealAead(
  aead: AeadName,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  content: Uint8Array,
  out: Uint8Array,
  at: number,
): void {
  const cipher = createCipher(aead, key, nonce)
  cipher.setAAD(aad, { plaintextLength: content.length })
  out.set(cipher.update(content), at)
  cipher.final()
  out.set(cipher.getAuthTag(), at + content.length)
}

/** RFC 5116 §2.2: the plaintext, or undefined if the tag does not fit. */
export function openAead(
  aead: AeadName,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
  tag: Uint8Array,
): Uint8Array | undefined {
  const decipher = createDecipher(aead, key, nonce)
  decipher.setAuthTag(tag)
  decipher.setAAD(aad, { plaintextLength: ciphertext.length })
  const content = decipher.update(ciphertext)
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return content
}

function createCipher(aead: AeadName, key: Uint8Array, nonce: Uint8Array): CipherGCM | CipherChaCha20Poly1305 {
  return aead === 'chacha20-poly1305'
    ? createCipheriv(aead, key, nonce, { authTagLength: aeadTagLength })
    : createCipheriv(aead, key, nonce)
}

function createDecipher(aead: AeadName, key: Uint8Array, nonce: Uint8Array): DecipherGCM | DecipherChaCha20Poly1305 {
  return aead === 'chacha20-poly1305'
    ? createDecipheriv(aead, key, nonce, { authTagLength: aeadTagLength })
    : createDecipheriv(aead, key, nonce)
}

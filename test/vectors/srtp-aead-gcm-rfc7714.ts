// The test vectors of RFC 7714 §16 and §17, transcribed; bytes in hex. Keys and salts are session keys: nothing is derived.
// Those of SRTP that is authenticated but not enciphered, §16.1.3 and §16.2.3, are left out: no protection profile does that.

export interface GcmVector {
  readonly section: string
  readonly cipher: 'AEAD_AES_128_GCM' | 'AEAD_AES_256_GCM'
  readonly kind: 'srtp' | 'srtcp'
  readonly key: string
  readonly salt: string
  readonly plainPacket: string
  readonly protectedPacket: string
  /** SRTCP: the word with flag and index. */
  readonly esrtcpWord?: number
}

export const gcmVectors: readonly GcmVector[] = [
  {
    section: '16.1.1',
    cipher: 'AEAD_AES_128_GCM',
    kind: 'srtp',
    key: '000102030405060708090a0b0c0d0e0f',
    salt: '517569642070726f2071756f',
    plainPacket: '8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573',
    protectedPacket:
      '8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833' +
      '899d7f27beb16a9152cf765ee4390cce',
  },
  {
    section: '16.2.1',
    cipher: 'AEAD_AES_256_GCM',
    kind: 'srtp',
    key: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    salt: '517569642070726f2071756f',
    plainPacket: '8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573',
    protectedPacket:
      '8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b' +
      '7aa3db36dfffd6b0f9bb7878d7a76c13',
  },
  {
    section: '17.1',
    cipher: 'AEAD_AES_128_GCM',
    kind: 'srtcp',
    key: '000102030405060708090a0b0c0d0e0f',
    salt: '517569642070726f2071756f',
    plainPacket:
      '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdead' +
      'beef',
    protectedPacket:
      '81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9' +
      '275bc84aa45896cf4d2fc5abf87245d9eade800005d4',
    esrtcpWord: 0x800005d4,
  },
  {
    section: '17.2',
    cipher: 'AEAD_AES_256_GCM',
    kind: 'srtcp',
    key: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    salt: '517569642070726f2071756f',
    plainPacket:
      '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdead' +
      'beef',
    protectedPacket:
      '81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b' +
      '6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4',
    esrtcpWord: 0x800005d4,
  },
  {
    section: '17.3',
    cipher: 'AEAD_AES_128_GCM',
    kind: 'srtcp',
    key: '000102030405060708090a0b0c0d0e0f',
    salt: '517569642070726f2071756f',
    plainPacket:
      '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdead' +
      'beef',
    protectedPacket:
      '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdead' +
      'beef841dd9683dd78ec92ae58790125f62b3000005d4',
    esrtcpWord: 0x000005d4,
  },
  {
    section: '17.4',
    cipher: 'AEAD_AES_256_GCM',
    kind: 'srtcp',
    key: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    salt: '517569642070726f2071756f',
    plainPacket:
      '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdead' +
      'beef',
    protectedPacket:
      '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdead' +
      'beef91db4afbfeee5a978fab4393ed2615fe000005d4',
    esrtcpWord: 0x000005d4,
  },
]

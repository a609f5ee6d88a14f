// The test vectors of RFC 3711 appendix B.2 and B.3 and of RFC 6188 §7.2 and §7.3 (AES-256), transcribed; bytes in hex.

export interface KeyStreamVector {
  readonly source: string
  readonly key: string
  /** The salt times 2^16: the counter of the first block, as SSRC and index are zero. */
  readonly shiftedSalt: string
  /** Blocks of the key stream, by their number in it. */
  readonly blocks: readonly (readonly [number, string])[]
}

export interface KeyDerivationVector {
  readonly source: string
  readonly masterKey: string
  readonly masterSalt: string
  readonly cipherKey: string
  readonly cipherSalt: string
  readonly authenticationKey: string
}

export const keyStreamVectors: readonly KeyStreamVector[] = [
  {
    source: 'RFC 3711 B.2',
    key: '2b7e151628aed2a6abf7158809cf4f3c',
    shiftedSalt: 'f0f1f2f3f4f5f6f7f8f9fafbfcfd0000',
    blocks: [
      [0x0000, 'e03ead0935c95e80e166b16dd92b4eb4'],
      [0x0001, 'd23513162b02d0f72a43a2fe4a5f97ab'],
      [0x0002, '41e95b3bb0a2e8dd477901e4fca894c0'],
      [0xfeff, 'ec8cdf7398607cb0f2d21675ea9ea1e4'],
      [0xff00, '362b7c3c6773516318a077d7fc5073ae'],
      [0xff01, '6a2cc3787889374fbeb4c81b17ba6c44'],
    ],
  },
  {
    source: 'RFC 6188 §7.2',
    key: '57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98',
    shiftedSalt: 'f0f1f2f3f4f5f6f7f8f9fafbfcfd0000',
    blocks: [
      [0x0000, '92bdd28a93c3f52511c677d08b5515a4'],
      [0x0001, '9da71b2378a854f67050756ded165bac'],
      [0x0002, '63c4868b7096d88421b563b8c94c9a31'],
      [0xfeff, 'cea518c90fd91ced9cbb18c078a54711'],
      [0xff00, '3dbc4814f4da5f00a08772b63c6a046d'],
      [0xff01, '6eb246913062a16891433e97dd01a57f'],
    ],
  },
]

export const keyDerivationVectors: readonly KeyDerivationVector[] = [
  {
    source: 'RFC 3711 B.3',
    masterKey: 'e1f97a0d3e018be0d64fa32c06de4139',
    masterSalt: '0ec675ad498afeebb6960b3aabe6',
    cipherKey: 'c61e7a93744f39ee10734afe3ff7a087',
    cipherSalt: '30cbbc08863d8c85d49db34a9ae1',
    authenticationKey:
      'cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef72270986371' +
      'c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2',
  },
  {
    source: 'RFC 6188 §7.3',
    masterKey: 'f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6',
    masterSalt: '3b04803de51ee7c96423ab5b78d2',
    cipherKey: '5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4',
    cipherSalt: 'fa31791685ca444a9e07c6c64e93',
    authenticationKey: 'fd9c32d39ed5fbb5a9dc96b30818454d1313dc05',
  },
]

// The test vectors of RFC 5769 §2.1 to §2.4, transcribed: whole STUN messages as on the wire, in hex.

export interface StunVector {
  readonly section: string
  readonly name: string
  readonly message: string
  readonly password: string
  /** Long-term credentials; short-term if absent. The user name and password are as after SASLprep. */
  readonly realm?: string
  /** RFC 5769 §2: the first three messages pad with spaces, the last one with nulls. */
  readonly padding: number
  readonly hasFingerprint: boolean
  readonly attributes: {
    readonly software?: string
    readonly username?: string
    readonly priority?: number
    readonly iceControlled?: bigint
    readonly nonce?: string
    readonly realm?: string
    readonly xorMappedAddress?: { readonly address: string; readonly port: number; readonly family: 4 | 6 }
  }
}

export const stunVectors: readonly StunVector[] = [
  {
    section: '2.1',
    name: 'sample request',
    message:
      '000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff' +
      '80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249' +
      'c1b571a280280004e57a3bcf',
    password: 'VOkJxbRl1RmTxUk/WvJxBt',
    padding: 0x20,
    hasFingerprint: true,
    attributes: {
      software: 'STUN test client',
      priority: 0x6e00_01ff,
      iceControlled: 0x932f_f9b1_5126_3b36n,
      username: 'evtj:h6vY',
    },
  },
  {
    section: '2.2',
    name: 'sample IPv4 response',
    message:
      '0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643' +
      '000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96',
    password: 'VOkJxbRl1RmTxUk/WvJxBt',
    padding: 0x20,
    hasFingerprint: true,
    attributes: {
      software: 'test vector',
      xorMappedAddress: { address: '192.0.2.1', port: 32853, family: 4 },
    },
  },
  {
    section: '2.3',
    name: 'sample IPv6 response',
    message:
      '010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa' +
      'a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c',
    password: 'VOkJxbRl1RmTxUk/WvJxBt',
    padding: 0x20,
    hasFingerprint: true,
    attributes: {
      software: 'test vector',
      xorMappedAddress: { address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32853, family: 6 },
    },
  },
  {
    section: '2.4',
    name: 'sample request with long-term authentication',
    message:
      '000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015001c' +
      '662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f72670000080014' +
      'f67024656dd64a3e02b8e0712e85c9a28ca89666',
    password: 'TheMatrIX',
    realm: 'example.org',
    padding: 0,
    hasFingerprint: false,
    attributes: {
      username: 'マトリックス',
      nonce: 'f//499k954d6OL34oL9FSTvy64sA',
      realm: 'example.org',
    },
  },
]

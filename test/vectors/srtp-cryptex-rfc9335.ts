// The test vectors of RFC 9335 appendix A, transcribed from the draft that it was published from; bytes in hex.

export interface CryptexSuite {
  readonly name: string
  readonly masterKey: string
  readonly masterSalt: string
  readonly sessionKey: string
  readonly sessionSalt: string
  readonly packets: readonly CryptexPacket[]
}

export interface CryptexPacket {
  readonly section: string
  readonly name: string
  readonly plain: string
  readonly protected: string
}

export const cryptexSuites: readonly CryptexSuite[] = [
  {
    name: 'AES_CM_128_HMAC_SHA1_80',
    masterKey: 'e1f97a0d3e018be0d64fa32c06de4139',
    masterSalt: '0ec675ad498afeebb6960b3aabe6',
    sessionKey: 'c61e7a93744f39ee10734afe3ff7a087',
    sessionSalt: '30cbbc08863d8c85d49db34a9ae1',
    packets: [
      {
        section: 'A.1.1',
        name: 'RTP Packet with 1-byte header extension',
        plain: '900f1235decafbadcafebabebede000151000200abababababababababababababababab',
        protected: '900f1235decafbadcafebabec0de0001eb92365251c3e036f8de27e9c27ee3e0b4651d9fbc4218a70244522f34a5',
      },
      {
        section: 'A.1.2',
        name: 'RTP Packet with 2-byte header extension',
        plain: '900f1236decafbadcafebabe1000000105020002abababababababababababababababab',
        protected: '900f1236decafbadcafebabec2de00014ed9cc4e6a712b3096c5ca77339d4204ce0d77396cab69585fbce38194a5',
      },
      {
        section: 'A.1.3',
        name: 'RTP Packet with 1-byte header extension and CSRC fields',
        plain: '920f1238decafbadcafebabe0001e2400000b26ebede000151000200abababababababababababababababab',
        protected:
          '920f1238decafbadcafebabe8bb6e12b5cff16ddc0de000192838c8c09e58393e1de3a9a74734d6745671338c3acf11da2df' +
          '8423bee0',
      },
      {
        section: 'A.1.4',
        name: 'RTP Packet with 2-byte header extension and CSRC fields',
        plain: '920f1239decafbadcafebabe0001e2400000b26e1000000105020002abababababababababababababababab',
        protected:
          '920f1239decafbadcafebabef70e513eb90b9b25c2de0001bbed4848faa644665f3d7f34125914e9f4d0ae923c6f479b95a0' +
          'f7b53133',
      },
      {
        section: 'A.1.5',
        name: 'RTP Packet with empty 1-byte header extension and CSRC fields',
        plain: '920f123adecafbadcafebabe0001e2400000b26ebede0000abababababababababababababababab',
        protected: '920f123adecafbadcafebabe7130b6abfe2ab0e3c0de0000e3d9f64b25c9e74cb4cf8e43fb92e3781c2c0ceab6b3a499a14c',
      },
      {
        section: 'A.1.6',
        name: 'RTP Packet with empty 2-byte header extension and CSRC fields',
        plain: '920f123bdecafbadcafebabe0001e2400000b26e10000000abababababababababababababababab',
        protected: '920f123bdecafbadcafebabecbf24c124330e1c8c2de0000599dd45bc9d687b603e8b59d771fd38e88b170e0cd31e125eabe',
      },
    ],
  },
  {
    name: 'AEAD_AES_128_GCM',
    masterKey: '000102030405060708090a0b0c0d0e0f',
    masterSalt: 'a0a1a2a3a4a5a6a7a8a9aaab',
    sessionKey: '077c6143cb221bc355ff23d5f984a16e',
    sessionSalt: '9af3e95364ebac9c99c5a7c4',
    packets: [
      {
        section: 'A.2.1',
        name: 'RTP Packet with 1-byte header extension',
        plain: '900f1235decafbadcafebabebede000151000200abababababababababababababababab',
        protected:
          '900f1235decafbadcafebabec0de000139972dc9572c4d99e8fc355de743fb2e94f9d8ff54e72f4193bbc5c74ffab0fa9fa0' +
          'fbeb',
      },
      {
        section: 'A.2.2',
        name: 'RTP Packet with 2-byte header extension',
        plain: '900f1236decafbadcafebabe1000000105020002abababababababababababababababab',
        protected:
          '900f1236decafbadcafebabec2de0001bb75a4c545cd1f413bdb7daa2b1e3263de313667c963249081b35a65f5cb6c88b394' +
          '235f',
      },
      {
        section: 'A.2.3',
        name: 'RTP Packet with 1-byte header extension and CSRC fields',
        plain: '920f1238decafbadcafebabe0001e2400000b26ebede000151000200abababababababababababababababab',
        protected:
          '920f1238decafbadcafebabe63bbccc4a7f695c4c0de00018ad7c71fac70a80c92866b4c6ba98546ef913586e95ffaaffe95' +
          '6885bb0647a8bc094ac8',
      },
      {
        section: 'A.2.4',
        name: 'RTP Packet with 2-byte header extension and CSRC fields',
        plain: '920f1239decafbadcafebabe0001e2400000b26e1000000105020002abababababababababababababababab',
        protected:
          '920f1239decafbadcafebabe3680524f8d312b00c2de0001c78d120038422bc111a7187a18246f980c059cc6bc9df8b62639' +
          '4eca344e4b05d80fea83',
      },
      {
        section: 'A.2.5',
        name: 'RTP Packet with empty 1-byte header extension and CSRC fields',
        plain: '920f123adecafbadcafebabe0001e2400000b26ebede0000abababababababababababababababab',
        protected:
          '920f123adecafbadcafebabe15b6bb4337906fffc0de0000b7b964537a2b03ab7ba5389ce93317126b5d974df30c6884dcb6' +
          '51c5e120c1da',
      },
      {
        section: 'A.2.6',
        name: 'RTP Packet with empty 2-byte header extension and CSRC fields',
        plain: '920f123bdecafbadcafebabe0001e2400000b26e10000000abababababababababababababababab',
        protected:
          '920f123bdecafbadcafebabedcb38c9e48bf95f4c2de000061ee432cf920317076613258d3ce4236c06ac429681ad0841351' +
          '2dc98b5207d8',
      },
    ],
  },
]

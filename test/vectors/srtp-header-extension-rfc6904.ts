// The test vectors of RFC 6904 appendix A, transcribed; bytes in hex.

export const headerKeyVector = {
  masterKey: 'e1f97a0d3e018be0d64fa32c06de4139',
  masterSalt: '0ec675ad498afeebb6960b3aabe6',
  headerKey: '549752054d6fb708622c4a2e596a1b93',
  headerSalt: 'ab01818174c40d39a3781f7c2d27',
} as const

/** The elements of a header extension in the one-byte form, without the words 0xBEDE and 6. The keys are those above. */
export const headerExtensionVector = {
  ssrc: 0xcafebabe,
  sequenceNumber: 0x1234,
  encryptedIds: [1, 3, 4],
  plain: '17414273a475262748220000c8308e4655996386b395fb00',
  encrypted: '17588a9270f4e15e1c220000c8309546a994f0bc54789700',
} as const

/**
 * The test vector of RFC 8489 Appendix B.1, transcribed.
 *
 * Its header says 0x9c bytes where 0x88 follow: the length of the whole message, taken for that of its attributes. The HMAC
 * was computed with the length as it is printed. The key is the SHA-256 of the password, as the value shows.
 */
export const longTermSha256: Readonly<Record<'message' | 'username' | 'password' | 'nonce' | 'realm', string>> = {
  message:
    '0001009c2112a44278ad3433c6ad72c029da412e001e00204a3cf38fef6992bda952c6780417da0f24819415569e60b2' +
    '05c46e41407f1704001500296f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c3946535476' +
    '79363473410000000014000b6578616d706c652e6f726700001c0020e4686c8f0edeb59013e07090010a93efccbccc54' +
    '4c0a45d9f830aa6d6f735a01',
  username: 'マトリックス',
  password: 'TheMatrIX',
  nonce: 'obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA',
  realm: 'example.org',
}

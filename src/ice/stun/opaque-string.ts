/**
 * A user name, realm or password in the one form that its hash is made of: the OpaqueString profile of PRECIS.
 *
 * Undefined for text that the profile forbids: empty, or with control characters, invisible or unassigned ones.
 * The context rules for the few code points that are allowed only next to certain others are not enforced.
 *
 * RFC 8265 §4.2.2: no width mapping, no case mapping, no rule of direction.
 */
export function opaqueString(text: string): string | undefined {
  // RFC 8265 §4.2.2, rule 2: any space that is not ASCII becomes SPACE; rule 4: Normalization Form C
  const prepared = text.replace(nonAsciiSpace, ' ').normalize('NFC')
  // RFC 8265 §4.1: not empty, which is to be looked at after everything else
  return prepared === '' || forbidden.test(prepared) ? undefined : prepared
}

const nonAsciiSpace = /\p{Zs}/gu

/**
 * RFC 8265 §4.1: what the FreeformClass does not allow: controls, lone surrogates, private and unassigned code points, line
 * and paragraph separators, invisible ones (but for the two joiners, which have their place in some scripts), and
 * conjoining Hangul letters that Form C has not joined.
 */
const forbidden =
  /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]|(?![\u200c\u200d])\p{Default_Ignorable_Code_Point}/u

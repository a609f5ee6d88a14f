/**
 * The fixed probabilities of RFC 6386 that frames of flat macroblocks need, each that of a zero, in 256ths.
 */

/** How many probabilities of coefficients there are: 4 types of blocks, 8 bands, 3 contexts, 11 nodes of the tree. */
export const coefficientProbabilities = 1_056

/** RFC 6386 §13.4: that each of them is left as it is, where that is not 255: place and probability in turn. */
const updateProbabilities: readonly number[] = [
  33, 176, 34, 246, 44, 223, 45, 241, 46, 252, 55, 249, 56, 253, 57, 253, 67, 244, 68, 252, 77, 234, 78, 254, 79, 254,
  88, 253, 100, 246, 101, 254, 110, 239, 111, 253, 112, 254, 121, 254, 123, 254, 133, 248, 134, 254, 143, 251, 145, 254,
  166, 253, 167, 254, 176, 251, 177, 254, 178, 254, 187, 254, 189, 254, 199, 254, 200, 253, 202, 254, 209, 250, 211,
  254, 213, 254, 220, 254, 264, 217, 275, 225, 276, 252, 277, 241, 278, 253, 281, 254, 286, 234, 287, 250, 288, 241,
  289, 250, 290, 253, 292, 253, 293, 254, 298, 254, 308, 223, 309, 254, 310, 254, 319, 238, 320, 253, 321, 254, 322,
  254, 331, 248, 332, 254, 341, 249, 342, 254, 364, 253, 374, 247, 375, 254, 397, 253, 398, 254, 407, 252, 430, 254,
  431, 254, 440, 253, 463, 254, 464, 253, 473, 250, 484, 254, 528, 186, 529, 251, 530, 250, 539, 234, 540, 251, 541,
  244, 542, 254, 550, 251, 551, 251, 552, 243, 553, 253, 554, 254, 556, 254, 562, 253, 563, 254, 572, 236, 573, 253,
  574, 254, 583, 251, 584, 253, 585, 253, 586, 254, 587, 254, 595, 254, 596, 254, 605, 254, 606, 254, 607, 254, 628,
  254, 638, 254, 639, 254, 649, 254, 671, 254, 792, 248, 803, 250, 804, 254, 805, 252, 806, 254, 814, 248, 815, 254,
  816, 249, 817, 253, 826, 253, 827, 253, 836, 246, 837, 253, 838, 253, 847, 252, 848, 254, 849, 251, 850, 254, 851,
  254, 859, 254, 860, 252, 869, 248, 870, 254, 871, 253, 880, 253, 882, 254, 883, 254, 892, 251, 893, 254, 902, 245,
  903, 251, 904, 254, 913, 253, 914, 253, 915, 254, 925, 251, 926, 253, 935, 252, 936, 253, 937, 254, 947, 254, 958,
  252, 968, 249, 970, 254, 981, 254, 992, 253, 1001, 250, 1034, 254,
]

/** RFC 6386 §13.4. */
export function keepProbabilities(): Uint8Array {
  const probabilities = new Uint8Array(coefficientProbabilities).fill(255)
  for (let i = 0; i < updateProbabilities.length; i += 2) {
    probabilities[updateProbabilities[i] as number] = updateProbabilities[i + 1] as number
  }
  return probabilities
}

/** RFC 6386 §13.5, for the DC coefficient of a block: band 0, one row for each context. */
export const dcTokens = {
  luma: [
    [198, 35, 237, 223, 193, 187, 162, 160, 145, 155, 62],
    [131, 45, 198, 221, 172, 176, 220, 157, 252, 221, 1],
    [68, 47, 146, 208, 149, 167, 221, 162, 255, 223, 128],
  ],
  chroma: [
    [253, 9, 248, 251, 207, 208, 255, 192, 128, 128, 128],
    [175, 13, 224, 243, 193, 185, 249, 198, 255, 255, 128],
    [73, 17, 171, 221, 161, 179, 236, 167, 255, 234, 128],
  ],
} as const

/** RFC 6386 §13.5: that a block ends before its second coefficient, in band 1; one for each context. */
export const endOfBlock = {
  luma: [1, 184, 81],
  chroma: [1, 239, 155],
  /** Of the 16 blocks whose first coefficient is coded apart: context 0. */
  lumaRest: 253,
} as const

/** RFC 6386 §13.2: of the extra bits of the large tokens, the highest first; and the smallest value of each. */
export const categories: readonly { readonly base: number; readonly bits: readonly number[] }[] = [
  { base: 5, bits: [159] },
  { base: 7, bits: [165, 145] },
  { base: 11, bits: [173, 148, 140] },
  { base: 19, bits: [176, 155, 140, 135] },
  { base: 35, bits: [180, 157, 141, 134, 130] },
  { base: 67, bits: [254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129] },
]

/** RFC 6386 §17.2: that the probabilities of motion vectors are left as they are, of rows and of columns. */
export const keepMotion: readonly number[] = [
  237, 246, 253, 253, 254, 254, 254, 254, 254, 254, 254, 254, 254, 254, 250, 250, 252, 254, 254, 231, 243, 245, 253,
  254, 254, 254, 254, 254, 254, 254, 254, 254, 254, 251, 251, 254, 254, 254,
]

/** RFC 6386 §16.3: that a macroblock has no motion, by how much the neighbours count for that have none. */
export const zeroMotion: readonly number[] = [7, 14, 135, 60, 159, 234]

/** RFC 8489 §5: the four bytes after type and length. */
export const magicCookie = 0x2112_a442

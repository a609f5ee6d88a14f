/** A condition that only a defect in icefloe itself can bring about; never caused by input. */
export class InternalError extends Error {
  override readonly name = 'InternalError'
}

/** The end of an exhaustive `switch`: the compiler proves that nothing reaches it. */
export function assertNever(value: never): never {
  throw new InternalError(`unexpected value: ${JSON.stringify(value)}`)
}

/** Bytes ended before a field did, or held a value the field cannot have. Thrown by {@link ByteReader}. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
}

/** Does something that a seed decides: whatever it throws then names the seed. */
export function named<T>(seed: number | string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** Waits, in real time, until a condition holds. */
export async function eventually(condition: () => boolean, limitMs = 2_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${condition}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** Adds an entry to a table that must not grow beyond a size: the oldest one makes room. */
export function setBounded<Key, Value>(table: Map<Key, Value>, key: Key, value: Value, maxSize: number): void {
  if (table.size >= maxSize && !table.has(key)) {
    const oldest = table.keys().next()
    if (!oldest.done) table.delete(oldest.value)
  }
  table.set(key, value)
}

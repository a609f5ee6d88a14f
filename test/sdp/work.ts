/**
 * Counts what a function does to strings and arrays, in characters and elements: a measure of its work that is the same
 * on every machine, where a clock is not.
 *
 * Counted are the methods that parsing can be made of. Each call costs one, and what it reads or makes besides.
 */
export function countWork(work: () => unknown): number {
  const counting = startCounting()
  try {
    work()
  } finally {
    counting.stop()
  }
  return counting.total()
}

/** The same for what takes several turns; everything else that is done meanwhile is counted, too. */
export async function countWorkOf(work: () => Promise<unknown>): Promise<number> {
  const counting = startCounting()
  try {
    await work()
  } finally {
    counting.stop()
  }
  return counting.total()
}

function startCounting(): { readonly total: () => number; readonly stop: () => void } {
  let total = 0
  const restore: (() => void)[] = []
  const count = (
    owner: object,
    name: string,
    cost: (self: unknown, args: unknown[], result: unknown) => number,
  ): void => {
    const original: unknown = Reflect.get(owner, name)
    if (typeof original !== 'function') throw new Error(`no method ${name}`)
    const counted = function (this: unknown, ...args: unknown[]): unknown {
      const result: unknown = Reflect.apply(original, this, args)
      total += 1 + cost(this, args, result)
      return result
    }
    Object.defineProperty(owner, name, { value: counted, configurable: true, writable: true })
    restore.push(() => Object.defineProperty(owner, name, { value: original, configurable: true, writable: true }))
  }
  for (const name of ['toLowerCase', 'toUpperCase', 'replaceAll', 'replace', 'trim', 'split', 'normalize', 'match']) {
    count(String.prototype, name, lengthOfSelf)
  }
  for (const name of ['slice', 'substring']) count(String.prototype, name, (_self, _args, result) => lengthOf(result))
  for (const name of ['startsWith', 'endsWith']) count(String.prototype, name, (_self, args) => lengthOf(args[0]))
  for (const name of ['indexOf', 'includes', 'lastIndexOf', 'search']) count(String.prototype, name, scanned)
  for (const name of ['charAt', 'charCodeAt', 'codePointAt']) count(String.prototype, name, () => 0)
  for (const name of ['test', 'exec']) count(RegExp.prototype, name, (_self, args) => lengthOf(args[0]))
  for (const name of ['map', 'filter', 'some', 'every', 'includes', 'join', 'slice']) {
    count(Array.prototype, name, lengthOfSelf)
  }
  for (const name of ['find', 'findIndex', 'indexOf']) count(Array.prototype, name, searched)
  for (const name of ['flatMap', 'concat', 'sort', 'reverse', 'shift', 'unshift', 'splice', 'forEach', 'reduce']) {
    count(Array.prototype, name, lengthOfSelf)
  }
  count(Array.prototype, 'push', (_self, args) => args.length)
  for (const name of ['get', 'has', 'set']) count(Map.prototype, name, () => 0)
  for (const name of ['has', 'add']) count(Set.prototype, name, () => 0)
  return {
    total: () => total,
    stop: () => {
      for (const undo of restore) undo()
    },
  }
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' || Array.isArray(value) ? value.length : 0
}

function lengthOfSelf(self: unknown): number {
  return self instanceof String || typeof self === 'object'
    ? Array.isArray(self)
      ? self.length
      : String(self).length
    : lengthOf(self)
}

/** The elements that an array was searched through. */
function searched(self: unknown, _args: unknown[], result: unknown): number {
  if (!Array.isArray(self)) return 0
  let found = typeof result === 'number' ? result : -1
  if (typeof result === 'object') for (let i = 0; i < self.length && found < 0; i++) if (self[i] === result) found = i
  return found < 0 ? self.length : found + 1
}

/** The characters between where a search began and where it ended. */
function scanned(self: unknown, args: unknown[], result: unknown): number {
  const from = typeof args[1] === 'number' ? args[1] : 0
  return typeof result === 'number' && result >= 0 ? Math.abs(result - from) : lengthOf(self) - from
}

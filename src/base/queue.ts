/** A first-in first-out queue on a ring that grows by doubling; both ends in constant time. */
export class Queue<T> {
  #slots: (T | undefined)[] = []
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(value: T): void {
    if (this.#length === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = value
    this.#length++
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const value = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#length--
    return value
  }

  peek(): T | undefined {
    return this.#slots[this.#head]
  }

  clear(): void {
    this.#slots = []
    this.#head = 0
    this.#length = 0
  }

  /** From the head to the tail. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) yield this.#slots[(this.#head + i) & (this.#slots.length - 1)] as T
  }

  #grow(): void {
    const capacity = Math.max(8, this.#slots.length * 2)
    const slots: (T | undefined)[] = new Array(capacity).fill(undefined)
    for (let i = 0; i < this.#length; i++) slots[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)]
    this.#slots = slots
    this.#head = 0
  }
}

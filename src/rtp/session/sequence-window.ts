/** Places that a window remembers: two seconds of 1000 packets a second. A power of two. */
export const windowPlaces = 2_048

/** Which of the last places on the endless line of sequence numbers were there already. */
export class SequenceWindow {
  /** For each slot the place that was there last, cut to 32 bits; 0 for none, as the line begins above it. */
  readonly #places = new Uint32Array(windowPlaces)
  #highest = 0

  /** Takes note of a place. @returns false if it was there, or is too far behind to tell */
  add(place: number): boolean {
    if (place > this.#highest) this.#highest = place
    else if (place <= this.#highest - windowPlaces) return false
    const slot = place & (windowPlaces - 1)
    if (this.#places[slot] === place >>> 0) return false
    this.#places[slot] = place
    return true
  }
}

/** The version of DTLS, and icefloe's certificates in the order in which they were picked. */
export class DtlsChoice {
  #versions
  #boxes
  #hint
  #picked = []

  constructor({ versions, boxes, hint }) {
    this.#versions = versions
    this.#boxes = [...boxes]
    this.#hint = hint
    for (const box of this.#boxes) box.addEventListener('change', () => this.#pick(box))
    // A browser that goes back in its history ticks boxes without saying so.
    this.#picked = this.#boxes.filter(({ checked }) => checked).map(({ value }) => value)
    this.#explain()
  }

  /** As the signalling takes it. */
  get value() {
    return { dtls: this.#versions.value, certificates: [...this.#picked] }
  }

  enable(on) {
    for (const input of [...this.#versions, ...this.#boxes]) input.disabled = !on
  }

  #pick({ value, checked }) {
    this.#picked = this.#picked.filter(each => each !== value)
    if (checked) this.#picked.push(value)
    this.#explain()
  }

  #explain() {
    for (const { value, labels } of this.#boxes) {
      const rank = this.#picked.indexOf(value) + 1
      const { dataset } = labels[0].querySelector('span')
      if (rank > 0 && this.#picked.length > 1) dataset.rank = String(rank)
      else delete dataset.rank
    }
    this.#hint.textContent = describe(this.#picked)
  }
}

function describe(picked) {
  if (picked.length === 0)
    return 'None: icefloe makes one for this connection alone, on P-256. Or pick some, the best first.'
  const [only] = picked
  if (picked.length > 1)
    return `icefloe has ${picked.join(', then ')}, and shows the first that suits your browser.${limits(picked)}`
  return `icefloe has nothing but ${only}.${limits(picked)}`
}

/** Chromium and Firefox say in the handshake that they verify no such signature. */
function limits(picked) {
  if (!picked.includes('Ed25519')) return ''
  return picked.length === 1
    ? ' Browsers do not verify it, so the handshake will fail.'
    : ' Browsers do not verify Ed25519, so that it comes last.'
}

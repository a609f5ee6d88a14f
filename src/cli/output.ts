/** Text from outside, fit for a terminal: control characters and changes of direction are shown, and the end cut off. */
export function printable(text: string, maxLength = 120): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}...` : text
  return cut.replace(unprintable, code)
}

/** One line of JSON. What is unfit for a terminal is escaped in it too. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(unprintable, code)
}

/** As JSON escapes it. */
function code(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

// C0 and C1 control characters, line separators, and what turns the direction of writing
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f]/gu

/** Names and values, the values one below the other; those without a value are left out. */
export function facts(entries: readonly (readonly [name: string, value: string | undefined])[], indent = 2): string[] {
  const present = entries.filter(([, value]) => value !== undefined)
  return table(
    present.map(([name, value = '']) => [name, value]),
    indent,
  )
}

/** Rows whose columns are aligned. */
export function table(rows: readonly (readonly string[])[], indent = 2): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  return rows.map(row => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0))
    return `${' '.repeat(indent)}${cells.join('  ')}`.trimEnd()
  })
}

/** To three digits or so: `0.42 ms`, `12.3 ms`, `140 ms`. */
export function milliseconds(value: number): string {
  return `${value.toFixed(value < 1 ? 2 : value < 100 ? 1 : 0)} ms`
}

/** To a tenth, for JSON: more is noise. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

/** `1 packet`, `2 packets`. */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}

/** How a part of an examination ended. `warn`: worth to know, but no failure. `skip`: not looked at. */
export type Status = 'ok' | 'warn' | 'fail' | 'skip'

/** A word of four letters, in colour if that is wanted. */
export function mark(status: Status, colour: boolean): string {
  const word = status === 'ok' ? 'ok  ' : status
  return colour ? `\u001b[${colours[status]}m${word}\u001b[0m` : word
}

// ECMA-48: bold red, yellow, green, faint
const colours: { readonly [S in Status]: string } = { ok: '32', warn: '33', fail: '1;31', skip: '2' }

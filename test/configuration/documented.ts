import { readFileSync } from 'node:fs'

/** A row of a table in `docs/configuration.md`. */
export interface Row {
  /** The members in its first cell. */
  readonly members: readonly string[]
  readonly proofs: readonly Proof[]
}

/** A link to a test: its title, and where it is. */
export interface Proof {
  readonly title: string
  readonly file: URL
}

const document = new URL('../../docs/configuration.md', import.meta.url)

/** The rows of the tables whose first column has this heading. */
export function rowsOf(heading: string): Row[] {
  const rows: Row[] = []
  let isInside = false
  for (const line of readFileSync(document, 'utf8').split('\n')) {
    const cells = line.startsWith('|') ? line.split(/(?<!\\)\|/).slice(1, -1) : []
    const [first = ''] = cells
    if (cells.length === 0) isInside = false
    else if (first.trim() === heading) isInside = true
    else if (isInside && !/^\s*-+\s*$/.test(first)) rows.push(toRow(first, line))
  }
  return rows
}

function toRow(first: string, line: string): Row {
  const members = [...first.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
  const links = [...line.matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+\.ts)\)/g)]
  return { members, proofs: links.map(([, title = '', path = '']) => ({ title, file: new URL(path, document) })) }
}

const titled = /\b(?:it|describe)\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g

/** Whether a file has a test, or a group of tests, of this title; what a title has for `${…}` may be anything. */
export function hasTest({ title, file }: Proof): boolean {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(titled)].some(([, single, double, template]) => {
    const literal = (single ?? double)?.replaceAll(/\\(.)/g, '$1')
    return literal === undefined ? patternOf(template ?? '').test(title) : literal === title
  })
}

function patternOf(template: string): RegExp {
  const parts = template.split(/\$\{(?:[^{}]|\{[^}]*\})*\}/)
  return new RegExp(`^${parts.map(part => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.+')}$`)
}

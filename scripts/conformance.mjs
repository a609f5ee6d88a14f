// Writes docs/conformance.md: which section of which standard is followed where, and which tests name it.
//
// It is made from the citations in comments of src and anywhere in the tests, `RFC 8445 §7.2.5.3.1` or
// `webrtc-pc §4.4.1.6`, several sections being `RFC 8445 §7.1, §7.2 and §8`. No line numbers, so that it changes only
// when a citation does.
//
//   node scripts/conformance.mjs                 writes the file
//   node scripts/conformance.mjs --check         fails if the file is not what would be written
//   node scripts/conformance.mjs --out <path>    uses another file

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    out: { type: 'string', default: `${root}docs/conformance.md` },
  },
})

const page = render(collect())
if (!options.check) writeFileSync(options.out, page)
else checkFile(options.out, page)

/** Fails, naming the first difference, if a file is not as it should be. */
function checkFile(path, wanted) {
  const found = readIfThere(path)
  if (found === wanted) return
  const [foundLines, wantedLines] = [found.split('\n'), wanted.split('\n')]
  const at = wantedLines.findIndex((line, i) => line !== foundLines[i])
  console.error(`docs/conformance.md is not what the citations say: run "npm run conformance" and commit the result.`)
  console.error(`  line ${(at < 0 ? wantedLines.length : at) + 1} is:        ${foundLines[at] ?? '(missing)'}`)
  console.error(`  and should be:    ${wantedLines[at] ?? '(nothing)'}`)
  process.exitCode = 1
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8').replaceAll('\r\n', '\n')
  } catch (error) {
    if (error.code === 'ENOENT') return ''
    throw error
  }
}

/** Document -> section -> where it is followed ("file" -> names of declarations) and which test files name it. */
function collect() {
  const documents = new Map()
  const entry = (document, section) => {
    if (!documents.has(document)) documents.set(document, new Map())
    const sections = documents.get(document)
    if (!sections.has(section)) sections.set(section, { sources: new Map(), tests: new Set() })
    return sections.get(section)
  }
  for (const file of filesIn('src', '.ts')) {
    for (const { document, section, owner } of sourceCitations(readFileSync(root + file, 'utf8'))) {
      const { sources } = entry(document, section)
      sources.set(file, (sources.get(file) ?? new Set()).add(owner))
    }
  }
  for (const file of filesIn('test', '.test.ts')) {
    for (const { document, section } of citationsIn(readFileSync(root + file, 'utf8'))) {
      entry(document, section).tests.add(file)
    }
  }
  return documents
}

function filesIn(folder, ending) {
  return readdirSync(root + folder, { recursive: true })
    .map(name => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter(name => name.endsWith(ending))
    .sort()
}

/** The citations in a text, each with its place. */
function* citationsIn(text) {
  const number = String.raw`§(?:\d+|[A-Z])(?:\.\d+)*`
  const pattern = new RegExp(
    String.raw`\b(RFC \d+|webrtc-[a-z]+|draft-[a-z\d-]+) (${number}(?:(?:, and|,| and| or) ${number})*)`,
    'g',
  )
  for (const { 1: document, 2: list, index } of text.matchAll(pattern)) {
    for (const [section] of list.matchAll(new RegExp(number, 'g'))) yield { document, section, index }
  }
}

/** The citations in the comments of a source file, each with the declaration that the comment is in or before. */
function* sourceCitations(text) {
  const lines = text.split('\n')
  const owners = ownersOf(lines)
  for (const [i, line] of lines.entries()) {
    for (const { document, section, index } of citationsIn(line)) {
      if (isComment(line)) yield { document, section, owner: owners[nextCode(lines, i)] ?? '' }
      else if (line.lastIndexOf('//', index) >= 0) yield { document, section, owner: owners[i] }
    }
  }
}

function isComment(line) {
  return /^\s*(?:\/\/|\/?\*)/.test(line)
}

function nextCode(lines, from) {
  let i = from
  while (i < lines.length && (isComment(lines[i]) || lines[i].trim() === '')) i++
  return i
}

/**
 * The name of the declaration that each line belongs to, `Class.member` within a class. The formatter makes this
 * simple: declarations begin at the margin, members two spaces in.
 */
function ownersOf(lines) {
  const declaration =
    /^(?:export )?(?:declare )?(?:abstract )?(?:async )?(function\*?|class|const|let|interface|type) ([\w$]+)/
  const member = /^ {2}(?:(?:readonly|static|override|async|get|set) |\*)*(#?[\w$]+|\[[\w.]+\])[(<:=;?! ]/
  let [top, inner, inClass] = ['', '', false]
  return lines.map(line => {
    const [, kind, name] = declaration.exec(line) ?? []
    if (name !== undefined) [top, inner, inClass] = [name, '', kind === 'class']
    else if (/^(?:import|export)\b/.test(line)) [top, inner, inClass] = ['', '', false]
    else if (inClass && !isComment(line)) inner = member.exec(line)?.[1] ?? inner
    return inner === '' ? top : `${top}.${inner}`
  })
}

function render(documents) {
  const parts = [
    '# Conformance',
    '',
    'Which section of which standard is followed where, and which tests name it. Generated from the citations in the',
    'code by `npm run conformance`; what is left out on purpose is in [deviations.md](deviations.md).',
  ]
  for (const document of [...documents.keys()].sort(byNumbers)) {
    parts.push('', `## ${document}`, '', '| Section | Followed in | Tested in |', '| --- | --- | --- |')
    const sections = documents.get(document)
    for (const section of [...sections.keys()].sort(byNumbers)) parts.push(row(section, sections.get(section)))
  }
  return `${parts.join('\n')}\n`
}

function row(section, { sources, tests }) {
  const followed = [...sources].map(([file, names]) => [`\`${file}\``, ...quoted(names)].join(' '))
  const tested = [...tests].map(file => `\`${file}\``)
  return `| ${section} | ${followed.join('<br>')} | ${tested.join('<br>')} |`
}

function quoted(names) {
  const list = [...names].filter(name => name !== '').sort()
  return list.length === 0 ? [] : [`(${list.join(', ')})`]
}

/** RFC 768 before RFC 1982, section 5.9 before 5.10, appendices last. */
function byNumbers(a, b) {
  return a.localeCompare(b, 'en', { numeric: true })
}

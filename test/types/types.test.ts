import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { interfaces } from '../../src/polyfill/interfaces.ts'
import {
  absentFromDom,
  constructorsNotForDom,
  constructorsNotFromDom,
  dictionariesNotForDom,
  missingFromDom,
  namesOfDomAlone,
  notForDom,
  withoutConstructor,
} from './differences.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
const names = Object.keys(interfaces)
const shared = names.filter(name => absentFromDom[name] === undefined)

/** Dictionaries that applications write down, as parameters or beside them. */
const dictionaries = [
  'RTCConfiguration',
  'RTCDataChannelInit',
  'RTCDtlsFingerprint',
  'RTCIceCandidateInit',
  'RTCIceCandidatePairStats',
  'RTCIceServer',
  'RTCInboundRtpStreamStats',
  'RTCLocalSessionDescriptionInit',
  'RTCOfferOptions',
  'RTCOutboundRtpStreamStats',
  'RTCReceivedRtpStreamStats',
  'RTCRtcpParameters',
  'RTCRtpCapabilities',
  'RTCRtpCodec',
  'RTCRtpCodecParameters',
  'RTCRtpContributingSource',
  'RTCRtpEncodingParameters',
  'RTCRtpHeaderExtensionCapability',
  'RTCRtpHeaderExtensionParameters',
  'RTCRtpReceiveParameters',
  'RTCRtpSendParameters',
  'RTCRtpStreamStats',
  'RTCRtpSynchronizationSource',
  'RTCRtpTransceiverInit',
  'RTCSentRtpStreamStats',
  'RTCSessionDescriptionInit',
  'RTCStats',
  'RTCTransportStats',
]

/** Types of an icefloe program that its source imports; whatever else is global. */
const dom = ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable']
const noDom = ['es2023']

describe('the declarations of the package, beside those of browsers in TypeScript', function () {
  // A compilation takes seconds where processors are shared.
  this.timeout(60_000)
  let folder: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'icefloe-types-'))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules', 'icefloe'), 'junction')
    symlinkSync(join(root, 'node_modules', '@types'), join(folder, 'node_modules', '@types'), 'junction')
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  /** @returns what the compiler says, declarations of the package included */
  function compile(source: string, lib: readonly string[], options: Readonly<Record<string, unknown>> = {}): string {
    writeFileSync(join(folder, 'case.mts'), source)
    const compilerOptions = {
      target: 'es2023',
      lib,
      module: 'nodenext',
      types: ['node'],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      ...options,
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['case.mts'] }))
    const { stdout, error } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' })
    assert.equal(error, undefined)
    return stdout
  }

  const browserCode = readFileSync(new URL('cases/browser-code.ts', import.meta.url), 'utf8')
  const used = names.filter(name => new RegExp(`\\b${name}\\b`).test(browserCode))
  const usedTypes = dictionaries.filter(name => new RegExp(`\\b${name}\\b`).test(browserCode))
  const imports = `import { ${[...used, ...usedTypes.map(name => `type ${name}`)].join(', ')} } from 'icefloe'\n`

  it('are needed: code for browsers compiles with lib.dom, and does not without it', () => {
    assert.equal(compile(browserCode, dom), '')
    assert.match(compile(browserCode, noDom), /Cannot find name 'RTCPeerConnection'/)
  })

  for (const [title, lib] of [
    ['with', dom],
    ['without', noDom],
  ] as const) {
    it(`let code for browsers compile unchanged, ${title} dom in lib`, () => {
      assert.equal(compile(imports + browserCode, lib), '')
      const strictest = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
      assert.equal(compile(imports + browserCode, lib, strictest), '')
    })
  }

  it('let lib.dom take the objects and constructors of icefloe, but for the differences on the list', () => {
    const lines = shared.flatMap(name => [
      ...statement(notForDom[name], `export const to${name} = (value: icefloe.${name}): ${name} => value`),
      ...(withoutConstructor.has(name)
        ? []
        : statement(
            constructorsNotForDom[name],
            `export const new${name}: typeof globalThis.${name} = icefloe.${name}`,
          )),
    ])
    assert.equal(compile(program([...lines, ...augmentation()]), dom), '')
  })

  it('let lib.dom take the objects of the interfaces that are used most, whatever it lacks', () => {
    const most = ['RTCPeerConnection', 'RTCDataChannel', 'RTCRtpSender', 'RTCRtpReceiver', 'RTCRtpTransceiver']
    const all = [...most, 'MediaStream', 'MediaStreamTrack', 'RTCStatsReport', 'RTCTrackEvent', 'RTCDataChannelEvent']
    const lines = all.map(name => `export const to${name} = (value: icefloe.${name}): ${name} => value`)
    assert.equal(compile(program(lines), dom), '')
  })

  it('let icefloe take the objects and constructors of lib.dom, once that has what the list says it lacks', () => {
    const lines = shared.flatMap(name => [
      `export const from${name} = (value: ${name}): icefloe.${name} => value`,
      ...(withoutConstructor.has(name)
        ? []
        : statement(
            constructorsNotFromDom[name],
            `export const new${name}: Type<typeof icefloe.${name}> = globalThis.${name}`,
          )),
    ])
    assert.equal(compile(program(['type Type<T> = T', ...lines, ...augmentation()]), dom), '')
  })

  it('let synthetic devices stand in for those of a browser, and take the constraints of lib.dom', () => {
    const lines = [
      "import * as testing from 'icefloe/testing'",
      'export const devices: MediaDevices = testing.mediaDevices',
      'export const info = (value: testing.MediaDeviceInfo): MediaDeviceInfo => value',
      'export const input = (value: testing.InputDeviceInfo): InputDeviceInfo => value',
      'export const constraints = (value: MediaStreamConstraints): testing.MediaStreamConstraints => value',
      'export const stream = async (): Promise<MediaStream> => testing.mediaDevices.getUserMedia({ audio: true })',
    ]
    assert.equal(compile(lines.join('\n'), dom), '')
  })

  it('are such that the constructors of icefloe can be made globals', () => {
    const globals = ['RTCPeerConnection', 'RTCDataChannel', 'RTCRtpSender', 'RTCIceCandidate', 'RTCSessionDescription']
    const lines = globals.map(name => `globalThis.${name} = icefloe.${name}`)
    const polyfill = "import { install } from 'icefloe/polyfill'\ninstall(globalThis, { force: true })[0]?.length"
    assert.equal(compile(program([...lines, polyfill]), dom), '')
  })

  it('agree with lib.dom on dictionaries, in both directions', () => {
    const lines = dictionaries.flatMap(name => [
      ...statement(dictionariesNotForDom[name], `export const to${name} = (value: icefloe.${name}): ${name} => value`),
      `export const from${name} = (value: ${name}): icefloe.${name} => value`,
    ])
    assert.equal(compile(program([...lines, ...augmentation()]), dom), '')
  })

  it('have a type for each name of WebRTC in lib.dom, but for those on the list', () => {
    assert.equal(compile('export {}\n', dom), '')
    const resolved = spawnSync(process.execPath, [compiler, '--listFiles', '-p', folder], { encoding: 'utf8' })
    const file = resolved.stdout.split('\n').find(line => line.endsWith('lib.dom.d.ts'))
    assert.ok(file, 'the program before this one has it in its lib')
    const declarations = readFileSync(file, 'utf8').matchAll(/^(?:interface|type|declare var) (RTC\w+)\b/gm)
    const inDom = [...new Set([...declarations].map(([, name = '']) => name))]
    assert.ok(inDom.includes('RTCPeerConnection'))
    // An import of a type is not one of its use: its parameters may be left open.
    const lines = inDom.flatMap(name =>
      statement(namesOfDomAlone[name], `import type { ${name} as _${name} } from 'icefloe'`),
    )
    assert.equal(compile(program(lines), dom), '')
  })

  it('have every member that the list says lib.dom lacks, and it lacks them still', () => {
    const lines = Object.entries(missingFromDom).flatMap(([type, members]) =>
      Object.entries(members).flatMap(([member, source]) => [
        `export type Own_${type}_${member} = icefloe.${type}['${member}']`,
        ...statement(source, `export type Dom_${type}_${member} = ${type}['${member}']`),
      ]),
    )
    const absent = Object.entries(absentFromDom).flatMap(([name, source]) => [
      `export type Own_${name} = icefloe.${name}`,
      ...statement(source, `export type Dom_${name} = ${name}`),
    ])
    assert.equal(compile(program([...lines, ...absent]), dom), '')
  })
})

/** A statement; one that must not compile, if there is a reason. */
function statement(reason: string | undefined, text: string): string[] {
  return reason === undefined ? [text] : [`// @ts-expect-error ${reason}`, text]
}

function program(lines: readonly string[]): string {
  return ["import * as icefloe from 'icefloe'", ...lines, ''].join('\n')
}

/** Adds to lib.dom what it lacks. */
function augmentation(): string[] {
  const added = Object.entries(missingFromDom).map(([type, members]) => {
    const declared = Object.keys(members).map(member => `${member}: icefloe.${type}['${member}']`)
    return `  interface ${type} { ${declared.join('; ')} }`
  })
  return ['declare global {', ...added, '}']
}

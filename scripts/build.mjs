// Builds the package into dist/: declarations by the compiler, one file of code for each entry and for what they share.
//
// A module of its own for each source file would cost half a millisecond each at import; see docs/decisions/0006-bundled-entries.md.
import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')

rmSync(join(root, 'dist'), { recursive: true, force: true })
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
declareByStructure(join(root, 'dist', 'pc'))
await build({
  absWorkingDir: root,
  entryPoints: [
    ...[
      'index',
      'ice/index',
      'dtls/index',
      'dtls/noble',
      'rtp/index',
      'srtp/index',
      'sctp/index',
      'sdp/index',
      'testing/index',
      'turn-server/index',
      'polyfill/index',
      'compat/wrtc',
      'compat/node-datachannel-polyfill',
      'compat/webrtc-polyfill',
    ].map(entry => ({
      in: `src/${entry}.ts`,
      out: entry,
    })),
    { in: 'src/cli/index.ts', out: 'cli' },
    { in: 'src/pc/identity/index.ts', out: 'identity' },
    { in: 'src/pc/encoded-transform/worker.ts', out: 'worker' },
  ],
  outbase: 'src',
  outdir: 'dist',
  chunkNames: 'shared/[hash]',
  bundle: true,
  splitting: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: true,
  logLevel: 'warning',
})
// The program `icefloe`: it begins with a line that says what runs it.
chmodSync(join(root, 'dist', 'cli.js'), 0o755)

/**
 * Takes from the declarations of the W3C's interfaces that they have private members: with these a class is compared by
 * its name, and a browser's RTCPeerConnection, which TypeScript's lib.dom declares, could not be given to code that is
 * written against icefloe.
 */
function declareByStructure(folder) {
  const interfaces = /^export declare class (?:RTC|MediaStream|OverconstrainedError)[^\n]*\{$[\s\S]*?^\}$/gm
  for (const file of readdirSync(folder, { recursive: true }).filter(each => each.endsWith('.d.ts'))) {
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8')
    const structural = text.replace(interfaces, declaration => declaration.replace(/^ *#private;\n/m, ''))
    if (structural !== text) writeFileSync(path, structural)
  }
}

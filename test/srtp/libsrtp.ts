import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { MasterKey, SrtpProfile } from '../../src/srtp/index.ts'
import { requireProgram, skipOrFail } from '../dtls/program.ts'
import { hex, text } from './support.ts'

const header = '/usr/include/srtp2/srtp.h'
const source = fileURLToPath(new URL('./libsrtp-peer.c', import.meta.url))

export interface LibSrtpOptions {
  readonly mki?: Uint8Array
  readonly encryptedExtensions?: readonly number[]
  /** Any, if left out. */
  readonly ssrc?: number
}

/** libsrtp in a process of its own. Compiled when it is first needed; without its headers or a compiler, tests are skipped. */
export class LibSrtp {
  readonly #directory: string
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: ((line: string) => void)[] = []

  static start(context: Mocha.Context): LibSrtp {
    requireProgram(context, 'cc')
    if (!existsSync(header)) skipOrFail(context, `there is no ${header}`)
    const directory = mkdtempSync(join(tmpdir(), 'libsrtp-'))
    const command = join(directory, 'peer')
    const { status, stderr } = spawnSync('cc', ['-O1', '-Wall', '-o', command, source, '-lsrtp2'], { encoding: 'utf8' })
    if (status !== 0) {
      rmSync(directory, { recursive: true })
      throw new Error(stderr)
    }
    return new LibSrtp(directory, command)
  }

  private constructor(directory: string, command: string) {
    this.#directory = directory
    this.#child = spawn(command)
    createInterface(this.#child.stdout).on('line', line => this.#waiting.shift()?.(line))
    this.#child.on('exit', () => {
      for (const answer of this.#waiting.splice(0)) answer('error: it has ended')
    })
    this.#child.stdin.on('error', () => {})
  }

  async create(
    direction: 'send' | 'receive',
    profile: SrtpProfile,
    { key, salt }: MasterKey,
    { mki, encryptedExtensions, ssrc }: LibSrtpOptions = {},
  ): Promise<LibSrtpSession> {
    const optional = (bytes: Uint8Array): string => (bytes.length === 0 ? '-' : text(bytes))
    const answer = await this.ask(
      ...['new', direction, ssrc === undefined ? '-' : ssrc.toString(16), String(profile.id), text(key) + text(salt)],
      ...[optional(mki ?? hex('')), optional(Uint8Array.from(encryptedExtensions ?? []))],
    )
    if (!/^\d+$/.test(answer)) throw new Error(answer)
    return new LibSrtpSession(this, answer)
  }

  async ask(...words: readonly string[]): Promise<string> {
    const answer = new Promise<string>(resolve => this.#waiting.push(resolve))
    this.#child.stdin.write(`${words.join(' ')}\n`)
    return await answer
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.stdin.end()
    await exit
    rmSync(this.#directory, { recursive: true })
  }
}

/** Either way of one session. An answer is the packet in hex, or `error` with the number that libsrtp has for it. */
export class LibSrtpSession {
  readonly #peer: LibSrtp
  readonly #number: string

  constructor(peer: LibSrtp, number: string) {
    this.#peer = peer
    this.#number = number
  }

  async setRolloverCounter(ssrc: number, roc: number): Promise<void> {
    const answer = await this.#peer.ask('roc', this.#number, ssrc.toString(16), String(roc))
    if (answer !== 'ok') throw new Error(answer)
  }

  protect(packet: Uint8Array): Promise<string> {
    return this.#peer.ask('protect', this.#number, text(packet))
  }

  unprotect(packet: Uint8Array): Promise<string> {
    return this.#peer.ask('unprotect', this.#number, text(packet))
  }

  protectRtcp(packet: Uint8Array): Promise<string> {
    return this.#peer.ask('protect-rtcp', this.#number, text(packet))
  }

  unprotectRtcp(packet: Uint8Array): Promise<string> {
    return this.#peer.ask('unprotect-rtcp', this.#number, text(packet))
  }
}

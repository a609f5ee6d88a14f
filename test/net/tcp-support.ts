import type { TcpConnection, TcpFailure, TcpHandler } from '../../src/base/environment.ts'

/** One end of a connection, and what it was told. */
export class Recorder implements TcpHandler {
  readonly received: Uint8Array[] = []
  readonly failures: (TcpFailure | undefined)[] = []
  connection: TcpConnection | undefined
  connections = 0

  connected(): void {
    this.connections++
  }

  receive(data: Uint8Array): void {
    this.received.push(data)
  }

  closed(failure?: TcpFailure): void {
    this.failures.push(failure)
  }

  get isClosed(): boolean {
    return this.failures.length > 0
  }

  get bytes(): Buffer {
    return Buffer.concat(this.received)
  }

  get text(): string {
    return this.bytes.toString()
  }
}

export function text(content: string): Uint8Array {
  return Buffer.from(content)
}

/** A server under test. */
export interface BenchServer {
  readonly name: string
  readonly version: string
  readonly pid: number
  readonly port: number
  readonly app: string
  /** Everything published is in its file when it resolves. Gives the access units known to be lost; undefined: unknown. */
  settle(): Promise<number | undefined>
  /** Bytes of all files written. */
  writtenBytes(): number
  stop(): Promise<void>
}

export class MissingPeerError extends Error {
  constructor(peer: string, install: string) {
    super(`${peer} is not installed, so there is nothing to compare with: ${install}`)
  }
}

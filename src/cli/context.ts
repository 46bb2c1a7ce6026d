import type { Config, ListenAddress } from '#config/config.ts'
import type { FacadeDeclaration } from '#config/facade.ts'
import type { Container, ContainerName } from '#containers/container.ts'

import type { ExitCode } from './exit-code.ts'

/** A server started in this process. */
export interface RunningServer {
  /** Where it really listens: ports given as 0 are the free ones found. Undefined: off. */
  readonly addresses: {
    readonly api: ListenAddress
    readonly rtmp: ListenAddress | undefined
    readonly rtmps: ListenAddress | undefined
    readonly rtsp: ListenAddress | undefined
    readonly rtsps: ListenAddress | undefined
    /** UDP, for media of browsers. */
    readonly webrtc: ListenAddress | undefined
  }
  /** Of every enabled facade, by its name and what the door is for. */
  readonly facadeAddresses: Readonly<Record<string, Readonly<Record<string, ListenAddress>>>>
  /** Finishes all recordings, then lets go of everything. Idempotent. */
  close(): Promise<void>
}

/** How main.ts starts a server; the command line knows no other part of it. */
export type StartServer = (config: Config, options?: StartOptions) => Promise<RunningServer>

/** What a configuration does not say. */
export interface StartOptions {
  /** The data folder is new and will be thrown away: files in the recording root are none of this server's business. */
  readonly isThrowaway?: boolean
}

/** What a command may touch of the process it runs in. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** What may stand below `facades` in the configuration. */
  readonly facades: readonly FacadeDeclaration[]
  /** For results: a line each. */
  readonly print: (line: string) => void
  /** For everything else: progress, warnings, errors. */
  readonly note: (line: string) => void
  /** Rewrites one line in place on a terminal; undefined when there is none. */
  readonly progress: ((line: string) => void) | undefined
  readonly startServer: StartServer
  /** Loaded when first needed: most commands do without. */
  readonly containers: () => Promise<Readonly<Record<ContainerName, Container>>>
  /** For results that are no failure and yet not ok; the last call wins. */
  readonly setExitCode: (code: ExitCode) => void
  /** Calls back at each SIGINT or SIGTERM until disposed. */
  readonly onInterrupt: (listener: () => void) => Disposable
}

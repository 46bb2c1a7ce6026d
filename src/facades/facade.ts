import type { Runtime } from '#base/runtime.ts'
import type { ListenAddress } from '#config/config.ts'
import type { FacadeDeclaration, FacadeKeys } from '#config/facade.ts'
import type { ValuesOf } from '#config/key.ts'
import type { Control } from '#control/control.ts'
import type { RtmpExtension } from '#ingest/rtmp/extension.ts'

/** What a facade works with: the product's commands and queries, and a place of its own. */
export interface FacadeContext {
  readonly runtime: Runtime
  readonly control: Control
  /** Absolute paths of the allowed recording roots; the first takes new recordings. */
  readonly roots: readonly string[]
  /** Folder of this facade's own state; exists. */
  readonly data: string
  readonly version: string
}

/**
 * A facade that runs. It ends in two steps, with the end of all recordings in between: its doors close, then it is
 * disposed. What it started in the core goes on unless its own rules say else.
 */
export interface RunningFacade extends AsyncDisposable {
  /** Where it really listens, by what the door is for. */
  readonly addresses: Readonly<Record<string, ListenAddress>>
  /** What it adds to RTMP sessions. At most one of the facades that are enabled may. */
  readonly rtmp?: RtmpExtension
  /**
   * Takes no command any more. What becomes of recordings it goes on following, and telling, until it is disposed: the
   * end of the server finishes files as well.
   */
  closeDoors(): Promise<void>
}

/** One vendor's language over the product's commands. */
export interface Facade {
  readonly name: string
  /** Opens its doors. @throws TapedeckError a port is taken, a file it needs can't be read */
  start(settings: unknown, context: FacadeContext): Promise<RunningFacade>
}

/** A facade whose functions see the values of its declaration's keys. */
export function implementFacade<Keys extends FacadeKeys>(
  declaration: FacadeDeclaration & { readonly keys: Keys },
  implementation: { start(settings: ValuesOf<Keys>, context: FacadeContext): Promise<RunningFacade> },
): Facade {
  return {
    name: declaration.name,
    // The configuration was read with the declaration's keys.
    start: (settings, context) => implementation.start(settings as ValuesOf<Keys>, context),
  }
}

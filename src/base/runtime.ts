/** Structured logger: the event name is stable, the fields are facts. pino satisfies it. */
export interface Logger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  child(fields: Record<string, unknown>): Logger
}

/** Everything from outside that the server's objects need; passed in, never imported, so that tests own time and ids. */
export interface Runtime {
  /** Wall clock for names and the catalog, milliseconds since 1970 UTC. */
  readonly nowMs: () => number
  /** For durations and timeouts; never jumps. Milliseconds. */
  readonly monotonicMs: () => number
  /** A new id: unique without coordination, sortable by time (see base/id.ts). */
  readonly newId: () => string
  readonly log: Logger
}

/** Swallows everything: for tests and tools that report otherwise. */
export const SILENT_LOGGER: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => SILENT_LOGGER,
}

/** Whose fault an error is: decides log level, HTTP status class and whether a retry makes sense. */
export type ErrorOrigin = 'client' | 'publisher' | 'operator' | 'storage' | 'internal'

/**
 * Base of every error Tapedeck throws on purpose. Subclasses add the facts as fields and put the next step in the
 * message. Each code has an entry in docs/reference/errors.md, compared by a test.
 */
export abstract class TapedeckError extends Error {
  /** Stable and documented, `area/what-happened`: branch on this. The message is for people and may change. */
  abstract readonly code: string
  abstract readonly origin: ErrorOrigin

  override get name(): string {
    return this.constructor.name
  }
}

/** The code of any thrown value, for logs and API answers. Foreign errors give `internal/unexpected`. */
export function errorCode(error: unknown): string {
  return error instanceof TapedeckError ? error.code : 'internal/unexpected'
}

/** The message of any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

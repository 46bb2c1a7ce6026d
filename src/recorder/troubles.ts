import { errorCode, errorMessage, TapedeckError } from '#base/error.ts'
import type { ProblemDocument } from '#storage/recording-document.ts'

/** An error as documents carry it. */
export function problemOf(error: unknown): ProblemDocument {
  return { code: errorCode(error), message: errorMessage(error) }
}

/** How an error is logged: what the caller asked for in vain, such as a name that is taken, is nobody's alarm. */
export function severityOf(error: unknown): 'warn' | 'error' {
  return error instanceof TapedeckError && error.origin === 'client' ? 'warn' : 'error'
}

/** What is wrong with a recording right now, by the part that has it: one part's recovery doesn't hide another's trouble. */
export class Troubles<Owner> {
  readonly #problems = new Map<Owner, ProblemDocument>()

  /** The newest; null when all is well. */
  get current(): ProblemDocument | null {
    return [...this.#problems.values()].at(-1) ?? null
  }

  /** True when there was no trouble with this code. */
  add(owner: Owner, error: unknown): boolean {
    const problem = problemOf(error)
    const isNew = this.current?.code !== problem.code
    this.#problems.delete(owner)
    this.#problems.set(owner, problem)
    return isNew
  }

  /** True when this was the last trouble. */
  remove(owner: Owner): boolean {
    return this.#problems.delete(owner) && this.#problems.size === 0
  }
}

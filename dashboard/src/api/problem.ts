import type { FieldProblem, ProblemBody } from './documents.ts'

/** The server refused, and said why. */
export class ProblemError extends Error {
  readonly status: number
  /** Stable, see docs/reference/errors.md; empty when the answer was no problem document. */
  readonly code: string
  /** What is wrong with which field of the request; empty when it is not about fields. */
  readonly problems: readonly FieldProblem[]

  constructor(status: number, body: ProblemBody) {
    super(body.detail ?? body.title ?? `The server answered with status ${status}.`)
    this.name = 'ProblemError'
    this.status = status
    this.code = body.code ?? ''
    this.problems = Array.isArray(body.problems) ? body.problems : []
  }
}

/** The server could not be reached or did not answer in time. */
export class UnreachableError extends Error {
  constructor(cause: unknown) {
    super('The server does not answer. Trying again…', { cause })
    this.name = 'UnreachableError'
  }
}

/** Reads the problem out of an answer that was not OK, whatever its body. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const text = await response.text().catch(() => '')
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null) return new ProblemError(response.status, body)
  } catch {
    // A proxy in between may answer with a page of its own; the status is all there is to say then.
  }
  return new ProblemError(response.status, {})
}

import { TapedeckError } from '#base/error.ts'

/** Nobody here knows the protocol. */
export class PullSchemeError extends TapedeckError {
  readonly code = 'pull/scheme-unknown'
  readonly origin = 'client'
  readonly scheme: string
  readonly known: readonly string[]
  constructor(scheme: string, known: readonly string[]) {
    super(`${JSON.stringify(scheme.slice(0, 50))} can't be pulled: use ${known.map((each) => `${each}://`).join(', ')}`)
    this.scheme = scheme
    this.known = known
  }
}

export class PullNotFoundError extends TapedeckError {
  readonly code = 'pull/not-found'
  readonly origin = 'client'
  readonly id: string
  constructor(id: string) {
    super(`there is no pull ${id}: see GET /api/v1/pulls`)
    this.id = id
  }
}

export class PullReadOnlyError extends TapedeckError {
  readonly code = 'pull/read-only'
  readonly origin = 'client'
  readonly id: string
  constructor(id: string) {
    super(`pull ${id} comes from the configuration file: change it there, under pulls, and restart`)
    this.id = id
  }
}

export class TooManyPullsError extends TapedeckError {
  readonly code = 'pull/too-many'
  readonly origin = 'client'
  readonly limit: number
  constructor(limit: number) {
    super(`there are ${limit} pulls, which is the limit: remove one, or raise limits.pulls`)
    this.limit = limit
  }
}

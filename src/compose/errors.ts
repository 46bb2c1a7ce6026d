import { TapedeckError } from '#base/error.ts'

/** The machine has no room for another composition: all of them would stutter. */
export class ComposerBusyError extends TapedeckError {
  readonly code = 'compose/busy'
  readonly origin = 'operator'
  /** CPU cores: what running compositions take, what another one would, and what there is for them. */
  readonly usedCores: number
  readonly wantedCores: number
  readonly capacityCores: number
  constructor(usedCores: number, wantedCores: number, capacityCores: number) {
    const text = (cores: number) => cores.toFixed(2)
    super(
      `compositions take ${text(usedCores)} of ${text(capacityCores)} cores, another one would take ${text(wantedCores)}: end one, or ask for a smaller picture`,
    )
    this.usedCores = usedCores
    this.wantedCores = wantedCores
    this.capacityCores = capacityCores
  }
}

/** A composition could not be started, or its process ended again and again. */
export class ComposerFailedError extends TapedeckError {
  readonly code = 'compose/failed'
  readonly origin = 'internal'
  readonly output: string
  constructor(output: string, reason: string) {
    super(`${output} can't be composed: ${reason}; see the log for what the composing process said`)
    this.output = output
  }
}

/** The process that composes ended by itself, or was ended because it did not answer. */
export class ComposingEndedError extends TapedeckError {
  readonly code = 'compose/process-ended'
  readonly origin = 'internal'
  /** Of its own doing, as far as anybody can tell: not killed from outside. */
  readonly isCrash: boolean
  constructor(how: string, said: string, isCrash: boolean) {
    super(`the process that composes ${how}${said.trim() === '' ? '' : `: ${said.trim()}`}; another one goes on`)
    this.isCrash = isCrash
  }
}

/** What is asked for is no composition. */
export class CompositionRequestError extends TapedeckError {
  readonly code = 'compose/bad-request'
  readonly origin = 'client'
  readonly field: string
  constructor(field: string, problem: string) {
    super(`${field} ${problem}`)
    this.field = field
  }
}

/** No composition has this id. */
export class CompositionNotFoundError extends TapedeckError {
  readonly code = 'compose/not-found'
  readonly origin = 'client'
  readonly id: string
  constructor(id: string) {
    super(`there is no composition ${id}: list those that are with GET /api/v1/compositions`)
    this.id = id
  }
}

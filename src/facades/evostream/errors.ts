import { TapedeckError } from '#base/error.ts'

/** A command that can't be carried out. The message is the vendor's own text: its clients compare it. */
export class EvoCommandError extends TapedeckError {
  readonly code = 'evostream/command-failed'
  readonly origin = 'client'

  constructor(description: string, cause?: unknown) {
    super(description, { cause })
  }
}

/** What every reason but a bad parameter is called. */
export const UNABLE_TO_RECORD = 'Unable to record stream'

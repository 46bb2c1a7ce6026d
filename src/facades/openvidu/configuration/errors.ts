import { TapedeckError } from '#base/error.ts'

/** One property that can't be followed. */
export interface PropertyProblem {
  readonly name: string
  /** Never of a secret. */
  readonly found: string
  readonly expected: string
}

/** Properties that can't be followed, all at once. */
export class OpenViduPropertiesError extends TapedeckError {
  readonly code = 'openvidu/properties-invalid'
  readonly origin = 'operator'
  readonly problems: readonly PropertyProblem[]
  constructor(source: string, problems: readonly PropertyProblem[]) {
    const lines = problems.map(({ name, found, expected }) => `${name}=${found}: expected ${expected}`)
    super(
      `${source} can't be followed: ${lines.join('; ')}. Change the lines there, or give other values in facades.openvidu.override`,
    )
    this.problems = problems
  }
}

/** The recording path is a folder that Tapedeck may not write to. */
export class RecordingPathError extends TapedeckError {
  readonly code = 'openvidu/recording-path-not-allowed'
  readonly origin = 'operator'
  readonly path: string
  constructor(path: string, roots: readonly string[], cause?: unknown) {
    const why = cause instanceof Error ? ` (${cause.message})` : ''
    super(
      `can't record to ${path}, the OPENVIDU_RECORDING_PATH${why}: make it a writable folder in one of the recording roots (${roots.join(', ')}), or add it to recordings.root`,
      { cause },
    )
    this.path = path
  }
}

/** With the secret that every sample of the vendor's has, anybody is the application. */
export class SampleSecretError extends TapedeckError {
  readonly code = 'openvidu/sample-secret'
  readonly origin = 'operator'
  readonly host: string
  constructor(host: string) {
    super(
      `facades.openvidu.listen is ${host}, and the secret is the vendor's sample: set facades.openvidu.secret, or listen on 127.0.0.1`,
    )
    this.host = host
  }
}

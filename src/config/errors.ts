import { TapedeckError } from '#base/error.ts'
import { type ConfigProblem, problemLine } from './problem.ts'

/** Keys, values or combinations that can't be used; all of them at once. */
export class ConfigInvalidError extends TapedeckError {
  readonly code = 'config/invalid'
  readonly origin = 'operator'
  readonly problems: readonly ConfigProblem[]
  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    super(`${count} in the configuration:\n${problems.map((problem) => `  ${problemLine(problem)}`).join('\n')}`)
    this.problems = problems
  }
}

/** The file named with --config or TAPEDECK_CONFIG can't be read. */
export class ConfigFileError extends TapedeckError {
  readonly code = 'config/file-unreadable'
  readonly origin = 'operator'
  readonly path: string
  constructor(path: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`can't read the configuration file ${path} (${reason}): correct --config or TAPEDECK_CONFIG`, { cause })
    this.path = path
  }
}

/** --like names no profile. */
export class UnknownProfileError extends TapedeckError {
  readonly code = 'config/profile-unknown'
  readonly origin = 'operator'
  readonly profile: string
  constructor(profile: string, known: readonly string[]) {
    super(`there is no profile ${JSON.stringify(profile)}: --like takes ${known.join(', ')}`)
    this.profile = profile
  }
}

/** A listener that strangers can reach, and nothing they would have to prove (promise 8). */
export class OpenToStrangersError extends TapedeckError {
  readonly code = 'config/open-to-strangers'
  readonly origin = 'operator'
  readonly listeners: readonly string[]
  /** YAML that closes the door. */
  readonly linesToAdd: string
  constructor(listeners: readonly string[], linesToAdd: string) {
    super(
      `${listeners.join(' and ')} would accept anybody beyond this machine. Listen on 127.0.0.1, or add to tapedeck.yaml:\n\n${linesToAdd}`,
    )
    this.listeners = listeners
    this.linesToAdd = linesToAdd
  }
}

/** A folder of the configuration that is not there and can't be made. */
export class FolderUnusableError extends TapedeckError {
  readonly code = 'config/folder-unusable'
  readonly origin = 'operator'
  readonly key: string
  readonly path: string
  constructor(key: string, path: string, cause: unknown) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    super(`${key} ${path} can't be made (${reason}): correct it, or make the folder and see that it can be written`, {
      cause,
    })
    this.key = key
    this.path = path
  }
}

import { CommanderError } from 'commander'
import { errorCode } from '#base/error.ts'

/** What the shell is told. Documented in docs/reference/cli.md. */
export const ExitCode = {
  ok: 0,
  /** Something went wrong that no other number names. */
  failed: 1,
  /** The command line or the configuration can't be used. */
  usage: 2,
  /** No such recording, stream or file. */
  notFound: 3,
  /** `verify` found something wrong with what it looked at. */
  findings: 4,
  /** No server answers at the address. */
  unreachable: 5,
  /** The server wants a credential, or another one. */
  refused: 6,
} as const
/** One of {@link ExitCode}. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

const BY_CODE: Readonly<Record<string, ExitCode>> = {
  'cli/server-unreachable': ExitCode.unreachable,
  'cli/file-not-found': ExitCode.notFound,
  'cli/recording-not-known': ExitCode.notFound,
  'storage/vanished': ExitCode.notFound,
}

/** The exit code for whatever ended a command. Answers of a server bring their HTTP status. */
export function exitCodeFor(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage
  if (error instanceof Error && 'httpStatus' in error) {
    if (error.httpStatus === 401 || error.httpStatus === 403) return ExitCode.refused
    if (error.httpStatus === 404) return ExitCode.notFound
    if (error.httpStatus === 400 || error.httpStatus === 422) return ExitCode.usage
    return ExitCode.failed
  }
  const code = errorCode(error)
  if (code.startsWith('config/') || code.startsWith('cli/usage')) return ExitCode.usage
  return BY_CODE[code] ?? ExitCode.failed
}

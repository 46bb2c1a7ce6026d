import type { Compat } from '../configuration/settings.ts'

/** Ids are numbered up to here; whoever has more of one session has another trouble. */
const MAX_NUMBER = 1_000_000

/**
 * Id of a new recording of a session: the session's own, or with the lowest free number. spec section 4.2.
 * @param taken of those that run, and what is on disk
 */
export function newRecordingId(sessionId: string, compat: Compat, taken: ReadonlySet<string>): string {
  const separator = compat === 'classic' ? '-' : '~'
  let id = sessionId
  for (let number = 1; taken.has(id) && number < MAX_NUMBER; number++) id = `${sessionId}${separator}${number}`
  return id
}

/**
 * Name of a media file, without extension, that overwrites nothing. spec section 4.2.
 * @param taken names there are, without extensions
 */
export function freeFileName(name: string, taken: ReadonlySet<string>): string {
  let free = name
  for (let number = 1; taken.has(free) && number < MAX_NUMBER; number++) free = `${name}~${number}`
  return free
}

import { TapedeckError } from '#base/error.ts'

/** There is no room of this id, or no more. */
export class SessionNotFoundError extends TapedeckError {
  readonly code = 'session/not-found'
  readonly origin = 'client'
  readonly sessionId: string
  constructor(sessionId: string) {
    super(`there is no session ${JSON.stringify(sessionId)}: create it first, or list those there are`)
    this.sessionId = sessionId
  }
}

export class SessionExistsError extends TapedeckError {
  readonly code = 'session/exists'
  readonly origin = 'client'
  readonly sessionId: string
  constructor(sessionId: string) {
    super(`there is a session ${JSON.stringify(sessionId)} already: join it, or choose another id`)
    this.sessionId = sessionId
  }
}

/** Ids become parts of stream paths and of file names. */
export class SessionIdInvalidError extends TapedeckError {
  readonly code = 'session/id-invalid'
  readonly origin = 'client'
  readonly id: string
  constructor(what: string, id: string) {
    super(`${JSON.stringify(id)} can't be the id of a ${what}: use up to 200 letters, digits, _, - and ~`)
    this.id = id
  }
}

export class SessionTokenError extends TapedeckError {
  readonly code = 'session/token-invalid'
  readonly origin = 'client'
  readonly sessionId: string
  constructor(sessionId: string) {
    super(`the token is unknown in session ${sessionId}, or was used: ask for a new one`)
    this.sessionId = sessionId
  }
}

export class SessionRoleError extends TapedeckError {
  readonly code = 'session/role-forbidden'
  readonly origin = 'client'
  readonly role: string
  constructor(role: string, what: string) {
    super(`a ${role} may not ${what}: join with a token of another role`)
    this.role = role
  }
}

/** An id that is taken in its room, or a participant who publishes as much as he may. */
export class SessionConflictError extends TapedeckError {
  readonly code = 'session/conflict'
  readonly origin = 'client'
  constructor(reason: string) {
    super(`${reason}: choose another id, or end the other one first`)
  }
}

export class TooManySessionsError extends TapedeckError {
  readonly code = 'session/too-many'
  readonly origin = 'operator'
  readonly limit: number
  constructor(what: string, limit: number) {
    super(`there are ${limit} ${what}, which is the limit: end some of them`)
    this.limit = limit
  }
}

export class SessionRecordedAlreadyError extends TapedeckError {
  readonly code = 'session/recorded-already'
  readonly origin = 'client'
  readonly sessionId: string
  constructor(sessionId: string) {
    super(`session ${sessionId} is being recorded already: stop that recording first`)
    this.sessionId = sessionId
  }
}

export class SessionNotRecordedError extends TapedeckError {
  readonly code = 'session/not-recorded'
  readonly origin = 'client'
  readonly sessionId: string
  constructor(sessionId: string) {
    super(`session ${sessionId} is not being recorded: start a recording first`)
    this.sessionId = sessionId
  }
}

/** Nothing here composes pictures of several streams. */
export class ComposingUnavailableError extends TapedeckError {
  readonly code = 'session/composing-unavailable'
  readonly origin = 'operator'
  constructor() {
    super('nothing on this server composes one picture of several streams: record every stream by itself (individual)')
  }
}

import { Session, type SessionOptions } from './session.ts'

export * from './index.ts'

/** Below the server's address there is a folder, and in it this file. */
const here = import.meta.url

/** A session with a server: the one this module came from, unless `url` names another. */
export function createSession(options: Partial<SessionOptions> = {}): Session {
  return new Session({ url: new URL('../', here), ...options })
}

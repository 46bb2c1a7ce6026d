import { Session, type SessionOptions } from './session.ts'

export * from './index.ts'

/** Only known while the script runs for the first time. Below the server's address there is a folder, and in it this file. */
const here = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : location.href

/** A session with a server: the one this script came from, unless `url` names another. */
export function createSession(options: Partial<SessionOptions> = {}): Session {
  return new Session({ url: new URL('../', here), ...options })
}

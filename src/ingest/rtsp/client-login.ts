import { randomBytes } from 'node:crypto'
import {
  answerChallenge,
  type Challenge,
  type Login,
  parseChallenges,
  strongestChallenge,
} from '#protocols/rtsp/authentication.ts'

/** What a client answers to those who ask who it is: remembers the last challenge and counts the answers to it. */
export class ClientLogin {
  readonly #login: Login
  #challenge: Challenge | undefined
  #answers = 0

  constructor(login: Login) {
    this.#login = login
  }

  /** The `Authorization` of a request; undefined while nobody has asked. */
  answer(method: string, uri: string): string | undefined {
    if (this.#challenge === undefined) return undefined
    const clientNonce = randomBytes(8).toString('hex')
    return answerChallenge(this.#challenge, this.#login, { method, uri }, ++this.#answers, clientNonce)
  }

  /**
   * Takes the challenges of a 401. False: there is no use in answering, because there is no login, nobody here can
   * answer them, or they were answered already. A new nonce is worth another try: cameras let them expire, and few say so.
   */
  challenged(fields: readonly string[]): boolean {
    const challenge = strongestChallenge(parseChallenges(fields))
    if (challenge === undefined || (this.#login.user === '' && this.#login.password === '')) return false
    const before = this.#challenge
    this.#challenge = challenge
    if (before === undefined) return true
    const isNew = before.scheme !== challenge.scheme || before.nonce !== challenge.nonce
    if (isNew) this.#answers = 0
    return isNew || challenge.isStale
  }
}

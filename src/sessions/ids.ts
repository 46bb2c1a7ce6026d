import { randomInt } from 'node:crypto'
import { SessionIdInvalidError } from './errors.ts'

const FORM = /^[\w~-]{1,200}$/
const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Since ids become parts of paths and file names. @throws {SessionIdInvalidError} */
export function checkId(what: string, id: string): string {
  if (!FORM.test(id)) throw new SessionIdInvalidError(what, id)
  return id
}

/** Letters and digits that nobody can guess, from 16 characters (95 bits) on. */
export function randomText(characters: number): string {
  let text = ''
  for (let i = 0; i < characters; i++) text += LETTERS_AND_DIGITS.charAt(randomInt(LETTERS_AND_DIGITS.length))
  return text
}

import { readFile } from 'node:fs/promises'
import { errorMessage } from '#base/error.ts'
import type { WowzaSettings } from './declaration.ts'
import { PasswordFileError } from './errors.ts'

/**
 * Passwords by user name, from the configuration and a file like admin.password: a name, a password and perhaps groups
 * on each line, `#` before comments.
 * @throws {PasswordFileError}
 */
export async function loadUsers({
  users,
  passwordFile,
}: Pick<WowzaSettings, 'users' | 'passwordFile'>): Promise<ReadonlyMap<string, string>> {
  const passwords = new Map(users.map(({ name, password }) => [name, password]))
  if (passwordFile === '') return passwords
  const text = await readFile(passwordFile, 'utf8').catch((error: unknown) => {
    throw new PasswordFileError(passwordFile, errorMessage(error), error)
  })
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const [name = '', password = '', , encoding = ''] = line.trim().split(/\s+/)
    if (password === '') throw new PasswordFileError(passwordFile, `line ${index + 1} has no password`)
    if (/bcrypt|digest/i.test(encoding) || password.startsWith('$2')) {
      throw new PasswordFileError(passwordFile, `line ${index + 1} holds a hashed password, which can't be used`)
    }
    passwords.set(name, password)
  }
  return passwords
}

import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { PageBrowserMissingError } from './errors.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/**
 * The browser to use.
 * @param configured a path, or a name that PATH has; empty: whichever there is
 * @param path of the environment
 * @throws {PageBrowserMissingError}
 */
export async function findBrowser(configured: string, path = process.env['PATH'] ?? ''): Promise<string> {
  const names = configured === '' ? NAMES : [configured]
  for (const name of names) {
    const candidates = name.includes('/')
      ? [name]
      : path.split(delimiter).flatMap((folder) => (folder === '' ? [] : [join(folder, name)]))
    for (const candidate of candidates) {
      const isThere = await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (isThere) return candidate
    }
  }
  throw new PageBrowserMissingError(names)
}

import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { program } from './programs.ts'

/** Beside what is installed, and like it in no repository. */
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/test-media')
const TIMEOUT_MS = 300_000

/**
 * What ffmpeg makes with these arguments, which must always give the same: made once, for all tests and runs.
 * @returns path of a file that is everybody's: read it, never change it
 */
export async function cachedMedia(args: readonly string[], extension: string): Promise<string> {
  const recipe = createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 32)
  const path = join(CACHE, `${recipe}.${extension}`)
  if (existsSync(path)) return path
  await mkdir(CACHE, { recursive: true })
  const draft = join(CACHE, `draft-${randomUUID()}.${extension}`)
  try {
    await program('ffmpeg', ['-v', 'error', ...args, draft], { timeout: TIMEOUT_MS })
    // Another test may have made the same meanwhile: one is as good as the other.
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  return path
}

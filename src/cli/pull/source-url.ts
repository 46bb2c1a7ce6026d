import { realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SourceFailedError } from '../errors.ts'

/** What a private server is to pull, and the folders it may read from for that. */
export interface PulledSource {
  readonly url: string
  /** Absolute. */
  readonly folders: readonly string[]
}

/** An address as it is; a file, named by path or `file:`, as the address of where it really lies. @throws {SourceFailedError} */
export async function pulledSource(source: string, cwd: string): Promise<PulledSource> {
  const isFileUrl = /^file:/i.test(source)
  if (!isFileUrl && /^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return { url: source, folders: [] }
  try {
    const path = await realpath(isFileUrl ? fileURLToPath(source) : resolve(cwd, source))
    return { url: pathToFileURL(path).href, folders: [dirname(path)] }
  } catch {
    throw new SourceFailedError(source, 'no such file: check the path')
  }
}

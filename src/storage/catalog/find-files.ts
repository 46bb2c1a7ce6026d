import { opendir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { ContainerName } from '#containers/container.ts'
import { storageErrorFrom, systemCode } from '../errors.ts'

/** A file below a root that may be a part. */
export interface FoundFile {
  readonly root: string
  readonly relativePath: string
  /** Absolute. */
  readonly path: string
  readonly container: ContainerName
  readonly bytes: number
  readonly modifiedAtMs: number
}

/** Folders nested deeper than any name template makes are none of ours. */
const MAX_DEPTH = 64

/** Every visible file with one of these extensions below the roots. Links aren't followed: they may lead anywhere. */
export async function* findFiles(
  roots: readonly string[],
  extensions: ReadonlyMap<string, ContainerName>,
): AsyncGenerator<FoundFile> {
  for (const root of roots) {
    for await (const relativePath of walk(root, '', 0)) {
      const container = extensions.get(extname(relativePath).toLowerCase())
      if (container === undefined) continue
      const path = join(root, relativePath)
      try {
        const { size, mtimeMs } = await stat(path)
        yield { root, relativePath, path, container, bytes: size, modifiedAtMs: Math.round(mtimeMs) }
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw storageErrorFrom(error, path)
      }
    }
  }
}

async function* walk(root: string, folder: string, depth: number): AsyncGenerator<string> {
  if (depth > MAX_DEPTH) return
  const path = join(root, folder)
  const folders: string[] = []
  try {
    for await (const entry of await opendir(path)) {
      if (entry.name.startsWith('.')) continue
      const relativePath = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) folders.push(relativePath)
      else if (entry.isFile()) yield relativePath
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw storageErrorFrom(error, path)
  }
  for (const next of folders) yield* walk(root, next, depth + 1)
}

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of package.json. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A file of the repository, its path from the root with forward slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

const SKIPPED = new Set(['node_modules', 'dist', '.git', 'recordings', 'data'])

/** Files below a folder whose names end so. */
export function filesBelow(folder: string, ending: string): SourceFile[] {
  const found: SourceFile[] = []
  const visit = (path: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name)
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) visit(child)
      } else if (entry.name.endsWith(ending)) {
        found.push({ path: relative(ROOT, child), text: readFileSync(child, 'utf8') })
      }
    }
  }
  visit(join(ROOT, folder))
  return found
}

/** The server's sources, without their tests. */
export function serverSources(): SourceFile[] {
  return filesBelow('src', '.ts').filter(({ path }) => !path.endsWith('.test.ts'))
}

/** A text file of the repository. */
export function repositoryFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

import { posix } from 'node:path'
import type { SourceFile } from './source-files.ts'

/** One import of a file. */
export interface Import {
  /** As written. */
  readonly specifier: string
  /** Path from the root for our own files, else undefined. */
  readonly target: string | undefined
  readonly typeOnly: boolean
}

const IMPORT = /^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm
const DYNAMIC_IMPORT = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

/** All imports of a file, re-exports and dynamic ones too. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: string, typeOnly: boolean) =>
    found.push({ specifier, target: resolve(path, specifier), typeOnly })
  for (const [, type, specifier = ''] of text.matchAll(IMPORT)) add(specifier, type !== undefined)
  for (const [, specifier = ''] of text.matchAll(DYNAMIC_IMPORT)) add(specifier, false)
  return found
}

function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier)
  return specifier.startsWith('#') ? `src/${specifier.slice(1)}` : undefined
}

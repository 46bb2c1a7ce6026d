import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesBelow, serverSources } from './source-files.ts'

const NAMED_IMPORT = /^import (?:type )?\{([^}]*)\} from '#([^']+)'/gm

/** `src/hub/stream.ts` → `hub`. */
const areaOf = (path: string) => path.split('/')[1] ?? ''

test('every name that an area exports to others has a docblock', () => {
  const wanted = new Map<string, Set<string>>()
  for (const { path, text } of filesBelow('src', '.ts')) {
    if (path.endsWith('.test.ts')) continue
    for (const [, names = '', target = ''] of text.matchAll(NAMED_IMPORT)) {
      const file = `src/${target}`
      if (areaOf(file) === areaOf(path)) continue
      const ofFile = wanted.get(file) ?? new Set()
      for (const name of names.split(',')) {
        const plain = name
          .trim()
          .replace(/^type /, '')
          .replace(/ as .*$/, '')
        if (plain !== '') ofFile.add(plain)
      }
      wanted.set(file, ofFile)
    }
  }
  const bare: string[] = []
  for (const { path, text } of serverSources()) {
    for (const name of wanted.get(path) ?? []) if (!isDocumented(text, name)) bare.push(`${path}: ${name}`)
  }
  assert.deepEqual(bare, [])
})

/** A type derived from the constant of its name may share that one's docblock; an error's message explains it. */
function isDocumented(text: string, name: string): boolean {
  if (/Error$/.test(name)) return true
  const lines = text.split('\n')
  const declaration = new RegExp(`^export (?:abstract |async )*(?:function\\*?|class|interface|type|const) ${name}\\b`)
  const declared = lines.flatMap((line, index) => (declaration.test(line) ? [index] : []))
  // Re-exported: documented where it is declared.
  if (declared.length === 0) return true
  return declared.some((index) => /\*\/$|^\/\//.test(lines[index - 1]?.trim() ?? ''))
}

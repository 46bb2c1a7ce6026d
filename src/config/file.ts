import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isMap, LineCounter, parseDocument, type YAMLMap } from 'yaml'
import { ConfigFileError, ConfigInvalidError } from './errors.ts'
import type { ConfigProblem } from './problem.ts'

/** The name looked for in the working directory when none is given. */
export const DEFAULT_CONFIG_FILE = 'tapedeck.yaml'

/** A configuration file as read: nothing but YAML so far. */
export interface ConfigFile {
  /** Absolute path. */
  readonly path: string
  /** As named by the operator, for messages. */
  readonly name: string
  readonly content: Readonly<Record<string, unknown>>
  /** Line of a key, from 1; 0 when it has none. */
  lineOf(path: readonly string[]): number
}

/**
 * Reads the named file, or `tapedeck.yaml` when there is one.
 * @throws {ConfigFileError} it was named and can't be read
 * @throws {ConfigInvalidError} it is no YAML mapping
 */
export async function readConfigFile(name: string | undefined, cwd: string): Promise<ConfigFile | undefined> {
  const path = resolve(cwd, name ?? DEFAULT_CONFIG_FILE)
  let source: string
  try {
    source = await readFile(path, 'utf8')
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (name === undefined && isAbsent) return undefined
    throw new ConfigFileError(path, error)
  }
  return parseConfigFile(path, name ?? DEFAULT_CONFIG_FILE, source)
}

function parseConfigFile(path: string, name: string, source: string): ConfigFile {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false })
  const problems = document.errors.map((error): ConfigProblem => {
    const where = `${name}:${lines.linePos(error.pos[0]).line}`
    return { path: name, found: '', expected: `is not YAML: ${error.message}`, where }
  })
  if (problems.length > 0) throw new ConfigInvalidError(problems)
  const root = document.contents
  if (root !== null && !isMap(root)) {
    const expected = 'expected a mapping of keys, as in tapedeck.sample.yaml'
    throw new ConfigInvalidError([{ path: name, found: '', expected, where: `${name}:1` }])
  }
  const lineOf = (keyPath: readonly string[]) => {
    const offset = keyOffset(root, keyPath)
    return offset === undefined ? 0 : lines.linePos(offset).line
  }
  return { path, name, content: document.toJS({ maxAliasCount: 100 }) ?? {}, lineOf }
}

function keyOffset(root: YAMLMap | null, keyPath: readonly string[]): number | undefined {
  let node: unknown = root
  let offset: number | undefined
  for (const name of keyPath) {
    if (!isMap(node)) return offset
    const pair = node.items.find((item) => String(item.key) === name)
    if (pair === undefined) return offset
    const { key } = pair
    if (typeof key === 'object' && key !== null && 'range' in key && Array.isArray(key.range)) offset = key.range[0]
    node = pair.value
  }
  return offset
}

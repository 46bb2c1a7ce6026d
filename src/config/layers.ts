import { parse } from 'yaml'
import type { ConfigProfile } from './facade.ts'
import type { ConfigFile } from './file.ts'
import { environmentName, Key, type KeyTree, keysOf } from './key.ts'
import { nearest } from './nearest.ts'
import { describeOrigin, type Origin } from './origin.ts'
import { type ConfigProblem, showFound } from './problem.ts'
import { isMapping } from './values/record.ts'
import { INVALID } from './values/value-type.ts'

/** What may decide a key's value, besides its default. */
export interface ConfigLayers {
  readonly file: ConfigFile | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Dotted path → text. */
  readonly flags: Readonly<Record<string, string>>
  /** Below the file, above the defaults. */
  readonly profile?: { readonly name: string; readonly values: ConfigProfile } | undefined
}

/** One key after all layers were looked at. */
export interface EffectiveKey {
  readonly path: string
  readonly key: Key<unknown>
  readonly value: unknown
  readonly origin: Origin
}

/** Environment variables with our prefix that are no keys: they belong to the command line client. */
const CLIENT_VARIABLES = ['TAPEDECK_CONFIG', 'TAPEDECK_SERVER', 'TAPEDECK_TOKEN']

/** Looks every key up in every layer, and reports all that is wrong instead of stopping at the first. */
export function readLayers(tree: KeyTree, layers: ConfigLayers): { keys: EffectiveKey[]; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = []
  if (layers.file !== undefined) problems.push(...unknownKeys(tree, layers.file, layers.file.content, []))
  problems.push(...unknownVariables(tree, layers.env), ...unknownFlags(tree, layers.flags))
  const keys: EffectiveKey[] = []
  for (const [path, key] of keysOf(tree)) {
    const { found, origin, isText } = lookUp(path, key, layers)
    const where = origin.kind === 'default' ? '' : describeOrigin(origin)
    const report = (at: string, what: string, expected: string) => {
      problems.push({ path: at, found: key.secret ? '' : what, expected, where })
    }
    const raw = isText && isYaml(key, String(found)) ? parseText(String(found), path, report) : found
    const value = raw === INVALID ? INVALID : key.type.read(raw, path, report)
    if (value !== INVALID) keys.push({ path, key, value, origin })
  }
  return { keys, problems }
}

function lookUp(path: string, key: Key<unknown>, layers: ConfigLayers) {
  const flag = layers.flags[path]
  if (flag !== undefined) {
    const name = key.flag?.split(' ')[0] ?? `--set ${path}`
    return { found: flag, origin: { kind: 'flag', name } satisfies Origin, isText: true }
  }
  const name = environmentName(path)
  const variable = layers.env[name]
  if (variable !== undefined) {
    return { found: variable, origin: { kind: 'environment', name } satisfies Origin, isText: true }
  }
  const { file } = layers
  const inFile = file === undefined ? undefined : valueAt(file.content, path)
  if (file !== undefined && inFile !== undefined) {
    const line = file.lineOf(path.split('.'))
    return { found: inFile, origin: { kind: 'file', file: file.name, line } satisfies Origin, isText: false }
  }
  const { profile } = layers
  if (profile !== undefined && Object.hasOwn(profile.values, path)) {
    const origin = { kind: 'profile', name: profile.name } satisfies Origin
    return { found: profile.values[path], origin, isText: false }
  }
  return { found: key.default, origin: { kind: 'default' } satisfies Origin, isText: false }
}

function isYaml({ type }: Key<unknown>, text: string): boolean {
  return type.text === 'yaml' || (type.text === 'plain-or-list' && text.startsWith('['))
}

function parseText(
  text: string,
  path: string,
  report: (path: string, found: string, expected: string) => void,
): unknown {
  try {
    return parse(text)
  } catch {
    report(path, showFound(text), 'expected a value as it would stand in tapedeck.yaml')
    return INVALID
  }
}

/** Undefined when absent. An empty section (`keep:` and nothing) is absent too: YAML calls it null. */
function valueAt(content: unknown, path: string): unknown {
  let value = content
  for (const name of path.split('.')) {
    if (!isMapping(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value === null ? undefined : value
}

function unknownKeys(tree: KeyTree, file: ConfigFile, content: unknown, at: readonly string[]): ConfigProblem[] {
  const where = (path: readonly string[]) => `${file.name}:${file.lineOf(path)}`
  if (content === null || content === undefined) return []
  if (!isMapping(content)) {
    const expected = `expected a section with the keys ${Object.keys(tree).join(', ')}`
    return [{ path: at.join('.'), found: showFound(content), expected, where: where(at) }]
  }
  const problems: ConfigProblem[] = []
  for (const [name, value] of Object.entries(content)) {
    const path = [...at, name]
    const node = Object.hasOwn(tree, name) ? tree[name] : undefined
    if (node === undefined) {
      const expected = `is not a key; ${suggestion(tree, at, name)}`
      problems.push({ path: path.join('.'), found: '', expected, where: where(path) })
    } else if (!(node instanceof Key)) problems.push(...unknownKeys(node, file, value, path))
  }
  return problems
}

function suggestion(tree: KeyTree, at: readonly string[], name: string): string {
  const near = nearest(name, Object.keys(tree))
  if (near !== undefined) return `did you mean ${[...at, near].join('.')}?`
  return at.length === 0
    ? `the sections are ${Object.keys(tree).join(', ')}`
    : `${at.join('.')} has ${Object.keys(tree).join(', ')}`
}

function unknownVariables(tree: KeyTree, env: ConfigLayers['env']): ConfigProblem[] {
  const known = [...keysOf(tree)].map(([path]) => environmentName(path))
  const strange = Object.keys(env).filter(
    (name) => name.startsWith('TAPEDECK_') && !known.includes(name) && !CLIENT_VARIABLES.includes(name),
  )
  return strange.map((name) => {
    const near = nearest(name, known)
    const hint = near === undefined ? 'see docs/reference/config.md' : `did you mean ${near}?`
    return { path: name, found: '', expected: `is not a key; ${hint}`, where: 'environment' }
  })
}

function unknownFlags(tree: KeyTree, flags: ConfigLayers['flags']): ConfigProblem[] {
  const known = [...keysOf(tree)].map(([path]) => path)
  const strange = Object.keys(flags).filter((path) => !known.includes(path))
  return strange.map((path) => {
    const near = nearest(path, known)
    const hint = near === undefined ? 'see docs/reference/config.md' : `did you mean ${near}?`
    return { path, found: '', expected: `is not a key; ${hint}`, where: '--set' }
  })
}

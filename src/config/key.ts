import type { ValueType } from './values/value-type.ts'

/** One configuration key: how it is read, its default as it would be written in the file, and one line about it. */
export class Key<Value> {
  readonly type: ValueType<Value>
  readonly default: unknown
  /** One or two sentences, the same in the sample's comment and the reference. */
  readonly about: string
  /** Command line option for the common ones. */
  readonly flag: string | undefined
  /** Never printed. */
  readonly secret: boolean

  constructor(type: ValueType<Value>, options: { default: unknown; about: string; flag?: string; secret?: boolean }) {
    this.type = type
    this.default = options.default
    this.about = options.about
    this.flag = options.flag
    this.secret = options.secret ?? false
  }
}

/** Keys nested as the file nests them. */
export interface KeyTree {
  readonly [name: string]: Key<unknown> | KeyTree
}

/** What reading a tree of keys gives. */
export type ValuesOf<Tree> = {
  readonly [Name in keyof Tree]: Tree[Name] extends Key<infer Value> ? Value : ValuesOf<Tree[Name]>
}

/** Every key of a tree with its dotted path, in the order written. */
export function* keysOf(tree: KeyTree, prefix = ''): Generator<[path: string, key: Key<unknown>]> {
  for (const [name, node] of Object.entries(tree)) {
    const path = prefix === '' ? name : `${prefix}.${name}`
    if (node instanceof Key) yield [path, node]
    else yield* keysOf(node, path)
  }
}

/** `rtmp.idleTimeoutMs` is TAPEDECK_RTMP_IDLE_TIMEOUT_MS in the environment. */
export function environmentName(path: string): string {
  return `TAPEDECK_${path
    .replaceAll('.', '_')
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`
}

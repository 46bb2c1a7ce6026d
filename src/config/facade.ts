import type { ListenAddress } from './config.ts'
import type { Key, KeyTree, ValuesOf } from './key.ts'

/** A door of a facade, as far as starting safely is concerned. */
export interface FacadeListener {
  /** Below the facade's own section: `http.listen`. */
  readonly key: string
  /** Undefined: off. */
  readonly address: ListenAddress | undefined
  /**
   * Nobody has to prove anything there: refused beyond loopback (promise 8). `unlessStreamsAreKeyed`: those have to whom
   * auth.publish and auth.play say so.
   */
  readonly isOpen: boolean | 'unlessStreamsAreKeyed'
  /** YAML lines below the facade's section that would close it. */
  readonly linesToAdd: readonly string[]
}

/** Keys of a facade's section; every one can be switched on alone. */
export type FacadeKeys = KeyTree & { readonly enabled: Key<boolean> }

/** Dotted keys of the whole configuration and their values, as they would stand in the file. */
export type ConfigProfile = Readonly<Record<string, unknown>>

/** What a command of a facade's may touch. */
export interface FacadeCommandContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** For results: a line each. */
  readonly print: (line: string) => void
  /** For everything else. */
  readonly note: (line: string) => void
  /** Nothing was thrown, and yet it failed. */
  readonly fail: () => void
}

/** A command of a facade's, for the command line. */
export interface FacadeCommand {
  /** As it is typed after the program's name: one word, or that of a group and its own. */
  readonly words: readonly [string] | readonly [string, string]
  /** What commands of the same group have in common, where there is one. */
  readonly groupAbout?: string
  readonly about: string
  /** Flags as commander reads them. */
  readonly options: readonly { readonly flags: string; readonly about: string; readonly isRequired?: boolean }[]
  /** @param options texts by the camel-cased name of their flag; true for a flag without a value */
  run(options: Readonly<Record<string, string | true | undefined>>, context: FacadeCommandContext): Promise<void>
}

/** What the configuration has to know of a facade; the facade itself is only loaded when it is enabled. */
export interface FacadeDeclaration {
  /** Its section below `facades`. */
  readonly name: string
  readonly keys: FacadeKeys
  /** Keys (below the section) that are paths: made absolute unless empty. */
  readonly paths: readonly string[]
  /** What `serve --like <name>` begins with. File, environment and flags still win. */
  readonly likes: Readonly<Record<string, ConfigProfile>>
  /**
   * With `--like`: keys that the vendor's own environment variables stand for, as texts. They count as ours do, which
   * win over them.
   */
  environment?(variables: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>>
  /** Default none. */
  readonly commands?: readonly FacadeCommand[]
  /** Asked only when the facade is enabled. */
  listeners(settings: unknown): readonly FacadeListener[]
}

/** A declaration whose functions see the values of its own keys. */
export function declareFacade<Keys extends FacadeKeys>(declaration: {
  readonly name: string
  readonly keys: Keys
  readonly paths?: readonly string[]
  readonly likes: Readonly<Record<string, ConfigProfile>>
  environment?(variables: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>>
  readonly commands?: readonly FacadeCommand[]
  listeners(settings: ValuesOf<Keys>): readonly FacadeListener[]
}): FacadeDeclaration & { readonly keys: Keys } {
  return {
    paths: [],
    ...declaration,
    // The settings come from reading these very keys.
    listeners: (settings) => declaration.listeners(settings as ValuesOf<Keys>),
  }
}

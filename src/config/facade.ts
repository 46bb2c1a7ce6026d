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

/** What the configuration has to know of a facade; the facade itself is only loaded when it is enabled. */
export interface FacadeDeclaration {
  /** Its section below `facades`. */
  readonly name: string
  readonly keys: FacadeKeys
  /** Keys (below the section) that are paths: made absolute unless empty. */
  readonly paths: readonly string[]
  /** What `serve --like <name>` begins with. File, environment and flags still win. */
  readonly likes: Readonly<Record<string, ConfigProfile>>
  /** Asked only when the facade is enabled. */
  listeners(settings: unknown): readonly FacadeListener[]
}

/** A declaration whose functions see the values of its own keys. */
export function declareFacade<Keys extends FacadeKeys>(declaration: {
  readonly name: string
  readonly keys: Keys
  readonly paths?: readonly string[]
  readonly likes: Readonly<Record<string, ConfigProfile>>
  listeners(settings: ValuesOf<Keys>): readonly FacadeListener[]
}): FacadeDeclaration & { readonly keys: Keys } {
  return {
    paths: [],
    ...declaration,
    // The settings come from reading these very keys.
    listeners: (settings) => declaration.listeners(settings as ValuesOf<Keys>),
  }
}

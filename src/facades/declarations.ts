import type { FacadeDeclaration } from '#config/facade.ts'

/** What the configuration knows of every facade there is, in the order of the sample. */
export const FACADES: readonly FacadeDeclaration[] = []

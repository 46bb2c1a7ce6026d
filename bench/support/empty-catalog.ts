import type { Catalog } from '#storage/catalog/catalog.ts'

/** A catalog that remembers nothing, to measure without one. */
export function emptyCatalog(): Catalog {
  const nothing = async () => {}
  const none = async () => []
  return {
    save: nothing,
    get: async () => undefined,
    part: async () => undefined,
    list: async () => ({ recordings: [], nextCursor: undefined }),
    unfinished: none,
    undigested: none,
    noteFileGone: nothing,
    renaming: none,
    remove: nothing,
    findByPart: none,
    totals: async () => ({ recordings: 0, parts: 0, bytes: 0 }),
    oldest: none,
    knownPaths: async () => new Set(),
    saveRule: nothing,
    removeRule: nothing,
    rules: none,
    savePull: nothing,
    removePull: nothing,
    pulls: none,
    [Symbol.asyncDispose]: nothing,
  }
}

import type { Catalog, PullRow } from '#storage/catalog/catalog.ts'

/** The part of a catalog that remembers pulls, in memory. */
export function memoryPulls(rows = new Map<string, PullRow>()): Pick<Catalog, 'pulls' | 'savePull' | 'removePull'> {
  return {
    pulls: async (node) => [...rows.values()].filter((row) => row.node === node),
    savePull: async (row) => void rows.set(row.id, row),
    removePull: async (id) => void rows.delete(id),
  }
}

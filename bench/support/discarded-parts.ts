import type { PartFile } from '#storage/part-file.ts'
import type { PartFiles } from '#storage/part-files.ts'

/** Parts that swallow what they are given, to measure everything but the disk. They can't be finished. */
export function discardedParts(): PartFiles {
  return {
    create: async (_root, relativePath) => discardedPart(relativePath),
    openForAppend: async () => undefined,
  }
}

function discardedPart(relativePath: string): PartFile {
  let sizeBytes = 0
  const nothing = async () => {}
  return {
    path: `/nowhere/${relativePath}`,
    relativePath,
    get sizeBytes() {
      return sizeBytes
    },
    async apply(changes) {
      for (const change of changes) {
        if (change.kind === 'append') sizeBytes += change.bytes
        else if (change.kind === 'extend') sizeBytes = change.toBytes
      }
    },
    read: async (_position, bytes) => new Uint8Array(bytes),
    known() {},
    truncate: nothing,
    sync: nothing,
    checkInPlace: nothing,
    moveTo: async () => true,
    commit: nothing,
    discard: nothing,
    close: nothing,
    [Symbol.asyncDispose]: nothing,
  }
}

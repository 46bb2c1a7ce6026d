import type { TrackRun } from './fragment.ts'

/**
 * Adds the payloads of a run in order. Neighbours in memory become one slice (a track's payloads usually are: see
 * PayloadArena), so that a fragment reaches the kernel in a handful of pieces. Nothing is copied.
 */
export function appendPayloads(run: TrackRun, buffers: Uint8Array[]): void {
  let current: Uint8Array | undefined
  let length = 0
  for (let i = 0; i < run.count; i++) {
    const payload = run.accessUnits[i]?.payload
    if (payload === undefined || payload.length === 0) continue
    if (
      current !== undefined &&
      payload.buffer === current.buffer &&
      payload.byteOffset === current.byteOffset + length
    ) {
      length += payload.length
      continue
    }
    if (current !== undefined) buffers.push(slice(current, length))
    current = payload
    length = payload.length
  }
  if (current !== undefined) buffers.push(slice(current, length))
}

const slice = (first: Uint8Array, length: number): Uint8Array =>
  length === first.length ? first : new Uint8Array(first.buffer, first.byteOffset, length)

import type { TrackRun } from './fragment.ts'

/**
 * Adds the payloads of a run in order. Neighbours in memory become one slice (a track's payloads usually are: see
 * PayloadArena), so that a fragment reaches the kernel in a handful of pieces. Nothing is copied.
 */
export function appendPayloads(run: TrackRun, buffers: Uint8Array[]): void {
  let memory: Uint8Array | undefined
  let start = 0
  let end = 0
  for (let i = 0; i < run.count; i++) {
    const accessUnit = run.accessUnits[i]
    if (accessUnit === undefined || accessUnit.payloadBytes === 0) continue
    if (accessUnit.memory === memory && accessUnit.payloadStart === end) {
      end += accessUnit.payloadBytes
      continue
    }
    if (memory !== undefined) buffers.push(memory.subarray(start, end))
    memory = accessUnit.memory
    start = accessUnit.payloadStart
    end = start + accessUnit.payloadBytes
  }
  if (memory !== undefined) buffers.push(memory.subarray(start, end))
}

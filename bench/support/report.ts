/** One server's figures of one run. */
export interface Result {
  readonly name: string
  readonly version: string
  readonly gigabits: number
  readonly cpuSeconds: number
  readonly idleBytes: number
  readonly peakBytes: number
  readonly perStreamBytes: number
  readonly sentAccessUnits: number
  /** Undefined: the server can't tell. */
  readonly lostAccessUnits: number | undefined
  readonly writtenBytes: number
  /** How late the load generator was at its worst: a large figure means the machine was too small. */
  readonly loadBehindMs: number
}

const MIB = 1024 * 1024

/** Prints a table and each server's ratio to nginx-rtmp. */
export function report(results: readonly Result[]): void {
  const peer = results.find(({ name }) => name.startsWith('nginx'))
  const rows = results.map((result) => {
    const perGigabit = result.cpuSeconds / result.gigabits
    return {
      server: result.name,
      'CPU s/Gbit': perGigabit.toFixed(3),
      '× nginx': peer === undefined ? '' : (perGigabit / (peer.cpuSeconds / peer.gigabits)).toFixed(2),
      'peak MiB': (result.peakBytes / MIB).toFixed(0),
      'MiB/stream': (result.perStreamBytes / MIB).toFixed(2),
      'lost units': result.lostAccessUnits ?? 'unknown',
      'written MiB': (result.writtenBytes / MIB).toFixed(0),
      'load late ms': result.loadBehindMs,
    }
  })
  console.table(rows)
}

import { readdirSync, readFileSync } from 'node:fs'

/** Kernel clock ticks per second on Linux (USER_HZ), the unit of /proc/<pid>/stat times. */
const TICKS_PER_SECOND = 100

export interface Usage {
  readonly cpuSeconds: number
  /** Sum of the peak resident sets of the processes alive now. */
  readonly peakBytes: number
  /** Sum of present resident sets. */
  readonly residentBytes: number
}

/** CPU time (own and of reaped children) and memory of a process and all its descendants. */
export function usageOf(rootPid: number): Usage {
  const total = { cpuSeconds: 0, peakBytes: 0, residentBytes: 0 }
  for (const pid of family(rootPid)) {
    const stat = statFields(pid)
    if (stat === undefined) continue
    // Fields 14 to 17 of proc(5): utime, stime, cutime, cstime.
    const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(stat[field]), 0)
    total.cpuSeconds += ticks / TICKS_PER_SECOND
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    total.peakBytes += kibibytes(status, 'VmHWM') * 1024
    total.residentBytes += kibibytes(status, 'VmRSS') * 1024
  }
  return total
}

function family(rootPid: number): number[] {
  const parents = new Map<number, number>()
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    const parent = Number(statFields(pid)?.[1])
    if (Number.isInteger(parent)) parents.set(pid, parent)
  }
  const members = [rootPid]
  for (const member of members) for (const [pid, parent] of parents) if (parent === member) members.push(pid)
  return members
}

/** Fields after the command name, which may hold spaces; index 0 is the state. Undefined: the process is gone. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function kibibytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
}

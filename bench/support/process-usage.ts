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

/** CPU time so far of the threads of a process and its descendants, by their names (as many share one). */
export function threadSecondsOf(rootPid: number): Map<string, number> {
  const seconds = new Map<string, number>()
  for (const pid of family(rootPid)) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const stat = statFields(`${pid}/task/${thread}`)
      if (stat === undefined) continue
      const name = readFileSync(`/proc/${pid}/task/${thread}/comm`, 'latin1').trim()
      const key = Number(thread) === rootPid ? 'main' : name
      seconds.set(key, (seconds.get(key) ?? 0) + (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND)
    }
  }
  return seconds
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
function statFields(pid: number | string): string[] | undefined {
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

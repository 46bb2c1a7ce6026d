import { readdir, readFile, readlink } from 'node:fs/promises'
import { systemCode } from './errors.ts'

/** Linux's list of processes; other systems tell nobody who has a file open. */
const PROCESSES = '/proc'
/** Access modes of open(2) other than O_RDONLY, in the octal `flags` of /proc/<pid>/fdinfo/<fd>. */
const WRITING = 0o3

/**
 * The real paths of all files that other processes of this machine have open for writing, as far as we may look: a
 * part among them is being recorded there, and finishing it here would cut it off. Empty where there is no /proc.
 */
export async function filesOpenElsewhere(): Promise<ReadonlySet<string>> {
  const paths = new Set<string>()
  for (const pid of await entriesOf(PROCESSES)) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    for (const descriptor of await entriesOf(`${PROCESSES}/${pid}/fd`)) {
      const path = await unlessGone(readlink(`${PROCESSES}/${pid}/fd/${descriptor}`))
      if (path?.startsWith('/') !== true || path.startsWith('/dev/')) continue
      const facts = await unlessGone(readFile(`${PROCESSES}/${pid}/fdinfo/${descriptor}`, 'latin1'))
      const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(facts ?? '')?.[1] ?? '0', 8)
      if ((flags & WRITING) !== 0) paths.add(path)
    }
  }
  return paths
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  return (await unlessGone(readdir(folder))) ?? []
}

/** Processes end while they are looked at, and those of other users are not ours to see. */
async function unlessGone<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined
    throw error
  }
}

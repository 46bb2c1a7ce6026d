import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Folders for browsers. In the system's folder for temporary files, because the path of a browser's socket must be
 * short. What a server that was killed has left is removed by the next.
 */
export class ProfileFolders {
  readonly #root: string
  readonly #prefix: string
  #swept: Promise<void> | undefined

  constructor(root = tmpdir()) {
    this.#root = root
    // Machines may share the folder, and then process ids say nothing.
    this.#prefix = `tapedeck-page-${createHash('sha256').update(hostname()).digest('hex').slice(0, 8)}-`
  }

  async make(): Promise<string> {
    this.#swept ??= this.#sweep()
    await this.#swept
    return mkdtemp(join(this.#root, `${this.#prefix}${process.pid}-`))
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#root)) {
      if (!name.startsWith(this.#prefix)) continue
      const path = join(this.#root, name)
      const pid = Number(name.slice(this.#prefix.length).split('-')[0])
      const isOurs = pid === process.pid && !(await isOlder(path))
      if (isOurs || (pid !== process.pid && isAlive(pid))) continue
      await rm(path, { recursive: true, force: true }).catch(() => {}) // somebody else's
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Than this process: of a former container, whose first process had the same id. */
async function isOlder(path: string): Promise<boolean> {
  const { birthtimeMs } = await stat(path)
  return birthtimeMs < performance.timeOrigin
}

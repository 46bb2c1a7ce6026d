import { writeFileSync } from 'node:fs'
import { mkdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { program } from './programs.ts'

/** A file system of its own in memory that fills up like any other. Needs root: mounting does. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string
  readonly #ballast: string

  private constructor(path: string) {
    this.path = path
    this.#ballast = join(path, '.ballast')
  }

  /** @throws saying what to do when mounting is not allowed here */
  static async mount(path: string, size: `${number}m`): Promise<SmallDisk> {
    await mkdir(path, { recursive: true })
    await program('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tapedeck-test', path]).catch((error: unknown) => {
      throw new Error(
        `this test fills a real small disk and could not mount one at ${path}: run it as root, in a container with CAP_SYS_ADMIN`,
        { cause: error },
      )
    })
    return new SmallDisk(path)
  }

  /** Takes what is free, but for `leaveBytes`. */
  async fill(leaveBytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.path)
    const takenBytes = bavail * bsize - leaveBytes
    if (takenBytes > 0) writeFileSync(this.#ballast, new Uint8Array(takenBytes))
  }

  /** Waits until others have filled the rest. */
  async untilFreeBelow(bytes: number): Promise<void> {
    for (;;) {
      const { bavail, bsize } = await statfs(this.path)
      if (bavail * bsize < bytes) return
      await sleep(20)
    }
  }

  /** Gives back what fill took. */
  async free(): Promise<void> {
    await rm(this.#ballast, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await program('umount', [this.path])
  }
}

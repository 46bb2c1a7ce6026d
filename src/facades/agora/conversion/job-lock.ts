import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { storageErrorFrom, systemCode } from '#storage/errors.ts'
import { JobRunningError } from '../errors.ts'

/** In the recording root; hidden, and no date. */
const LOCK_FILE = '.agora_hourly.lock'

/**
 * One job at a time for a root, on this machine; dispose to let the next one in. What a killed job left behind counts
 * for nothing. @throws {JobRunningError}
 */
export async function lockJobs(root: string): Promise<AsyncDisposable> {
  const path = join(root, LOCK_FILE)
  for (let attempt = 0; ; attempt++) {
    try {
      await using file = await open(path, 'wx')
      await file.writeFile(String(process.pid))
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw storageErrorFrom(error, path)
    }
    if (attempt > 0 || (await isHeld(path))) throw new JobRunningError(path)
    await rm(path, { force: true })
  }
}

/** Its process is there; a lock without a number is just being made. */
async function isHeld(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const pid = Number(text)
  if (!Number.isSafeInteger(pid) || pid <= 0) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) !== 'ESRCH'
  }
}

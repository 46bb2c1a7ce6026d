import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Container } from '#containers/container.ts'
import { storageErrorFrom, systemCode } from '#storage/errors.ts'
import { filesOpenElsewhere } from '#storage/open-elsewhere.ts'
import { readEnd } from '../facts-file.ts'
import { readPath } from '../names.ts'
import { convertFile } from './convert-file.ts'
import { lockJobs } from './job-lock.ts'
import type { JobLog } from './job-log.ts'

/** Files whose media began longer ago are left alone. spec section 4. */
const MAX_AGE_MS = 72 * 3600 * 1000

export interface JobOptions {
  /** Absolute. */
  readonly root: string
  readonly container: Container
  readonly isUtc: boolean
  /** At the end of files of channels that nobody stopped. Default 0. */
  readonly silenceSeconds?: number
  /** A channel's directory, relative to the root, when only this is to be done. */
  readonly only?: string | undefined
  readonly nowMs: () => number
  readonly log: JobLog
  /** Whether this process is recording the file, by its path below the root. */
  readonly isRecorded: (path: string) => boolean
  /** Looked at between files. */
  readonly signal: AbortSignal
}

/** What a job has done. */
export interface JobResult {
  readonly converted: number
  readonly failed: number
}

/**
 * Makes an `.mp4` of every `.tmp` below the root that has none, is not being recorded and began within three days. A
 * file that fails is logged, and the others follow. @throws {JobRunningError} @throws {StorageError}
 */
export async function runJob(options: JobOptions): Promise<JobResult> {
  const { root, nowMs, isUtc, isRecorded, log, container, only, silenceSeconds = 0, signal } = options
  await using _ = await lockJobs(root)
  let [converted, failed] = [0, 0]
  const elsewhere = await filesOpenElsewhere()
  for (const day of await namesIn(root)) {
    for (const channel of await namesIn(join(root, day), day)) {
      if (only !== undefined && only !== `${day}/${channel}`) continue
      const directory = join(root, day, channel)
      const files = /^\d{4}_\d{2}_\d{2}$/.test(day) ? await namesIn(directory) : []
      for (const file of files) {
        if (signal.aborted) return { converted, failed }
        const facts = readPath(day, channel, file, isUtc)
        const stem = file.slice(0, -'.tmp'.length)
        if (facts === undefined || files.includes(`${stem}.mp4`)) continue
        if (nowMs() - facts.startedAtMs > MAX_AGE_MS) continue
        const path = `${day}/${channel}/${file}`
        try {
          if (isRecorded(path) || elsewhere.has(await realpath(join(directory, file)))) continue
          const isPadded = silenceSeconds > 0 && (await readEnd(directory)) === 'empty'
          const padding = isPadded ? silenceSeconds : 0
          await log.converted(path, await convertFile(join(directory, stem), container, padding))
          converted++
        } catch (error) {
          await log.failed(path, error)
          failed++
        }
      }
    }
  }
  return { converted, failed }
}

/** Names in a folder in their order; none where there is no folder. @param day only looked into when it is a day */
async function namesIn(folder: string, day?: string): Promise<readonly string[]> {
  if (day !== undefined && !/^\d{4}_\d{2}_\d{2}$/.test(day)) return []
  try {
    return (await readdir(folder)).toSorted()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return []
    throw storageErrorFrom(error, folder)
  }
}

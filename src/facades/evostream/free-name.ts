import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Naming } from '#recorder/naming.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import { EvoCommandError, UNABLE_TO_RECORD } from './errors.ts'
import type { Place } from './place.ts'

/** `_8192` is the last number that is tried. */
const MAX_NUMBER = 8192

export interface FreeNameOptions {
  readonly request: Omit<RecordingRequest, 'stream'>
  readonly place: Place
  readonly nowMs: number
  readonly timeZone: string
  /** Whether an active recording writes to this place. */
  readonly isInUse: (root: string, path: string) => boolean
}

/**
 * The file a recording would write to if it began now, absolute and without a part number: the answer to a command whose
 * stream is not there yet. The recorder chooses again when it really begins.
 * @throws {EvoCommandError} no number is free, or what is to be replaced is being written
 */
export async function freeName(options: FreeNameOptions): Promise<string> {
  const { request, place, nowMs, timeZone, isInUse } = options
  const { path, name = '{stream}', rotate, ifExists } = request
  const naming = new Naming(path === undefined ? name : '{stream}', timeZone, { path, numbering: 'indexed' })
  const chunked = rotate !== undefined
  const nameOf = (number: number, numbered: boolean) => {
    const values = { stream: 'a', id: 'a', startedAtMs: nowMs, part: 1, version: number + 1 }
    return naming.format({ ...values, videoCodec: '', audioCodec: '' }, place.extension, { numbered })
  }
  const folder = join(place.root, dirname(nameOf(0, false)))
  const taken = ifExists === 'overwrite' ? new Set<string>() : await names(folder)
  const isFree = (file: string) => !taken.has(basename(file)) && !isInUse(place.root, file)
  const last = ifExists === 'overwrite' ? 0 : MAX_NUMBER
  for (let number = 0; number <= last; number++) {
    const plain = nameOf(number, false)
    if (isFree(plain) && (!chunked || isFree(nameOf(number, true)))) return join(place.root, plain)
  }
  throw new EvoCommandError(UNABLE_TO_RECORD, `${nameOf(0, false)} is being written, or all its numbers are taken`)
}

async function names(folder: string): Promise<ReadonlySet<string>> {
  try {
    return new Set(await readdir(folder))
  } catch {
    // Not there yet, or not readable: creating the file says what is wrong.
    return new Set()
  }
}

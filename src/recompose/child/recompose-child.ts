// Runs in a process of its own (see ChildLink): native code that reads files strangers' bytes are in. Composes kept
// tracks into a file.
import { setPriority } from 'node:os'
import { AV_LOG_QUIET } from 'node-av/constants'
import { Log } from 'node-av/lib'
import { errorMessage } from '#base/error.ts'
import { allContainers } from '#containers/all-containers.ts'
import { StorageError, systemCode } from '#storage/errors.ts'
import { openPartFile } from '#storage/part-files.ts'
import { TrackDamagedError, TrackGoneError } from '../errors.ts'
import type { BeginMessage, ChildInput, ChildOutput } from '../messages.ts'
import { composeOffline } from './offline-composition.ts'
import { Pace } from './pace.ts'

/** What is live comes first: recordings, and compositions of streams. */
const NICENESS = 5
/** Progress is told no more often. */
const TELL_EVERY_MS = 200

const pace = new Pace()

Log.setLevel(AV_LOG_QUIET)
try {
  setPriority(NICENESS)
} catch {
  // The system does not allow it: the work is done all the same.
}
process.on('message', (message) => {
  const input = message as ChildInput
  if (input.kind === 'share') pace.share = input.share
  else void run(input)
})
process.on('disconnect', () => process.exit(0))
// Ctrl-C in the terminal of the server reaches the child as well, which goes on until it is told.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})

async function run(begin: BeginMessage): Promise<void> {
  tell(await outcome(begin))
}

async function outcome(begin: BeginMessage): Promise<ChildOutput> {
  let toldMs = Number.NEGATIVE_INFINITY
  const onProgress = (composedMs: number) => {
    if (performance.now() - toldMs < TELL_EVERY_MS) return
    toldMs = performance.now()
    tell({ kind: 'progress', composedMs })
  }
  try {
    await using file = await openPartFile(begin.output)
    const container = allContainers(begin.mp4IndexBytes)[begin.container]
    return await composeOffline(begin, { container, file, pace, onProgress })
  } catch (error) {
    if (error instanceof TrackGoneError) {
      return { kind: 'failed', cause: 'gone', recordingId: error.recordingId, path: error.path }
    }
    if (error instanceof TrackDamagedError) {
      const { recordingId, path, reason } = error
      return { kind: 'failed', cause: 'damaged', recordingId, path, reason }
    }
    if (error instanceof StorageError) {
      const errno = systemCode(error.cause) ?? ''
      return { kind: 'failed', cause: 'storage', errno, message: errorMessage(error.cause) }
    }
    throw error
  }
}

function tell(output: ChildOutput): void {
  process.send?.(output, () => {})
}

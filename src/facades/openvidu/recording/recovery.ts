import { stat } from 'node:fs/promises'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { Desk } from '../desk.ts'
import type { Finishing } from './finishing.ts'
import { isOver, type RecordingFacts } from './recording-facts.ts'
import type { RecordingFolder, StoredRecording } from './recording-folder.ts'

/** What is looked through after a crash, of the recorder's recordings. */
const PAGE = 500

/** What finishing after a crash needs. */
export interface Recovery {
  readonly desk: Pick<Desk, 'runtime' | 'control'>
  readonly folder: RecordingFolder
  readonly finishing: Finishing
  /** Of this server's own: nothing was left by a crash. */
  readonly isRunning: (id: string) => boolean
}

/** Finishes what was being recorded when the server died. spec section 4.5. */
export async function recoverRecordings({ desk, folder, finishing, isRunning }: Recovery): Promise<void> {
  const unfinished = (await folder.list()).filter(({ facts }) => !isOver(facts) && !isRunning(facts.id))
  for (const stored of unfinished) {
    const { facts, layout } = stored
    const documents = await documentsOf(facts, desk)
    await Promise.all(documents.map(({ id }) => settled(id, desk)))
    const final = await Promise.all(documents.map(({ id }) => desk.control.recorder.get(id)))
    // Of what was zipped already only the zip is left, or nothing was ever published.
    const isZip = facts.outputMode === 'INDIVIDUAL' && (await folder.media(stored)) === undefined
    const isOurs = final.length > 0 || isZip
    const finished = isOurs ? await finishing.finish(stored, final) : await salvaged(stored, folder)
    await folder.write({ facts: finished, layout })
    await finishing.removeZipped({ facts: finished, layout }, final)
    desk.runtime.log.info({ event: 'facade.recording-recovered', recording: facts.id, status: finished.status })
  }
}

/** The recorder's recordings that one of the vendor's is made of. */
async function documentsOf(
  { id, createdAt, uniqueSessionId }: RecordingFacts,
  { control }: Pick<Desk, 'control'>,
): Promise<RecordingDocument[]> {
  const from = new Date(createdAt - 1000).toISOString()
  const found: RecordingDocument[] = []
  let cursor: string | undefined
  do {
    const page = await control.recorder.list({ from, limit: PAGE, ...(cursor !== undefined && { cursor }) })
    found.push(
      ...page.recordings.filter(
        ({ metadata }) =>
          metadata['sessionRecording'] === id && metadata['uniqueSessionId'] === (uniqueSessionId ?? ''),
      ),
    )
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return found
}

/** Resolves when the recorder has finished what a crash left of a recording. */
async function settled(id: string, { control: { recorder } }: Pick<Desk, 'control'>): Promise<void> {
  const isSettled = Promise.withResolvers<void>()
  using _ = recorder.events.listen((event) => {
    if ((event.type === 'recording.ready' || event.type === 'recording.failed') && event.recording.id === id) {
      isSettled.resolve()
    }
  })
  const { state } = await recorder.stop(id)
  if (state === 'ready' || state === 'failed') return
  await isSettled.promise
}

/** Of a file that this recorder knows nothing about, its being there is all that can be said. */
async function salvaged(stored: StoredRecording, folder: RecordingFolder): Promise<RecordingFacts> {
  const media = await folder.media(stored)
  const size = media === undefined ? 0 : (await stat(media.path)).size
  return { ...stored.facts, size, status: size > 0 ? 'ready' : 'failed' }
}

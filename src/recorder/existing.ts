import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Runtime } from '#base/runtime.ts'
import type { Catalog } from '#storage/catalog/catalog.ts'
import { DISK } from '#storage/part-files.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { RecordingBusyError, RecordingHeldError } from './errors.ts'
import { FilesInUse } from './files-in-use.ts'
import { AUTO_CONTAINERS, PartMaker } from './part-maker.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import type { RecorderSettings } from './settings.ts'
import { isFinal } from './state.ts'

/** A place where a part of the recording to be started would come to lie. */
export interface Place {
  readonly root: string
  readonly path: string
}

/** Where a name leads to now, by container: what append and overwrite are about. `id`: of the recording, if it is known. */
export function places(settings: RecorderSettings, request: ResolvedRequest, runtime: Runtime, id = ''): Place[] {
  const maker = new PartMaker(settings, { files: DISK, inUse: new FilesInUse() }, request, id)
  const names = request.format === 'auto' ? AUTO_CONTAINERS : ([request.format] as const)
  return names.map((name) => {
    const nowMs = runtime.nowMs()
    const times = { recordingStartedAtMs: nowMs, startedAtMs: nowMs }
    return {
      root: maker.root,
      path: maker.path({ container: settings.containers[name], index: 1, ...times, formats: [] }, 1),
    }
  })
}

/** What appending and overwriting have to know of the recordings in progress. */
export interface InProgress {
  documents(): readonly RecordingDocument[]
  /** The recording was told to stop: resolves when it is final. Undefined when it goes on. */
  ending(id: string): Promise<void> | undefined
}

/**
 * The recording an appending one goes on with, in its last part: it is continued under its own id, so that one file has
 * one ledger. Undefined when no recording here knows the file (or there is none yet). One that is just being finished is
 * waited for: a publisher that comes right back must not be turned away.
 * @throws {RecordingHeldError} the file is held as it is
 * @throws {RecordingBusyError} it is still being written
 */
export async function appendedTo(
  catalog: Catalog,
  inProgress: InProgress,
  settings: RecorderSettings,
  request: ResolvedRequest,
  runtime: Runtime,
): Promise<RecordingDocument | undefined> {
  for (const place of places(settings, request, runtime)) {
    await afterItsEnd(inProgress, place)
    const [known] = await catalog.findByPart(place.root, place.path)
    const last = known?.parts.at(-1)
    if (known === undefined || last === undefined || !(await isThere(last))) continue
    if (known.held) throw new RecordingHeldError(known.id)
    if (!isFinal(known.state)) throw new RecordingBusyError(known.id, known.state)
    return known
  }
  return undefined
}

/** @throws {RecordingBusyError} a recording that goes on has this file, and would lose it */
async function afterItsEnd(inProgress: InProgress, place: Place): Promise<void> {
  for (const document of inProgress.documents()) {
    if (!document.parts.some((part) => isAt(part, place))) continue
    const ending = inProgress.ending(document.id)
    if (ending === undefined) throw new RecordingBusyError(document.id, document.state)
    await ending
  }
}

/**
 * One that is just being finished is waited for.
 * @throws {RecordingHeldError} what would be overwritten is held
 * @throws {RecordingBusyError} it is still being written
 */
export async function checkOverwritable(
  catalog: Catalog,
  inProgress: InProgress,
  settings: RecorderSettings,
  request: ResolvedRequest,
  runtime: Runtime,
): Promise<void> {
  for (const place of places(settings, request, runtime)) {
    await afterItsEnd(inProgress, place)
    const { root, path } = place
    for (const known of await catalog.findByPart(root, path)) {
      if (known.held) throw new RecordingHeldError(known.id)
    }
  }
}

/** Waits for recordings in these places that are just being finished: whoever starts anew means their name. */
export async function afterEnding(
  inProgress: InProgress,
  settings: RecorderSettings,
  request: ResolvedRequest,
  runtime: Runtime,
): Promise<void> {
  for (const place of places(settings, request, runtime)) {
    for (const { id, parts } of inProgress.documents()) {
      if (parts.some((part) => isAt(part, place))) await inProgress.ending(id)
    }
  }
}

/** The recording without a part that was replaced, with its account to match; undefined when nothing is left. */
export function withoutPart(recording: RecordingDocument, replaced: Place): RecordingDocument | undefined {
  const gone = recording.parts.filter((part) => isAt(part, replaced))
  const parts = recording.parts.filter((part) => !gone.includes(part))
  if (parts.length === 0) return undefined
  const tracks = recording.ledger.tracks.map((track) => {
    const goneTracks = gone.flatMap((part) => part.tracks.filter(({ trackId }) => trackId === track.trackId))
    const accessUnits = goneTracks.reduce((sum, { accessUnits }) => sum + accessUnits, 0)
    return { ...track, received: track.received - accessUnits, written: track.written - accessUnits }
  })
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  return { ...recording, parts, bytes, ledger: { ...recording.ledger, tracks } }
}

/** Whether a part lies in a place. */
export function isAt(part: Place, place: Place): boolean {
  return part.root === place.root && part.path === place.path
}

async function isThere({ root, path }: Place): Promise<boolean> {
  try {
    await stat(join(root, path))
    return true
  } catch {
    // Unreadable is not missing, but there is nothing to go on in either way; creating the file says what is wrong.
    return false
  }
}

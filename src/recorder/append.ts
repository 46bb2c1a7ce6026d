import type { Runtime } from '#base/runtime.ts'
import type { Catalog } from '#storage/catalog/catalog.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { RecordingBusyError, RecordingHeldError } from './errors.ts'
import { PartMaker } from './part-maker.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import type { RecorderSettings } from './settings.ts'
import { isFinal } from './state.ts'

/** Paths a fixed name leads to now, by container: the ones append and overwrite are about. */
function paths(
  settings: RecorderSettings,
  request: ResolvedRequest,
  runtime: Runtime,
): { root: string; path: string }[] {
  const maker = new PartMaker(settings, request, '')
  const names = request.format === 'auto' ? (['mp4', 'flv'] as const) : ([request.format] as const)
  return names.map((name) => {
    return { root: maker.root, path: maker.path(settings.containers[name], 1, runtime.nowMs(), []) }
  })
}

/**
 * The recording whose last file an appending one goes on in: it is continued under its own id, so that one file has one
 * ledger. Undefined when no recording here knows the file (or there is none yet).
 * @throws {RecordingHeldError} the file is held as it is
 * @throws {RecordingBusyError} it is still being written
 */
export async function appendedTo(
  catalog: Catalog,
  settings: RecorderSettings,
  request: ResolvedRequest,
  runtime: Runtime,
): Promise<RecordingDocument | undefined> {
  for (const { root, path } of paths(settings, request, runtime)) {
    const [known] = await catalog.findByPart(root, path)
    if (known === undefined || known.parts.at(-1)?.path !== path) continue
    if (known.held) throw new RecordingHeldError(known.id)
    if (!isFinal(known.state)) throw new RecordingBusyError(known.id, known.state)
    return known
  }
  return undefined
}

/** @throws {RecordingHeldError} what would be overwritten is held */
export async function checkOverwritable(
  catalog: Catalog,
  settings: RecorderSettings,
  request: ResolvedRequest,
  runtime: Runtime,
): Promise<void> {
  for (const { root, path } of paths(settings, request, runtime)) {
    for (const known of await catalog.findByPart(root, path)) {
      if (known.held) throw new RecordingHeldError(known.id)
    }
  }
}

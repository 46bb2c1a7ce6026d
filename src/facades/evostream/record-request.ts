import type { RecordingRequest } from '#recorder/request.ts'
import { safeComponent } from '#recorder/safe-name.ts'
import { EvoCommandError } from './errors.ts'
import type { Place } from './place.ts'
import { type RecordSettings, usesDateFolders } from './record-settings.ts'

/** See `facades.evostream.dateFolders`. */
export type DateFolders = 'stream' | 'plain'

/** Label of rules and recordings: the configId they belong to. */
export const CONFIG_LABEL = 'evostream.configId'

/** Whether `pathToFile` is a folder. */
export function isFolderPath(settings: RecordSettings, dateFolders: DateFolders): boolean {
  return usesDateFolders(settings) && dateFolders === 'stream'
}

/** `record` as a request of ours, for a rule: without the stream. */
export function toRecordingRequest(
  settings: RecordSettings,
  place: Place,
  dateFolders: DateFolders,
  configId: number,
): Omit<RecordingRequest, 'stream'> {
  const { type, chunkLength, cutsAnywhere, overwrite, hasAudio, winQtCompat } = settings
  const isDated = usesDateFolders(settings)
  return {
    format: type,
    root: place.root,
    ...(isDated ? { name: datedName(settings, place, dateFolders) } : { path: place.stem }),
    extension: place.extension,
    numbering: 'indexed',
    // The time of day makes names in the vendor's layout unique; what it leaves is numbered.
    ifExists: overwrite && !(isDated && dateFolders === 'stream') ? 'overwrite' : 'version',
    ...(chunkLength > 0 && { rotate: { seconds: chunkLength, cut: cutsAnywhere ? 'exact' : 'keyframe' } }),
    tracks: { audio: hasAudio, video: true },
    ...(type === 'mp4' && { mp4Compatible32: winQtCompat }),
    // A publisher that comes back gets a new file.
    reconnectSeconds: 0,
    metadata: {
      ...Object.fromEntries(Object.entries(settings.variables).map(([name, value]) => [name, String(value)])),
      [CONFIG_LABEL]: String(configId),
    },
  }
}

/** Every chunk goes by the time of its own beginning. */
function datedName({ localStreamName }: RecordSettings, { stem }: Place, dateFolders: DateFolders): string {
  const day = '{partDateCompact}'
  const above = stem.split('/').filter((component) => component !== '')
  if (dateFolders === 'plain') {
    const name = above.pop()
    if (name === undefined) throw new EvoCommandError('Syntax error. Parameter pathToFile is invalid')
    return [...above.map(literal), day, literal(name)].join('/')
  }
  const name = literal(safeComponent(localStreamName))
  return [...above.map(literal), name, day, `${name}-${day}-{partTimeCompact}`].join('/')
}

/** Text in a name template that means only itself. */
function literal(component: string): string {
  return component.replace(/[{}]/g, '$&$&')
}

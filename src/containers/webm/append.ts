import type { ContainerWriter, PartBytes, WriterOptions } from '../container.ts'
import { AppendConfigurationError, AppendMismatchError, DamagedError } from '../errors.ts'
import { TrackTotals } from '../track-totals.ts'
import { DOC_TYPE_NAMES, type DocType } from './codec-mapping.ts'
import { VOID_HEADER_BYTES } from './ebml.ts'
import { finish, showHead } from './finish.ts'
import { PREPARED_AT } from './head.ts'
import { readTail, type Tail } from './tail.ts'
import { continuesTrack, trackEntry, tracksElement } from './track-entry.ts'
import { MatroskaWriter } from './writer.ts'

/** See Container.openForAppend. An unfinished part is finished first. */
export async function openForAppend(
  part: PartBytes,
  options: WriterOptions,
  docType: DocType,
): Promise<{ writer: ContainerWriter; startMs: number }> {
  // All of these fail before anything is changed.
  checkFormats(await readTail(part, docType), options, docType)
  await finish(part, docType)
  const { head, entries, lastRecord, goodBytes } = await readTail(part, docType)
  const recording = { ...head, finish: undefined }
  await part.apply([showHead(recording)])
  // Cues that outgrew their room are made again, with all that is to come.
  if (goodBytes < part.sizeBytes) await part.truncate(goodBytes)
  const writer = new MatroskaWriter(docType, options, {
    head: recording,
    fileBytes: goodBytes,
    entries,
    tracks: lastRecord.tracks,
    lastRecordAt: lastRecord.position,
  })
  const startMs = Math.max(0, ...lastRecord.tracks.map(({ totals }) => new TrackTotals(totals).endDts))
  return { writer, startMs: Math.ceil(startMs) }
}

/**
 * @throws {CodecUnsupportedError} @throws {AppendMismatchError} @throws {AppendConfigurationError}
 * @throws {DamagedError} no room to describe what is new
 */
function checkFormats({ head, entries }: Tail, { formats }: WriterOptions, docType: DocType): void {
  const name = DOC_TYPE_NAMES[docType]
  const all = [...entries]
  for (const format of formats) {
    const { trackId, codec } = format
    const entry = trackEntry(docType, format, all.length + 1, false)
    const present = entries.find((candidate) => candidate.trackId === trackId)
    if (present === undefined) all.push(entry)
    else if (present.codec !== codec) throw new AppendMismatchError(name, trackId, present.codec, codec)
    else if (!continuesTrack(present, format)) throw new AppendConfigurationError(name, trackId, codec)
  }
  if (all.length === entries.length) return
  // Each new track comes with a Tracks element of its own.
  const neededBytes = (all.length - entries.length) * (tracksElement(all).length + VOID_HEADER_BYTES)
  if (head.recordedTracksAt - neededBytes < PREPARED_AT) throw new DamagedError(name, 'no room for further tracks')
}

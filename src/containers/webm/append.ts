import type { Change, ContinuedPart, PartBytes, WriterOptions } from '../container.ts'
import { AppendConfigurationError, AppendMismatchError, DamagedError } from '../errors.ts'
import { endsOf } from '../track-totals.ts'
import { DOC_TYPE_NAMES, type DocType } from './codec-mapping.ts'
import { voidHeader } from './ebml.ts'
import { finish, showHead } from './finish.ts'
import { descriptionRoomBytes, HEAD_BYTES } from './head.ts'
import { readTail, type Tail } from './tail.ts'
import { continuesTrack, trackEntry } from './track-entry.ts'
import { MatroskaWriter } from './writer.ts'

/** See Container.openForAppend. An unfinished part is finished first. */
export async function openForAppend(part: PartBytes, options: WriterOptions, docType: DocType): Promise<ContinuedPart> {
  // All of these fail before anything is changed.
  checkFormats(await readTail(part, docType), options, docType)
  await finish(part, docType)
  const tail = await readTail(part, docType)
  const { entries, lastRecord } = tail
  const writer = new MatroskaWriter(docType, options, {
    head: { ...tail.head, finish: undefined },
    reopening: reopening(tail, part.sizeBytes),
    fileBytes: part.sizeBytes,
    entries,
    tracks: lastRecord.tracks,
    lastRecordAt: lastRecord.position,
  })
  const ends = endsOf(lastRecord.tracks, 1000)
  const startMs = Math.max(0, ...[...ends.values()].map(({ endDtsMs }) => endDtsMs))
  return { writer, startMs: Math.ceil(startMs), ends }
}

/**
 * Makes the part one that is recorded again. Done with the writer's first output: until there is one, it stays final.
 * Cues behind the media, which what is to come would stand behind, become a Void, and are made again in the end.
 */
function reopening({ head, goodBytes }: Tail, fileBytes: number): Change[] {
  const show = showHead({ ...head, finish: undefined })
  const cuesBytes = fileBytes - goodBytes
  if (cuesBytes === 0) return [show]
  return [show, { kind: 'write', position: goodBytes, bytes: voidHeader(cuesBytes) }]
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
  // Each new track comes with a Tracks element of its own, and the finished part's needs room once more.
  const neededBytes = (all.length - entries.length + 1) * descriptionRoomBytes(all)
  if (head.recordedAt - neededBytes < HEAD_BYTES) throw new DamagedError(name, 'no room for further tracks')
}

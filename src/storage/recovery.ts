import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode, errorMessage } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Container, ContainerName, PartSummary } from '#containers/container.ts'
import { TornHeadError } from '#containers/errors.ts'
import { isVideoCodec } from '#media/codec.ts'
import { resolveInRoot } from './confine.ts'
import { InterruptedError, mayPass } from './errors.ts'
import type { PartFile } from './part-file.ts'
import { openPartFile } from './part-files.ts'
import { type FinalNames, giveLastName, whereItIs, withLastName } from './part-rename.ts'
import {
  type PartDocument,
  type PartTrackDocument,
  type ProblemDocument,
  partFormat,
  type RecordingDocument,
} from './recording-document.ts'
import { settleLedger } from './settle-ledger.ts'

export interface RecoveryOptions {
  readonly containers: Readonly<Record<ContainerName, Container>>
  /** Recordings finished at a time. */
  readonly concurrency: number
  /** Pause between attempts to finish a part on a disk that refuses for now. */
  readonly retryMs: number
  readonly runtime: Pick<Runtime, 'nowMs' | 'log'>
  /** The recording as it is now, `ready` or `failed`: store it, fire its hooks. Awaited. */
  readonly onRecovered: (recording: RecordingDocument) => Promise<void>
  /** Stores the recording as it is in between: what is about to be renamed must be found after yet another crash. */
  readonly note: (recording: RecordingDocument) => Promise<void>
  /** Reads PartRename.recipe: paths, in order of preference, of a part that is final now. Throws TapedeckErrors. */
  readonly finalNames: FinalNames
  readonly signal: AbortSignal
}

/**
 * Finishes what a crash left open: every open part through its container's own finish, newest recordings first. What
 * can't be finished is kept, marked `damaged`. Rejects only when onRecovered does, or when aborted.
 */
export async function recoverRecordings(
  unfinished: readonly RecordingDocument[],
  options: RecoveryOptions,
): Promise<void> {
  const waiting = unfinished.toSorted((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1))
  const work = async (): Promise<void> => {
    for (let recording = waiting.shift(); recording !== undefined; recording = waiting.shift()) {
      options.signal.throwIfAborted()
      await options.onRecovered(await recoverRecording(recording, options))
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, work))
}

/**
 * Finishes the open parts of one recording and balances its ledger with what they hold. Waits for a full disk rather
 * than call its parts damaged. Rejects only when aborted.
 */
export async function recoverRecording(
  recording: RecordingDocument,
  { containers, retryMs, runtime, note, finalNames, signal }: Omit<RecoveryOptions, 'concurrency' | 'onRecovered'>,
): Promise<RecordingDocument> {
  const parts: PartDocument[] = []
  let error: ProblemDocument | null = null
  for (const [position, listed] of recording.parts.entries()) {
    const part = await whereItIs(listed).catch((err: unknown) => {
      runtime.log.error({ event: 'recovery.not-found', recording: recording.id, path: listed.path, err })
      return listed
    })
    if (part.state !== 'open') {
      parts.push(withLastName(part))
      continue
    }
    let outcome = await finishPart(part, containers[partFormat(recording, part)])
    while (mayPass(outcome.error)) {
      runtime.log.warn({ event: 'recovery.waiting', recording: recording.id, path: part.path, err: outcome.error })
      await sleep(retryMs, undefined, { signal })
      outcome = await finishPart(part, containers[partFormat(recording, part)])
    }
    if (outcome.error !== undefined) {
      error = { code: errorCode(outcome.error), message: errorMessage(outcome.error) }
      runtime.log.error({
        event: 'recovery.part-damaged',
        recording: recording.id,
        path: part.path,
        err: outcome.error,
      })
    }
    if (outcome.part === undefined) {
      const { discarded } = outcome
      if (discarded !== undefined) {
        const place = { recording: recording.id, path: part.path, bytes: discarded.bytes }
        runtime.log.info(
          { event: 'recovery.part-discarded', ...place },
          'a file in which nothing was recorded is deleted',
        )
      }
      continue
    }
    const noteName = (renaming: PartDocument) =>
      note({ ...recording, parts: [...parts, renaming, ...recording.parts.slice(position + 1)] })
    try {
      parts.push(await giveLastName(outcome.part, finalNames, noteName))
    } catch (err) {
      // It is whole, only not called as it should be.
      runtime.log.error({ event: 'recovery.not-renamed', recording: recording.id, path: part.path, err })
      parts.push(withLastName(outcome.part))
    }
  }
  const recovered = conclude({ ...recording, parts }, error, runtime.nowMs())
  const { id, stream, state, durationMs, bytes } = recovered
  runtime.log.info(
    { event: 'recovery.finished', recording: id, stream, state, durationMs, bytes },
    'recording finished after a restart',
  )
  return recovered
}

interface Outcome {
  /** Undefined when there is nothing in it, or it never had a file. */
  readonly part?: PartDocument
  /** The file that was deleted because it holds no access unit. */
  readonly discarded?: { readonly bytes: number }
  /** Why the part is damaged. */
  readonly error?: unknown
}

async function finishPart(part: PartDocument, container: Container): Promise<Outcome> {
  if (part.path === '') return {}
  try {
    const path = await resolveInRoot(part.root, part.path)
    await using file = await openPartFile(path)
    const foundBytes = file.sizeBytes
    const summary = await finishFile(part, file, container)
    if (summary.tracks.every(({ accessUnits }) => accessUnits === 0)) {
      await file.discard()
      return { discarded: { bytes: foundBytes } }
    }
    await file.commit()
    await file.sync()
    const folder = part.path.slice(0, part.path.lastIndexOf('/') + 1)
    const finished = { ...part, ...summaryFields(part, summary), path: folder + file.relativePath, sha256: null }
    return { part: { ...finished, state: 'ready' } }
  } catch (error) {
    return { part: { ...part, state: 'damaged' }, error }
  }
}

/** A file that was hardly begun holds nothing, unless there has been more in it already: then it lost that. */
async function finishFile(part: PartDocument, file: PartFile, container: Container): Promise<PartSummary> {
  try {
    return await container.finish(file)
  } catch (error) {
    if (!(error instanceof TornHeadError) || part.tracks.some(({ accessUnits }) => accessUnits > 0)) throw error
    return { durationMs: 0, bytes: 0, tracks: [] }
  }
}

function summaryFields(
  part: PartDocument,
  summary: PartSummary,
): Pick<PartDocument, 'durationMs' | 'bytes' | 'tracks'> {
  const tracks = summary.tracks.map((track) => {
    const { trackId, codec, accessUnits, payloadBytes } = track
    const known = part.tracks.find((candidate) => candidate.trackId === trackId)
    if (known !== undefined) {
      const counts = { accessUnits, payloadBytes, ...sourceOf(known, accessUnits), ...filledOf(known, accessUnits) }
      return { ...known, ...counts }
    }
    const kind = isVideoCodec(codec) ? ('video' as const) : ('audio' as const)
    return { trackId, kind, codec, codecString: codec, accessUnits, payloadBytes }
  })
  return { durationMs: summary.durationMs, bytes: summary.bytes, tracks }
}

/** Of a transcoded track: how many access units of the source the file holds, reckoned from when that was last noted. */
function sourceOf({ source, accessUnits: noted }: PartTrackDocument, found: number): Pick<PartTrackDocument, 'source'> {
  if (source === undefined) return {}
  // Nothing was written then: one of them for one of the source's is as good as any.
  const perUnit = noted === 0 ? 1 : source.accessUnits / noted
  return { source: { ...source, accessUnits: Math.round(found * perUnit) } }
}

/** Silence that was put in since that was last noted counts as received: nobody can tell it from what a source sent. */
function filledOf({ filled }: PartTrackDocument, found: number): Pick<PartTrackDocument, 'filled'> {
  return filled === undefined ? {} : { filled: Math.min(filled, found) }
}

function conclude(recording: RecordingDocument, error: ProblemDocument | null, nowMs: number): RecordingDocument {
  const { parts } = recording
  const hasMedia = parts.some(({ state }) => state === 'ready')
  const durationMs = Math.max(
    0,
    ...parts.filter(({ state }) => state === 'ready').map((part) => part.startMs + part.durationMs),
  )
  const last = parts.at(-1)
  const endedAtMs = last === undefined ? nowMs : Date.parse(last.startedAt) + last.durationMs
  return {
    ...recording,
    state: hasMedia ? 'ready' : 'failed',
    endedAt: new Date(endedAtMs).toISOString(),
    durationMs,
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    ledger: settleLedger(recording.ledger, parts, { endMs: durationMs, nowMs }),
    error: error ?? (hasMedia ? null : nothingRecorded()),
  }
}

function nothingRecorded(): ProblemDocument {
  const { code, message } = new InterruptedError()
  return { code, message }
}

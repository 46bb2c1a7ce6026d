import type { TileFacts } from '#compose/request.ts'
import { partFormat, type RecordingDocument } from '#storage/recording-document.ts'
import { TrackDamagedError, TrackNotFinalError } from './errors.ts'

/** A live composition shows what came so long ago: its sources wait for those of them that come unevenly. */
const LIVE_DELAY_MS = 100

/** A track that is away for less is still shown: nobody would see its tile go and come. */
const SHORTEST_ABSENCE_MS = 1_000

/** Media come no later than this after the connection of their publisher. */
const MAX_SETTLING_MS = 3_000

/** A kept track, and where it lies in the composition. */
export interface PlannedTrack {
  readonly recordingId: string
  readonly facts: TileFacts
  /** Stretches of its timeline, in order: from `startMs` of it on it lies at `fromMs` to `toMs` of the composition. */
  readonly spans: readonly { readonly startMs: number; readonly fromMs: number; readonly toMs: number }[]
  /** By how much longer everything lasts than on its timeline: its publisher's clock runs slower than the others'. */
  readonly rate: number
  /** When its tile is there. */
  readonly presences: readonly { readonly fromMs: number; readonly toMs: number }[]
  readonly parts: readonly {
    readonly index: number
    readonly path: string
    readonly bytes: number
    readonly startMs: number
    readonly hasOwnZero: boolean
  }[]
}

/** Where everything lies. Times are milliseconds. */
export interface CompositionPlan {
  /** Wall clock of the beginning, since 1970 UTC. */
  readonly startedAtMs: number
  readonly durationMs: number
  /** In the order they came. */
  readonly tracks: readonly PlannedTrack[]
}

/**
 * Places kept tracks by when they were recorded.
 * @param composed what was composed of them live: the new one begins and ends as it does, and shows everything when it
 *   did. Undefined: from the first to come to the last to leave
 * @throws {TrackNotFinalError | TrackDamagedError}
 */
export function planComposition(
  recordings: readonly RecordingDocument[],
  composed: RecordingDocument | undefined,
): CompositionPlan {
  for (const recording of [...recordings, ...(composed === undefined ? [] : [composed])]) {
    if (recording.state !== 'ready' && recording.state !== 'failed') throw new TrackNotFinalError(recording.id)
  }
  const found = recordings
    .map((recording) => ({ recording, startedAtMs: Date.parse(recording.startedAt ?? '') }))
    // Who announced a stream and sent nothing was never there.
    .filter(({ recording, startedAtMs }) => recording.parts.length > 0 && !Number.isNaN(startedAtMs))
    .sort((a, b) => a.startedAtMs - b.startedAtMs)
  const composedAtMs = Date.parse(composed?.startedAt ?? '')
  const isAligned = composed !== undefined && !Number.isNaN(composedAtMs) && composed.durationMs > 0
  const startedAtMs = isAligned ? composedAtMs : (found[0]?.startedAtMs ?? 0)
  const zeroMs = isAligned ? composedAtMs - LIVE_DELAY_MS : startedAtMs
  const tracks = found.map(({ recording, startedAtMs: from }) => planTrack(recording, from - zeroMs))
  const endMs = Math.max(0, ...tracks.flatMap(({ spans }) => spans.map(({ toMs }) => toMs)))
  return { startedAtMs, durationMs: isAligned ? composed.durationMs : endMs, tracks }
}

/** Tiles that are there together, at most. */
export function mostAtOnce({ tracks }: Pick<CompositionPlan, 'tracks'>): number {
  const changes = tracks
    .flatMap(({ presences }) => presences)
    .flatMap(({ fromMs, toMs }) => [
      { atMs: fromMs, by: 1 },
      { atMs: toMs, by: -1 },
    ])
    // Who leaves makes room for who comes.
    .sort((a, b) => a.atMs - b.atMs || a.by - b.by)
  let [now, most] = [0, 0]
  for (const { by } of changes) {
    now += by
    most = Math.max(most, now)
  }
  return most
}

function planTrack(recording: RecordingDocument, beginsMs: number): PlannedTrack {
  const { id, stream, metadata, durationMs, clockDriftPpm = 0 } = recording
  const rate = 1 + clockDriftPpm / 1e6
  const parts = recording.parts.map((part) => {
    if (part.state !== 'ready') throw new TrackDamagedError(id, part.path, `it is ${part.state}`)
    const { index, path, bytes, startMs } = part
    return { index, path, bytes, startMs, hasOwnZero: partFormat(recording, part) === 'ts' }
  })
  const spans: { startMs: number; fromMs: number; toMs: number }[] = []
  let startMs = 0
  let fromMs = beginsMs
  for (const { positionMs, missingMs, noticedMs } of absences(recording)) {
    const toMs = fromMs + (positionMs - startMs) * rate
    spans.push({ startMs, fromMs, toMs })
    startMs = positionMs
    // It was away until its connection was there, and its media came a moment later: that is when it was noticed.
    const backMs = beginsMs + noticedMs
    const wasAwayMs = toMs + missingMs
    fromMs = backMs > wasAwayMs && backMs - wasAwayMs < MAX_SETTLING_MS ? backMs : wasAwayMs
  }
  spans.push({ startMs, fromMs, toMs: fromMs + (durationMs - startMs) * rate })
  const name = metadata['participant'] ?? stream.split('/').at(-1) ?? ''
  const facts: TileFacts = { name, kind: metadata['kind'] === 'screen' ? 'screen' : 'camera' }
  return { recordingId: id, facts, spans, rate, presences: joined(spans), parts }
}

/** Stretches without the pauses that nobody would see. */
function joined(spans: readonly { readonly fromMs: number; readonly toMs: number }[]) {
  const presences: { fromMs: number; toMs: number }[] = []
  for (const { fromMs, toMs } of spans) {
    const last = presences.at(-1)
    if (last !== undefined && fromMs - last.toMs < SHORTEST_ABSENCE_MS) last.toMs = toMs
    else presences.push({ fromMs, toMs })
  }
  return presences
}

/**
 * When its publisher was away, on the recording's timeline, from which that time was cut out; and when that was noticed,
 * after the recording's start.
 */
function absences({ ledger, startedAt }: RecordingDocument) {
  const startedMs = Date.parse(startedAt ?? '')
  return ledger.gaps
    .filter(({ track, fromMs, toMs, missingMs }) => track === 0 && fromMs === toMs && missingMs > 0)
    .map(({ fromMs, missingMs, at }) => ({ positionMs: fromMs, missingMs, noticedMs: Date.parse(at) - startedMs }))
    .sort((a, b) => a.positionMs - b.positionMs)
}

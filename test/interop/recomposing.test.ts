import assert from 'node:assert/strict'
import { open, readdir, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NewRecomposition, RecompositionDocument } from '#control/recompositions.ts'
import { Recompositions } from '#recompose/recompositions.ts'
import type { Session } from '#sessions/session.ts'
import { Sessions } from '#sessions/sessions.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { soundOf } from '#test/support/beeps.ts'
import { cachedMedia } from '#test/support/cached-media.ts'
import { type ComposingRoom, Frames, isNear, openComposingRoom, toneIn } from '#test/support/composed.ts'
import { readSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { PacedPublisher } from '#test/support/paced-publisher.ts'

/** A room that was composed live, and composed again from its kept tracks, judged by the pixels and the sound. */

const RED = [220, 20, 20] as const
const BLUE = [20, 20, 220] as const
const WHITE = [255, 255, 255] as const
const SIZE = { widthPixels: 320, heightPixels: 180, frameRate: 25 } as const
/** Of every participant, on his own clock. */
const FLASH = { fromMs: 1_600, toMs: 2_200 } as const
/** A live composition shows what came this long ago. */
const LIVE_DELAY_MS = 100
const PATIENCE_MS = 120_000

/** What a participant sends: one colour, white for a while, and a tone. */
async function participant(colour: string, hertz: number, seconds: number): Promise<readonly SourceUnit[]> {
  const flash = `enable='between(t,${FLASH.fromMs / 1_000},${FLASH.toMs / 1_000 - 0.02})'`
  const path = await cachedMedia(
    [
      ...['-f', 'lavfi', '-i', `color=c=${colour}:s=320x180:r=25:d=${seconds},drawbox=color=white:t=fill:${flash}`],
      ...['-f', 'lavfi', '-i', `sine=${hertz}:r=44100:d=${seconds}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25'],
      ...['-c:a', 'aac', '-b:a', '64k'],
    ],
    'mp4',
  )
  return (await readSource(path, ['h264', 'aac'])).units
}

/** Somebody comes, publishes all of it, and leaves. */
async function takesPart(
  { rtmp }: ComposingRoom,
  session: Session,
  who: { readonly id: string; readonly kind: 'camera' | 'screen' },
  units: readonly SourceUnit[],
): Promise<void> {
  const participant = session.admit({ id: who.id, role: 'publisher' })
  participant.publish({ id: who.id, kind: who.kind, hasAudio: true, hasVideo: true, end: () => {} })
  using publisher = await PacedPublisher.start({ rtmp, app: `calls/${session.id}`, name: who.id, units })
  await publisher.allArrived()
  publisher.finish()
  participant.leave('left')
}

interface RecordedRoom {
  readonly composed: RecordingDocument
  /** By participant. */
  readonly tracks: ReadonlyMap<string, RecordingDocument>
}

/** Red for seven seconds, and for three of them blue, composed side by side. */
async function recordRoom(room: ComposingRoom): Promise<RecordedRoom> {
  const { fixture, composer } = room
  const { runtime, hub, recorder } = fixture
  using sessions = new Sessions({ runtime, hub, recorder, composer: () => composer })
  const session = sessions.create({ id: 'lesson', streamPrefix: 'calls', origin: 'test' })
  const keeper = session.admit({ id: 'keeper', role: 'subscriber' })
  await session.startRecording({ id: 'rec', mode: 'composed', audio: true, video: true, ...SIZE })
  const [red, blue] = await Promise.all([participant('0xdc1414', 440, 7), participant('0x1414dc', 1_000, 3)])
  const first = takesPart(room, session, { id: 'red', kind: 'camera' }, red)
  await sleep(1_500)
  await takesPart(room, session, { id: 'blue', kind: 'screen' }, blue)
  await first
  const recording = await session.stopRecording()
  keeper.leave('left')
  const documents = await recording.documents()
  const [composed] = documents.filter(({ metadata }) => metadata['publication'] === undefined)
  assert.ok(composed !== undefined)
  const tracks = new Map(documents.map((document) => [document.metadata['publication'] ?? '', document]))
  assert.deepEqual([...tracks.keys()].sort(), ['', 'blue', 'red'])
  for (const document of documents) assert.equal(document.state, 'ready', JSON.stringify(document))
  return { composed, tracks }
}

interface Composing {
  readonly jobs: Recompositions
  /** CPU cores that jobs may take. */
  readonly room: { spareCores: number }
}

function openJobs({ fixture }: ComposingRoom, spareCores = 1): Composing & AsyncDisposable {
  const { runtime, recorder, catalog, root } = fixture
  const room = { spareCores }
  const jobs = new Recompositions({
    runtime,
    recorder,
    catalog,
    roots: [root],
    refusal: () => undefined,
    composer: {
      get load() {
        return { usedCores: 0, capacityCores: 2, spareCores: room.spareCores }
      },
    },
    fragmentMs: 900,
    mp4IndexBytes: 256 * 1024,
  })
  return { jobs, room, [Symbol.asyncDispose]: () => jobs[Symbol.asyncDispose]() }
}

async function until(
  { jobs }: Composing,
  id: string,
  what: (job: RecompositionDocument) => boolean,
): Promise<RecompositionDocument> {
  const endsMs = performance.now() + PATIENCE_MS
  for (;;) {
    const job = jobs.get(id)
    if (what(job)) return job
    if (performance.now() > endsMs) throw new Error(`waited too long: ${JSON.stringify(job)}`)
    await sleep(20)
  }
}

function isOver({ state }: RecompositionDocument): boolean {
  return state === 'ready' || state === 'failed' || state === 'cancelled'
}

function begin({ jobs }: Composing, request: NewRecomposition): Promise<RecompositionDocument> {
  return jobs.begin(request, () => {})
}

/** When a place turns white, after a time: the flash of whoever is there. */
function flashAfter(frames: Frames, ms: number, x: number, y: number): number {
  for (let at = Math.ceil(ms / 40) * 40; at < frames.count * 40; at += 40) {
    if (isNear(frames.at(at + 1, x, y), WHITE)) return at
  }
  return Number.NaN
}

test('a composed room again, in another layout: everybody in his place when he was there live', {
  timeout: 240_000,
}, async (context) => {
  await using room = await openComposingRoom()
  const { fixture } = room
  const { composed, tracks } = await recordRoom(room)
  await using composing = openJobs(room)
  const progress: number[] = []
  const { id, state, recordings } = await begin(composing, {
    recording: composed.id,
    layout: 'vertical-presentation',
    widthPixels: 640,
    heightPixels: 360,
  })
  assert.deepEqual(recordings, [tracks.get('red')?.id, tracks.get('blue')?.id], state)
  const job = await until(composing, id, (now) => {
    if (now.progress !== progress.at(-1)) progress.push(now.progress)
    return isOver(now)
  })
  assert.deepEqual([job.state, job.progress, job.error], ['ready', 1, null])
  assert.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
    'it never goes back',
  )
  const made = await fixture.recorder.get(job.recording ?? '')
  await fixture.assertProved(made)
  assert.deepEqual(await readdir(join(fixture.root, '.composing')), [])
  assert.equal(made.stream, composed.stream)
  assert.equal(made.startedAt, composed.startedAt)
  assert.deepEqual(
    [made.metadata['origin'], made.metadata['layout'], made.metadata['composedBefore'], made.metadata['composedFrom']],
    ['recomposition', 'vertical-presentation', composed.id, recordings.join(' ')],
  )
  assert.ok(Math.abs(made.durationMs - composed.durationMs) <= 100, `${made.durationMs} for ${composed.durationMs}`)
  const [path = ''] = fixture.paths(made)
  const [livePath = ''] = fixture.paths(composed)
  const { streams } = await ffprobe(path)
  assert.deepEqual(
    streams.map(({ codec_name, width }) => [codec_name, width]),
    [
      ['h264', 640],
      ['aac', undefined],
    ],
  )
  const [frames, live] = await Promise.all([Frames.of(path, 64, 36, 25), Frames.of(livePath, 64, 36, 25)])
  // Blue is a screen, presented large as long as it is there; red is on the right then, and everywhere else before.
  const zeroMs = Date.parse(composed.startedAt ?? '') - LIVE_DELAY_MS
  const cameMs = (name: string) => Date.parse(tracks.get(name)?.startedAt ?? '') - zeroMs
  const wentMs = (name: string) => cameMs(name) + (tracks.get(name)?.durationMs ?? 0)
  const facts = {
    redCameMs: cameMs('red'),
    blueCameMs: cameMs('blue'),
    redFlashMs: flashAfter(frames, cameMs('red') + 500, 0.9, 0.5),
    blueFlashMs: flashAfter(frames, cameMs('blue') + 500, 0.4, 0.5),
    liveRedFlashMs: flashAfter(live, cameMs('red') + 500, 0.25, 0.5),
    liveBlueFlashMs: flashAfter(live, cameMs('blue') + 500, 0.75, 0.5),
  }
  /** Of 25 a second, and what is lost by whole milliseconds. */
  const ONE_PICTURE_MS = 42
  const near = (seenMs: number | undefined, wantedMs: number, toleranceMs: number, what: string) => {
    const offMs = Math.abs((seenMs ?? Number.NaN) - wantedMs)
    assert.ok(offMs <= toleranceMs, `${what}: ${seenMs} ms for ${wantedMs}: ${JSON.stringify(facts)}`)
  }
  const blueSpan = frames.span(0.4, 0.5, BLUE)
  near(blueSpan?.[0], cameMs('blue'), ONE_PICTURE_MS, 'blue comes')
  near(blueSpan?.[1], wentMs('blue'), 80, 'blue leaves')
  near(frames.span(0.9, 0.9, RED)?.[0], cameMs('red'), ONE_PICTURE_MS, 'red comes')
  near(facts.redFlashMs, cameMs('red') + FLASH.fromMs, ONE_PICTURE_MS, 'the flash of red')
  near(facts.blueFlashMs, cameMs('blue') + FLASH.fromMs, ONE_PICTURE_MS, 'the flash of blue')
  // Live is as exact where the machine has time for it, which nobody can ask of it beside other tests.
  context.diagnostic(JSON.stringify(facts))
  assert.ok(isNear(frames.at(cameMs('blue') + 1_200, 0.9, 0.5), RED), 'red beside blue')
  assert.ok(isNear(frames.at(wentMs('blue') + 300, 0.4, 0.5), RED), 'red alone again')
  const sound = await soundOf(path)
  const tone = (hertz: number, atMs: number) => toneIn(sound.subarray(atMs * 16, (atMs + 200) * 16), hertz, 16_000)
  const before = Math.round(cameMs('blue') - 400)
  const during = Math.round(cameMs('blue') + 1_000)
  const after = Math.round(wentMs('blue') + 300)
  assert.deepEqual(
    [before, during, after].map((atMs) => [tone(440, atMs) > 0.05, tone(1_000, atMs) > 0.05]),
    [
      [true, false],
      [true, true],
      [true, false],
    ],
  )
})

test('cancelled, gone, damaged, still going on: nothing is left, and everybody is told what it was', {
  timeout: 240_000,
}, async () => {
  await using room = await openComposingRoom()
  const { fixture } = room
  const publisher = (name: string, units: readonly SourceUnit[]) =>
    PacedPublisher.start({ rtmp: room.rtmp, app: 'room', name, units, speed: 20 })
  const ids: string[] = []
  for (const [name, units] of [
    ['one', await participant('0xdc1414', 440, 7)],
    ['two', await participant('0x1414dc', 1_000, 3)],
  ] as const) {
    const rotate = { seconds: 2 }
    const { id } = await fixture.start({ stream: `room/${name}`, waitForStream: true, format: 'mkv', rotate })
    using sending = await publisher(name, units)
    await sending.allArrived()
    sending.finish()
    await fixture.until(id, ({ state }) => state === 'ready')
    ids.push(id)
  }
  const [one = '', two = ''] = ids
  await using composing = openJobs(room, 0.2)
  const list = { recording: one, with: [two], ...SIZE }
  const folder = join(fixture.root, '.composing')

  // Cancelled in the midst of it.
  const slow = await begin(composing, list)
  const next = await begin(composing, list)
  await until(composing, slow.id, ({ progress }) => progress > 0)
  composing.room.spareCores = 0
  assert.equal(composing.jobs.get(next.id).state, 'waiting', 'one at a time')
  assert.equal((await composing.jobs.cancel(next.id)).state, 'cancelled')
  assert.equal((await readdir(folder)).length, 1)
  const cancelled = await composing.jobs.cancel(slow.id)
  assert.deepEqual([cancelled.state, cancelled.recording, cancelled.error], ['cancelled', null, null])
  assert.deepEqual(await readdir(folder), [])
  await assert.rejects(composing.jobs.cancel(slow.id), { code: 'recompose/not-running' })
  composing.room.spareCores = 1

  // Two that have nothing to do with each other, from the first to the last.
  const done = await until(composing, (await begin(composing, { ...list, format: 'ts', name: 'both' })).id, isOver)
  assert.deepEqual([done.state, done.stream, done.format], ['ready', 'room/one-composed', 'ts'])
  const made = await fixture.recorder.get(done.recording ?? '')
  assert.equal(made.parts[0]?.path, 'room/one-composed/both.ts')
  const started = await Promise.all(ids.map(async (id) => (await fixture.recorder.get(id)).startedAt ?? ''))
  assert.equal(made.startedAt, started.toSorted()[0])
  await fixture.assertProved(made)
  // They are in several parts each, and nobody sees or hears where one goes on in another.
  const parts = (await fixture.recorder.get(one)).parts.length
  assert.ok(parts >= 3, `${parts} parts`)
  const [path = ''] = fixture.paths(made)
  const [frames, sound] = [await Frames.of(path, 64, 36, 25), await soundOf(path)]
  const endMs = (await fixture.recorder.get(one)).durationMs - 300
  for (let ms = 100; ms < endMs; ms += 40) {
    const seen = frames.at(ms, 0.1, 0.5)
    assert.ok(isNear(seen, RED) || isNear(seen, WHITE), `${seen} at ${ms} ms`)
  }
  for (let ms = 200; ms < endMs; ms += 50) {
    const heard = toneIn(sound.subarray(ms * 16, (ms + 50) * 16), 440, 16_000)
    assert.ok(heard > 0.08, `${heard} at ${ms} ms`)
  }

  // The sound alone.
  const alone = await until(composing, (await begin(composing, { ...list, video: false })).id, isOver)
  const [heard = ''] = fixture.paths(await fixture.recorder.get(alone.recording ?? ''))
  assert.deepEqual(
    (await ffprobe(heard)).streams.map(({ codec_name }) => codec_name),
    ['aac'],
  )
  assert.ok(toneIn((await soundOf(heard)).subarray(16_000, 19_200), 440, 16_000) > 0.08)

  await assert.rejects(begin(composing, { recording: one }), { code: 'recompose/no-tracks' })
  await assert.rejects(begin(composing, { ...list, layout: 'mosaic' as never }), { code: 'compose/bad-request' })
  await assert.rejects(begin(composing, { ...list, format: 'webm' as never }), { code: 'compose/bad-request' })
  const { id: waiting } = await fixture.start({ stream: 'room/three', waitForStream: true })
  await assert.rejects(begin(composing, { ...list, with: [waiting] }), { code: 'recompose/still-recording' })

  // The server ends.
  const closing = openJobs(room, 0.2)
  const broken = await begin(closing, list)
  await until(closing, broken.id, ({ progress }) => progress > 0)
  await closing[Symbol.asyncDispose]()
  assert.equal(closing.jobs.get(broken.id).error?.code, 'recompose/closed')
  assert.deepEqual(await readdir(folder), [])

  const [damaged = ''] = fixture.paths(await fixture.recorder.get(two))
  {
    await using file = await open(damaged, 'r+')
    await file.write(new Uint8Array(1_024))
  }
  const failed = await until(composing, (await begin(composing, list)).id, isOver)
  assert.deepEqual([failed.state, failed.error?.code], ['failed', 'recompose/track-damaged'])
  await truncate(damaged, 1_024)
  await assert.rejects(begin(composing, list), { code: 'recompose/track-damaged' })
  await rm(damaged)
  await assert.rejects(begin(composing, list), { code: 'recompose/track-gone' })
  assert.deepEqual(await readdir(folder), [])
})

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from '#base/error.ts'
import type { Signal } from '#base/events.ts'
import type { StreamEnd } from '#hub/stream.ts'
import { NEW_RULE, type NewRule } from '#recorder/new-rule.ts'
import { NUMBERINGS } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { type Attachment, attachmentLog, RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const LASTS_MS = process.env['LONG_TESTS'] === '1' ? 120_000 : 10_000
const SEED = Number(process.env['CROWD_SEED'] ?? Date.now() % 2 ** 31)
const STREAMS = 50
const RULES = 50

/** Reasons for which a recording may fail, or a caller be refused, when everybody wants the same files. */
const EXCUSES = [
  // The disk of a busy machine; what it cost must be in the ledger.
  'recorder/drain-timeout',
  'recorder/nothing-recorded',
  'recorder/recording-busy',
  'recorder/recording-held',
  'recorder/recording-not-found',
  'recorder/recording-not-running',
  'recorder/rule-not-found',
  'recorder/stream-not-found',
  'recording/not-allowed',
  'storage/name-taken',
  'container/append-mismatch',
]

/** Mulberry32: the same choices for the same seed. */
function chances(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    /** True once in so many times. */
    oneIn: (times: number) => below(times) === 0,
    of: <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item,
  }
}
type Chances = ReturnType<typeof chances>

const PATHS = Array.from({ length: STREAMS }, (_, index) => `app${index % 5}/cam${index}`)

function randomRule(chance: Chances): NewRule {
  const match = chance.of([...Array.from({ length: 6 }, () => chance.of(PATHS)), `app${chance.below(5)}/*`])
  const request = {
    format: chance.of(['mp4', 'flv', 'ts', 'auto']),
    // Few names for many rules: they meet.
    name: chance.of(['{app}/{stream}', '{stream}', 'all/{stream}-{startTime}', '{app}/{part}/{stream}']),
    ifExists: chance.of(['version', 'version', 'version', 'append', 'rename', 'overwrite', 'fail'] as const),
    numbering: chance.of(NUMBERINGS),
    ...(chance.oneIn(3) ? { preRollSeconds: 1 + chance.below(3) } : {}),
    ...(chance.oneIn(4) ? { reconnectSeconds: 1 } : {}),
    ...(chance.oneIn(6) ? { maxSeconds: 1 } : {}),
    ...(chance.oneIn(6) ? { tracks: { audio: false } } : {}),
  }
  const rotate = { seconds: 1 + chance.below(2), cut: chance.of(['keyframe', 'exact']), at: '*/3 * * * * *' }
  const isRotated = request.ifExists !== 'append' && chance.oneIn(3)
  const record = chance.oneIn(12) ? ('demand' as const) : ('always' as const)
  return {
    ...NEW_RULE,
    match,
    request: isRotated ? { ...request, rotate } : request,
    priority: chance.below(5),
    record,
    additional: !chance.oneIn(3),
    once: record === 'always' && chance.oneIn(5),
  }
}

/** One stream that comes and goes. */
async function publishAtRandom(
  fixture: RecorderFixture,
  path: string,
  units: readonly SourceUnit[],
  chance: Chances,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    await sleep(chance.below(1_500))
    const publisher = fixture.publish(path)
    const count = chance.oneIn(8) ? chance.below(3) : chance.below(units.length)
    for (let at = 0; at < count && !isOver(); at += 12) {
      publisher.send(units.slice(at, Math.min(at + 12, count)))
      await sleep(100)
    }
    publisher.end(chance.of<StreamEnd['cause']>(['unpublished', 'unpublished', 'lost', 'disconnected']))
  }
}

/** Somebody who adds, changes and removes rules, and starts, cuts, stops, holds and deletes recordings. */
async function operateAtRandom(
  fixture: RecorderFixture,
  chance: Chances,
  stopped: Set<string>,
  isOver: () => boolean,
): Promise<void> {
  const { recorder } = fixture
  const attempts: Promise<unknown>[] = []
  const attempt = (work: () => Promise<unknown>) => {
    attempts.push(
      work().catch((error: unknown) => {
        if (!EXCUSES.includes(errorCode(error))) throw error
      }),
    )
  }
  while (!isOver()) {
    const rules = recorder.rules()
    const active = recorder.active()
    if (rules.length < RULES) attempt(() => recorder.addRule(randomRule(chance)))
    const rule = rules.length === 0 ? undefined : chance.of(rules)
    if (rule !== undefined && chance.oneIn(8)) {
      const stop = chance.oneIn(2)
      attempt(() => recorder.removeRule(rule.id, { stop }))
    }
    if (rule !== undefined && chance.oneIn(8)) {
      const change = chance.of([{ enabled: !rule.enabled }, { priority: chance.below(5) }, { match: chance.of(PATHS) }])
      attempt(() => recorder.updateRule(rule.id, change))
    }
    if (chance.oneIn(4)) {
      const name = chance.of(['{stream}', 'asked/{stream}'])
      attempt(() => recorder.start({ stream: chance.of(PATHS), name, waitForStream: chance.oneIn(2), maxSeconds: 2 }))
    }
    const recording = active.length === 0 ? undefined : chance.of(active)
    if (recording !== undefined) {
      const { id } = recording
      if (chance.oneIn(4)) attempt(() => recorder.split(id))
      if (chance.oneIn(6)) {
        stopped.add(id)
        attempt(() => recorder.stop(id))
      }
      if (chance.oneIn(10)) attempt(() => recorder.setHeld(id, chance.oneIn(2)))
    }
    if (chance.oneIn(6)) {
      const [{ id } = { id: '' }] = (await recorder.list({ state: 'ready', limit: 1 })).recordings
      attempt(() => recorder.remove(id))
    }
    await sleep(30)
  }
  await Promise.all(attempts)
}

/** Finds where a rule has two recordings of one publication at a time, though nothing and nobody has ended the first. */
function watchDoubles(
  fixture: RecorderFixture,
  attachments: Signal<Attachment>,
  wasStopped: ReadonlySet<string>,
): readonly [first: string, second: string, publication: string][] {
  const doubles: [first: string, second: string, publication: string][] = []
  const running = new Map<string, string>()
  fixture.recorder.events.listen((event) => {
    if (event.type !== 'recording.finishing') return
    for (const [key, each] of running) if (each === event.recording.id) running.delete(key)
  })
  attachments.listen(({ recording: id, publication }) => {
    const rule = fixture.recorder.active().find((each) => each.id === id)?.rule
    if (rule === null || rule === undefined) return
    const key = `${rule} ${publication}`
    const first = running.get(key)
    const endsItself = fixture.recorder.rules().find((each) => each.id === rule)?.request['maxSeconds'] !== undefined
    if (first !== undefined && first !== id && !wasStopped.has(first) && !endsItself)
      doubles.push([first, id, publication])
    running.set(key, id)
  })
  return doubles
}

async function everything(fixture: RecorderFixture): Promise<RecordingDocument[]> {
  const all: RecordingDocument[] = []
  let cursor: string | undefined
  do {
    const page = await fixture.catalog.list({ limit: 1_000, ...(cursor === undefined ? {} : { cursor }) })
    all.push(...page.recordings)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return all
}

/** What was told of recordings with a file of this path, for whoever wonders. */
function historyOf(fixture: RecorderFixture, path: string): string {
  const told = fixture.events.filter(({ recording: { parts } }) => {
    return parts.some((part) => join(part.root, part.path) === path || part.rename?.to === path)
  })
  return [path, toldOf(fixture, new Set(told.map(({ recording }) => recording.id)))].join('\n  ')
}

function toldOf(fixture: RecorderFixture, ids: ReadonlySet<string>): string {
  const lines = fixture.events
    .filter(({ recording }) => ids.has(recording.id))
    .map(({ type, recording: { id, requestedAt, endedAt, error, parts } }) => {
      const names = parts.map((part) => `${part.path} ${part.state} ${part.bytes}`)
      return [type, id, requestedAt, endedAt, error?.code, ...names].join(' ')
    })
  return lines.join('\n  ')
}

/** Catalog, manifests, files and ledgers tell the same story, and nothing lies about that nobody knows. */
async function assertAgreed(fixture: RecorderFixture): Promise<RecordingDocument[]> {
  const recordings = await everything(fixture)
  const known: string[] = []
  for (const recording of recordings) {
    assert.ok(['ready', 'failed'].includes(recording.state), `${recording.id} is ${recording.state}`)
    if (recording.error !== null) {
      assert.ok(EXCUSES.includes(recording.error.code), JSON.stringify(recording))
    }
    await fixture.assertProved(recording)
    for (const { root, path } of recording.parts) known.push(join(root, path))
  }
  assert.equal(new Set(known).size, known.length, 'every file is part of one recording')
  const entries = await readdir(fixture.root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name))
  const strangers = files.filter((path) => !known.includes(path))
  assert.deepEqual(strangers, [], `nobody knows ${strangers.map((path) => historyOf(fixture, path)).join('\n')}`)
  assert.deepEqual(files.sort(), known.sort())
  assert.deepEqual(await fixture.catalog.rules(), fixture.recorder.rules())
  return recordings
}

test(`${RULES} rules × ${STREAMS} streams that come and go at random (CROWD_SEED=${SEED})`, async (t) => {
  await using folder = await TempFolder.make()
  const small = { seconds: 5, size: '64x36' }
  const sources: ElementarySource[] = []
  sources.push(await makeSource(folder, { video: 'h264', audio: 'aac', ...small }))
  sources.push(
    await makeSource(folder, { video: 'h264', ...small }),
    await makeSource(folder, { audio: 'aac', seconds: 5 }),
  )
  const { log, attachments } = attachmentLog()
  await using fixture = await RecorderFixture.open({ settings: { trackWaitMs: 100, preRollSeconds: 1 }, log })
  const chance = chances(SEED)
  const endsMs = performance.now() + LASTS_MS
  const isOver = () => performance.now() > endsMs
  const stopped = new Set<string>()
  const doubles = watchDoubles(fixture, attachments, stopped)
  const streams = PATHS.map((path) => publishAtRandom(fixture, path, chance.of(sources).units, chance, isOver))
  await Promise.all([...streams, operateAtRandom(fixture, chance, stopped, isOver)])
  await fixture.recorder[Symbol.asyncDispose]()
  const recordings = await assertAgreed(fixture)
  const hasFailed = (id: string) => recordings.find((each) => each.id === id)?.state !== 'ready'
  const wrong = doubles.filter(([first]) => !hasFailed(first))
  assert.deepEqual(wrong, [], toldOf(fixture, new Set(wrong.flat())))
  const parts = recordings.reduce((sum, each) => sum + each.parts.length, 0)
  const failed = recordings.filter(({ state }) => state === 'failed').length
  t.diagnostic(`${recordings.length} recordings with ${parts} parts, ${failed} failed for want of media or a file`)
  assert.ok(recordings.length - failed > STREAMS / 5, 'there was something to agree about')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { later } from '#test/support/later.ts'
import { assertPayloads, payloadHashes, payloadsByTrack, readableUnits } from '#test/support/mp4-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { SnapshotPart } from '#test/support/snapshot-part.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { segmentElements } from '#test/support/webm-judges.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'
import { HEAD_BYTES } from './head.ts'
import { mkv } from './webm.ts'

const CLUSTER = '1f43b675'
const CUES = '1c53bb6b'

/** Room for the index: ample, or outgrown by more cue points than a second may have. */
const ROOMS = [
  { name: 'ample', expectedSeconds: 0, times: 1, cuesBehindMedia: false },
  { name: 'outgrown', expectedSeconds: 1, times: 26, cuesBehindMedia: true },
]

/** One for every second picture, so that an index soon outgrows its room; small. */
const MANY_KEY_FRAMES = ['-g', '2', '-bf', '0', '-crf', '45', '-b:a', '16k']

const counts = (tracks: readonly { accessUnits: number }[]) => tracks.map((track) => track.accessUnits)

for (const { name, expectedSeconds, times, cuesBehindMedia } of ROOMS) {
  test(`${name} room: every state of recording, finishing and appending plays and can be finished`, async () => {
    await using folder = await TempFolder.make()
    const source = await smallSource(folder, times > 1 ? MANY_KEY_FRAMES : [])
    const units = repeated(source.units, times)
    const options = writerOptions(source, { expectedSeconds })
    const part = new SnapshotPart()
    await writePart(mkv.open(options), part, units)
    const recordedSteps = part.steps
    await mkv.finish(part)
    const last = segmentElements(part.bytes).at(-1)
    assert.equal(last?.id === CUES, cuesBehindMedia)
    const finishedSteps = part.steps
    const { writer, startMs } = await mkv.openForAppend(part, options)
    assert.equal(part.steps, finishedSteps, 'final until something is written')
    await writePart(writer, part, source.units, startMs)
    await mkv.finish(part)

    const all = payloadsByTrack([...units, ...source.units])
    const path = folder.at('state.mkv')
    let before = [0, 0]
    // The many outputs of a long recording are alike; the others are all looked at.
    const steps = Array.from({ length: part.steps }, (_, i) => i + 1).filter(
      (step) => step >= 3 && (step < 8 || step > recordedSteps - 2),
    )
    for (const step of steps) {
      const state = await part.stateAfter(step)
      const label = `step ${step} of ${recordedSteps}, ${finishedSteps}, ${part.steps}`
      const seen = await mkv.inspect(state)
      const played = await readableUnits(path, state.bytes, all)
      assert.deepEqual(played, counts(seen.tracks), label)
      assert.ok(
        played.every((count, index) => count >= (before[index] ?? 0)),
        `${label}: something is gone`,
      )
      before = played
      const summary = await mkv.finish(state)
      assert.deepEqual(counts(summary.tracks), counts(seen.tracks), label)
      assert.deepEqual(await readableUnits(path, state.bytes, all), played, label)
      assert.equal((await mkv.inspect(state)).finished, true)
      const { bytes } = state
      assert.deepEqual(await mkv.finish(state), summary)
      assert.deepEqual(state.bytes, bytes)
    }
    assert.deepEqual(
      before,
      all.map((payloads) => payloads.length),
    )
    await assertPayloads(path, part.bytes, payloadHashes([...units, ...source.units], [1, 2]))
  })
}

test('cut anywhere, a part keeps every whole cluster, plays before and after it is finished', async () => {
  await using folder = await TempFolder.make()
  const source = await smallSource(folder)
  const units = repeated(source.units, 3)
  const part = new MemoryPart()
  await writePart(mkv.open(writerOptions(source)), part, units)
  const { bytes } = part
  const expected = payloadsByTrack(units)
  const elements = segmentElements(bytes)
  const [first] = elements.filter(({ id }) => id === CLUSTER)
  assert.ok(first !== undefined)
  const records = elements.filter(({ id, position }) => id === 'ec' && position > HEAD_BYTES)
  const ends = records.map(({ contentAt, contentBytes }) => contentAt + contentBytes)
  const path = folder.at('cut.mkv')
  const cutAt = async (cut: number, isJudged: boolean) => {
    const torn = new MemoryPart(bytes.subarray(0, cut))
    const wholeAt = ends.findLast((end) => end <= cut) ?? 0
    const whole = counts((await mkv.inspect(new MemoryPart(bytes.subarray(0, wholeAt)))).tracks)
    const seen = await mkv.inspect(torn)
    assert.deepEqual(counts(seen.tracks), whole, `cut at ${cut}`)
    assert.equal(seen.tornBytes, cut - wholeAt)
    if (isJudged) {
      const played = await readableUnits(path, torn.bytes, expected)
      assert.ok(
        played.every((count, index) => count >= (whole[index] ?? 0)),
        `cut at ${cut}: ${played} of ${whole}`,
      )
    }
    const summary = await mkv.finish(torn)
    assert.deepEqual(counts(summary.tracks), whole)
    assert.equal(summary.bytes, wholeAt)
    if (isJudged) assert.deepEqual(await readableUnits(path, torn.bytes, expected), whole, `cut at ${cut}`)
    assert.equal((await mkv.inspect(torn)).finished, true)
  }
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: first.position, max: bytes.length }), (cut) => cutAt(cut, false)),
    { numRuns: 200 },
  )
  // Before its first cluster is whole, a part holds nothing that must play.
  const [, , ...later] = ends
  for (const end of later)
    for (const cut of [end - 9, end - 1, end, end + 3, end + 13, end + 5000]) {
      if (cut <= bytes.length) await cutAt(cut, true)
    }
})

test('Cues torn behind the media disturb nobody', async () => {
  await using folder = await TempFolder.make()
  const source = await smallSource(folder, MANY_KEY_FRAMES)
  const units = repeated(source.units, 26)
  const part = new SnapshotPart()
  await writePart(mkv.open(writerOptions(source, { expectedSeconds: 1 })), part, units)
  const recordedBytes = part.sizeBytes
  const recordedSteps = part.steps
  await mkv.finish(part)
  const { bytes } = await part.stateAfter(recordedSteps + 1)
  assert.ok(bytes.length > recordedBytes)
  const path = folder.at('torn.mkv')
  const hashes = payloadHashes(units, [1, 2])
  for (const tornBytes of [1, 9, bytes.length - recordedBytes - 1]) {
    const torn = new MemoryPart(bytes.subarray(0, recordedBytes + tornBytes))
    await assertPayloads(path, torn.bytes, hashes)
    assert.equal((await mkv.inspect(torn)).tornBytes, tornBytes)
    await mkv.finish(torn)
    assert.deepEqual(torn.bytes, part.bytes)
  }
})

test('a head that a power cut has left without its index is noticed, and the index made again', async () => {
  await using folder = await TempFolder.make()
  const source = await smallSource(folder)
  const part = new MemoryPart()
  await writePart(mkv.open(writerOptions(source)), part, source.units)
  const recorded = part.bytes
  const summary = await mkv.finish(part)
  const finished = part.bytes
  const lost = recorded.slice()
  lost.set(finished.subarray(0, HEAD_BYTES))
  const half = finished.slice()
  half.fill(0, HEAD_BYTES + 40, HEAD_BYTES + 80)
  const short = finished.subarray(0, finished.length - 2000)
  for (const [what, bytes] of Object.entries({ lost, half, short })) {
    const cut = new MemoryPart(bytes)
    assert.equal((await mkv.inspect(cut)).finished, false, what)
    const repaired = await mkv.finish(cut)
    assert.equal((await mkv.inspect(cut)).finished, true)
    if (what === 'short') assert.ok(repaired.durationMs < summary.durationMs)
    else assert.deepEqual(cut.bytes, finished, what)
  }
  // More than the head speaks of: bytes that were appended before it was changed.
  const long = new MemoryPart(new Uint8Array(Buffer.concat([finished, recorded.subarray(-3000)])))
  assert.equal((await mkv.inspect(long)).tornBytes, 3000)
  await mkv.finish(long)
  assert.deepEqual(long.bytes, finished)
})

async function smallSource(folder: TempFolder, encoding: readonly string[] = []): Promise<ElementarySource> {
  return await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2, size: '160x90', encoding })
}

/** The units again and again, each time two seconds later. */
function repeated(units: readonly SourceUnit[], times: number): SourceUnit[] {
  return Array.from({ length: times }, (_, time) =>
    // Sound lasts a little longer than two seconds.
    later(
      units.filter(({ dts, format }) => dts / format.timescale < 2),
      time * 2,
    ),
  ).flat()
}

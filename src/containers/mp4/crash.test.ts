import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import {
  assertPayloads,
  payloadHashes,
  payloadsByTrack,
  readableUnits,
  topLevelBoxes,
} from '#test/support/mp4-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { SnapshotPart } from '#test/support/snapshot-part.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'
import { createMp4 } from './mp4.ts'

/** Room for the index: ample; enough for one index but not for two; too small for any. */
const ROOMS = [
  { name: 'ample', indexBytes: 1024 * 1024, seconds: 3, movieAt: 'front' },
  { name: 'tight', indexBytes: 0, seconds: 3, movieAt: 'front' },
  { name: 'outgrown', indexBytes: 0, seconds: 9, movieAt: 'end' },
]

const counts = (tracks: readonly { accessUnits: number }[]) => tracks.map((track) => track.accessUnits)

for (const { name, indexBytes, seconds, movieAt } of ROOMS) {
  const mp4 = createMp4({ indexBytes })

  test(`${name} room: every state of recording, finishing and appending plays and can be finished`, async () => {
    await using folder = await TempFolder.make()
    const { first, second } = await twoSources(folder, seconds)
    const part = new SnapshotPart()
    await writePart(mp4.open(writerOptions(first)), part, first.units)
    const recordedSteps = part.steps
    await mp4.finish(part)
    assert.equal(topLevelBoxes(part.bytes).at(movieAt === 'end' ? -1 : 2), 'moov')
    const finishedSteps = part.steps
    const { writer, startMs } = await mp4.openForAppend(part, writerOptions(second))
    await writePart(writer, part, second.units, startMs)
    await mp4.finish(part)

    const all = payloadsByTrack([...first.units, ...second.units])
    const path = folder.at('state.mp4')
    let before = [0, 0]
    for (let step = 3; step <= part.steps; step++) {
      const state = await part.stateAfter(step)
      const label = `step ${step} of ${recordedSteps}, ${finishedSteps}, ${part.steps}`
      const seen = await mp4.inspect(state)
      const played = await readableUnits(path, state.bytes, all)
      assert.deepEqual(played, padded(counts(seen.tracks)), label)
      assert.ok(
        played.every((count, index) => count >= (before[index] ?? 0)),
        `${label}: something is gone`,
      )
      before = played
      const summary = await mp4.finish(state)
      assert.deepEqual(counts(summary.tracks), counts(seen.tracks), label)
      assert.deepEqual(await readableUnits(path, state.bytes, all), played, label)
      assert.equal((await mp4.inspect(state)).finished, true)
    }
    assert.deepEqual(
      before,
      all.map((payloads) => payloads.length),
    )
    await assertPayloads(path, part.bytes, payloadHashes([...first.units, ...second.units], [1, 2]))
  })
}

test('cut anywhere, a part plays up to its last whole fragment, and finishing keeps every whole access unit', async () => {
  await using folder = await TempFolder.make()
  const { first } = await twoSources(folder, 4)
  const mp4 = createMp4({ indexBytes: 4096 })
  const part = new MemoryPart()
  await writePart(mp4.open(writerOptions(first)), part, first.units)
  const expected = payloadsByTrack(first.units)
  const { bytes } = part
  const { ends, moofs } = fragments(bytes)
  for (const moof of moofs) assert.ok(Math.floor(moof.at / 4096) === Math.floor((moof.endAt - 1) / 4096))
  const start = ends[0] ?? 0
  // A killed write ends between two pages; anything else (a lost power supply, a copy that broke off) anywhere
  const pages = Array.from({ length: Math.floor((bytes.length - start) / 12_288) }, (_, i) => start + 12_288 * (i + 1))
  const atPages = pages.map((position) => position - (position % 4096)).filter((position) => position > start)
  const anywhere = Array.from(
    { length: 12 },
    (_, i) => start + 1 + (((i * 7919 + 13) * 104_729) % (bytes.length - start)),
  )
  const path = folder.at('cut.mp4')
  for (const cut of [...atPages, ...ends.flatMap((end) => [end - 1, end, end + 1, end + 9, end + 200]), ...anywhere]) {
    if (cut < start || cut > bytes.length) continue
    const torn = new MemoryPart(bytes.subarray(0, cut))
    const wholeAt = ends.findLast((end) => end <= cut) ?? start
    const whole = padded(counts((await mp4.inspect(new MemoryPart(bytes.subarray(0, wholeAt)))).tracks))
    const seen = await mp4.inspect(torn)
    // Before its first fragment is whole, a part holds nothing that must play
    if (wholeAt > start && !moofs.some((moof) => cut > moof.at && cut < moof.endAt)) {
      const played = await readableUnits(path, torn.bytes, expected)
      assert.ok(
        played.every((count, index) => count >= (whole[index] ?? 0)),
        `cut at ${cut}: ${played} of ${whole}`,
      )
    }
    const summary = await mp4.finish(torn)
    assert.deepEqual(counts(summary.tracks), counts(seen.tracks))
    if (seen.tracks.every((track) => track.accessUnits === 0)) continue
    assert.deepEqual(await readableUnits(path, torn.bytes, expected), padded(counts(seen.tracks)), `cut at ${cut}`)
    assert.ok(padded(counts(seen.tracks)).every((count, index) => count >= (whole[index] ?? 0)))
  }
})

test('an index torn at the end of the file disturbs nobody', async () => {
  await using folder = await TempFolder.make()
  const { first, second } = await twoSources(folder, 9)
  const mp4 = createMp4({ indexBytes: 0 })
  const part = new SnapshotPart()
  await writePart(mp4.open(writerOptions(first)), part, first.units)
  const recordedBytes = part.sizeBytes
  const recordedSteps = part.steps
  await mp4.finish(part)
  assert.ok(part.sizeBytes > recordedBytes, 'the index outgrew the room')
  const finishedBytes = part.sizeBytes
  const finishedSteps = part.steps
  const { writer, startMs } = await mp4.openForAppend(part, writerOptions(second))
  assert.equal(part.sizeBytes, finishedBytes, 'final until there is something to append')
  await writePart(writer, part, second.units, startMs)
  const hashes = payloadHashes(first.units, [1, 2])
  for (const [steps, wholeBytes] of [
    [recordedSteps + 1, recordedBytes],
    [finishedSteps + 1, finishedBytes],
  ] as const) {
    const { bytes } = await part.stateAfter(steps)
    assert.ok(bytes.length > wholeBytes)
    for (const tornBytes of [9, bytes.length - wholeBytes - 1]) {
      const torn = new MemoryPart(bytes.subarray(0, wholeBytes + tornBytes))
      const path = folder.at('torn.mp4')
      await assertPayloads(path, torn.bytes, hashes)
      assert.equal((await mp4.inspect(torn)).tornBytes, tornBytes)
      await mp4.finish(torn)
      assert.equal(torn.sizeBytes, finishedBytes)
      await assertPayloads(path, torn.bytes, hashes)
    }
  }
})

/** @param seconds of the first */
async function twoSources(
  folder: TempFolder,
  seconds: number,
): Promise<{ first: ElementarySource; second: ElementarySource }> {
  const first = await makeSource(folder, { video: 'h264', audio: 'aac', seconds, size: '160x90' })
  const second = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2, size: '128x96' })
  return { first, second }
}

/** Two tracks always, in case only the first has samples so far. */
const padded = (tracks: readonly number[]): number[] => [tracks[0] ?? 0, tracks[1] ?? 0]

/** Where the first moof begins and each fragment ends, and where the moofs lie. */
function fragments(bytes: Uint8Array): { ends: number[]; moofs: { at: number; endAt: number }[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const ends: number[] = []
  const moofs: { at: number; endAt: number }[] = []
  for (let at = 0; at + 8 <= bytes.length; at += view.getUint32(at)) {
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString()
    if (type === 'moof') moofs.push({ at, endAt: at + view.getUint32(at) })
    if (type === 'moof' && ends.length === 0) ends.push(at)
    if (type === 'mdat') ends.push(at + view.getUint32(at))
  }
  return { ends, moofs }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerWriter } from '#containers/container.ts'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { topLevelBoxes } from '#test/support/mp4-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { SnapshotPart } from '#test/support/snapshot-part.ts'
import { writerOptions } from '#test/support/write-part.ts'
import { serialize } from './box.ts'
import { readLayout } from './layout.ts'
import { readMediaIndex } from './media-index.ts'
import { moov } from './moov.ts'
import { createMp4, mp4 } from './mp4.ts'
import { finishedMovie } from './timeline.ts'

const VIDEO = testVideo()
const AUDIO = testAudio()

/** Tiny pictures, 50 a second, at times with jitter and reordering; and a sound every other. Applies and releases all. */
async function record(writer: ContainerWriter, part: MemoryPart, pictures: number, fromMs = 0): Promise<void> {
  const make = unitMaker()
  const pump = async () => {
    for (let output = writer.takeOutput(); output !== undefined; output = writer.takeOutput()) {
      await part.apply(output.changes)
      for (const accessUnit of output.accessUnits) accessUnit.release()
    }
  }
  for (let i = 0; i < pictures; i++) {
    const atMs = fromMs + 20 * i + (i % 3)
    const options = { key: i % 100 === 0, bytes: 10 + (i % 7), fill: i, compositionMs: (i % 4) * 20 }
    const units = [make(VIDEO, atMs, options), ...(i % 2 === 0 ? [make(AUDIO, fromMs + 20 * i, { bytes: 5 })] : [])]
    for (const unit of units) {
      writer.write(unit, unit)
      unit.release()
    }
    if (writer.hasOutput) await pump()
  }
  writer.flush('end')
  await pump()
}

const recorded = async (pictures: number) => {
  const part = new MemoryPart()
  await record(mp4.open(writerOptions({ formats: [VIDEO, AUDIO] })), part, pictures)
  return part
}

/** The finished index as the bytes it would be, and where it came from. */
async function indexOf(part: MemoryPart, withCheckpoints: boolean) {
  const layout = await readLayout(part)
  const room = withCheckpoints ? layout.room : { ...layout.room, checkpointAt: 0 }
  const index = await readMediaIndex(part, { ...layout, room })
  return { ...index, bytes: serialize(moov(finishedMovie(layout.movie, index.sections), false)) }
}

test('checkpoints give the same index as all fragment headers, byte by byte', async () => {
  const part = await recorded(9000)
  const quick = await indexOf(part, true)
  const full = await indexOf(part, false)
  assert.ok(quick.checkpoints >= 4, `${quick.checkpoints} checkpoints`)
  assert.equal(quick.scannedFragments, 0, 'the last one is written at the end')
  assert.equal(full.checkpoints, 0)
  assert.deepEqual(quick.bytes, full.bytes)
  assert.equal(quick.endAt, full.endAt)
})

test('after a crash, what follows the last checkpoint is read from its fragments', async () => {
  const part = await recorded(9000)
  const { room } = await readLayout(part)
  const cut = new MemoryPart(part.bytes.subarray(0, room.checkpointAt - 1000))
  // The pointer leads beyond the end now: everything is read
  assert.equal((await indexOf(cut, true)).checkpoints, 0)
  const inner = await indexOf(cut, false)
  assert.deepEqual((await indexOf(cut, true)).bytes, inner.bytes)

  const writer = mp4.open(writerOptions({ formats: [VIDEO, AUDIO] }))
  const torn = new SnapshotPart()
  await record(writer, torn, 4000)
  const state = await torn.stateAfter(torn.steps - 3)
  const quick = await indexOf(state, true)
  assert.ok(quick.checkpoints >= 1)
  assert.ok(quick.scannedFragments > 10)
  assert.deepEqual(quick.bytes, (await indexOf(state, false)).bytes)
})

test('a checkpoint that is damaged is not believed', async () => {
  const part = await recorded(9000)
  const { bytes } = await indexOf(part, true)
  const { room } = await readLayout(part)
  for (const at of [room.checkpointAt + 5, room.checkpointAt + 60, room.checkpointAt + 3000, 72]) {
    const damaged = part.bytes
    damaged[at] = (damaged[at] ?? 0) ^ 0x55
    const index = await indexOf(new MemoryPart(damaged), true)
    assert.equal(index.checkpoints, 0, `byte ${at}`)
    if (at !== room.checkpointAt + 5) assert.deepEqual(index.bytes, bytes)
  }
})

test('a part that was appended to has checkpoints of its own', async () => {
  const part = await recorded(3000)
  await mp4.finish(part)
  const first = await mp4.inspect(part)
  const { writer, startMs } = await mp4.openForAppend(part, writerOptions({ formats: [VIDEO, AUDIO] }))
  assert.ok(startMs >= first.durationMs)
  await record(writer, part, 6000, startMs)
  const quick = await indexOf(part, true)
  assert.ok(quick.checkpoints >= 2)
  assert.deepEqual(quick.bytes, (await indexOf(part, false)).bytes)
  const summary = await mp4.finish(part)
  assert.deepEqual(
    summary.tracks.map((track) => track.accessUnits),
    [9000, 4500],
  )
})

test('a moof larger than a page appears only when all of it is there', async () => {
  const container = createMp4({ indexBytes: 4096 })
  const part = new SnapshotPart()
  const formats = [VIDEO, AUDIO]
  await record(container.open(writerOptions({ formats }, { fragmentMs: 20_000 })), part, 2000)
  const last = await part.stateAfter(part.steps)
  const exposed = topLevelBoxes(last.bytes).filter((type) => type === 'moof').length
  assert.ok(exposed >= 2)
  for (let step = 3; step <= part.steps; step++) {
    const state = await part.stateAfter(step)
    const { tracks } = await container.inspect(state)
    const summary = await container.finish(state)
    assert.deepEqual(summary.tracks, tracks)
  }
  const summary = await container.finish(part)
  assert.deepEqual(
    summary.tracks.map((track) => track.accessUnits),
    [2000, 1000],
  )
})

test('a finished index that a power failure swallowed is made again', async () => {
  for (const pictures of [500, 30_000]) {
    const part = new MemoryPart()
    const container = createMp4({ indexBytes: 100_000 })
    await record(container.open(writerOptions({ formats: [VIDEO, AUDIO] })), part, pictures)
    const unfinishedBytes = part.sizeBytes
    const summary = await container.finish(part)
    const bytes = part.bytes
    const { movieAt, movieBytes } = await readLayout(part)
    assert.equal(movieAt > unfinishedBytes - 1, pictures === 30_000, 'in the room, or at the end')
    bytes.fill(0, movieAt, movieAt + movieBytes)
    const damaged = new MemoryPart(bytes)
    assert.equal((await container.inspect(damaged)).finished, false)
    assert.deepEqual(await container.finish(damaged), summary)
    assert.equal((await container.inspect(damaged)).finished, true)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PayloadMemory } from '#media/payload-memory.ts'
import type { TrackFormat } from '#media/track.ts'
import { type ElementarySource, makeSource, type SourceUnit, toAccessUnit } from '#test/support/elementary-source.ts'
import {
  assertPayloads,
  describedSource,
  payloadHashes,
  payloadsByTrack,
  readableUnits,
} from '#test/support/mp4-judges.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { SnapshotPart } from '#test/support/snapshot-part.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'
import { createMp4, mp4 } from './mp4.ts'
import type { Mp4Writer } from './writer.ts'

type Step = SourceUnit | { readonly change: TrackFormat }

/** Writes units and announces formats; changes must be possible. */
async function writeSteps(writer: Mp4Writer, part: SnapshotPart, steps: readonly Step[]): Promise<void> {
  const memory = new PayloadMemory()
  const pump = async () => {
    for (let output = writer.takeOutput(); output !== undefined; output = writer.takeOutput()) {
      await part.apply(output.changes)
      for (const accessUnit of output.accessUnits) accessUnit.release()
    }
  }
  for (const step of steps) {
    if ('change' in step) {
      assert.equal(writer.changeFormat(step.change), true)
    } else {
      const accessUnit = toAccessUnit(memory, step)
      writer.write(accessUnit, step)
      accessUnit.release()
    }
    if (writer.hasOutput) await pump()
  }
  writer.flush('end')
  await pump()
}

/** The units of another source, later, as the same tracks with its formats. */
function later(source: ElementarySource, seconds: number): SourceUnit[] {
  return source.units.map((unit) => {
    const shift = seconds * unit.format.timescale
    return { ...unit, dts: unit.dts + shift, pts: unit.pts + shift }
  })
}

const open = (formats: readonly TrackFormat[], indexBytes = 1024 * 1024): Mp4Writer =>
  createMp4({ indexBytes }).open(writerOptions({ formats })) as Mp4Writer

test('a late track and a new size join the file; every state on the way plays', async () => {
  await using folder = await TempFolder.make()
  const small = describedSource(await makeSource(folder, { video: 'vp9', audio: 'aac', seconds: 3, size: '160x90' }))
  const large = describedSource(await makeSource(folder, { video: 'vp9', audio: 'aac', seconds: 2, size: '320x180' }))
  const [video, audio] = small.formats
  const [newVideo] = large.formats
  assert.ok(video && audio && newVideo)
  const early = small.units.filter((unit) => unit.format === video || unit.dts >= audio.timescale)
  const firstSound = early.findIndex((unit) => unit.format === audio)
  const changed = later(large, 4).map((unit) => (unit.format.kind === 'audio' ? { ...unit, format: audio } : unit))
  const steps: Step[] = [
    ...early.slice(0, firstSound),
    { change: audio },
    ...early.slice(firstSound),
    { change: newVideo },
    ...changed,
    { change: video }, // back to what the file knows: no new sample entry
    ...later(small, 7),
  ]
  const units = steps.filter((step): step is SourceUnit => !('change' in step))
  const part = new SnapshotPart()
  await writeSteps(open([video]), part, steps)
  const path = folder.at('state.mp4')
  const all = payloadsByTrack(units)
  let before = [0, 0]
  for (let step = 3; step <= part.steps; step++) {
    const state = await part.stateAfter(step)
    const played = await readableUnits(path, state.bytes, all)
    assert.ok(played.every((count, index) => count >= (before[index] ?? 0)))
    before = played
    const summary = await mp4.finish(state)
    assert.deepEqual(await readableUnits(path, state.bytes, all), played)
    assert.equal(summary.tracks[0]?.accessUnits, played[0])
  }
  await mp4.finish(part)
  await assertPayloads(path, part.bytes, payloadHashes(units, [1, 2]))
  const probed = await ffprobe(path)
  const soundStart = probed.packets.find((packet) => packet.stream_index === 1)?.pts_time
  const sound = early[firstSound]
  const first = Math.min(...units.map((unit) => unit.pts / unit.format.timescale))
  assert.ok(sound && Math.abs(Number(soundStart) - (sound.pts / audio.timescale - first)) < 0.0005)
})

test('a room too small for another moov asks for a new part', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90' })
  const [video, audio] = source.formats
  assert.ok(video && audio)
  const writer = open([video], 4096 - 48 - 64)
  const memory = new PayloadMemory()
  for (const unit of source.units.filter((other) => other.format === video)) {
    const accessUnit = toAccessUnit(memory, unit)
    writer.write(accessUnit, unit)
    accessUnit.release()
  }
  writer.flush('interval')
  const accepted: boolean[] = []
  for (let trackId = 2; trackId < 12; trackId++) accepted.push(writer.changeFormat({ ...audio, trackId }))
  assert.equal(accepted[0], true)
  assert.equal(accepted.at(-1), false)
})

test('what players cannot follow within a track asks for a new part', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90' })
  const [video, audio] = source.formats
  assert.ok(video?.kind === 'video' && audio?.kind === 'audio')
  const part = new SnapshotPart()
  const writer = open(source.formats)
  await writePart(writer, part, source.units)
  assert.equal(writer.changeFormat({ ...video, codec: 'h265' }), false)
  const configuration = Uint8Array.from([...video.configuration, 0])
  assert.equal(writer.changeFormat({ ...video, configuration }), false, 'Chromium would stop there')
  assert.equal(writer.changeFormat({ ...audio, timescale: 48_000, sampleRateHz: 48_000 }), false)
  assert.equal(writer.changeFormat({ ...audio, channels: audio.channels + 1 }), false)
  assert.equal(writer.changeFormat({ ...video }), true, 'the same again')
})

test('appending another codec adds a track; an unfinished part is finished first', async () => {
  await using folder = await TempFolder.make()
  const first = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1.2, size: '160x90' })
  const second = await makeSource(folder, { video: 'h265', audio: 'aac', seconds: 1.2, size: '160x90' })
  const part = new SnapshotPart()
  await writePart(mp4.open(writerOptions(first)), part, first.units)
  const { writer, startMs } = await mp4.openForAppend(part, writerOptions(second))
  await writePart(writer, part, second.units, startMs)
  const summary = await mp4.finish(part)
  assert.deepEqual(
    summary.tracks.map((track) => track.codec),
    ['h264', 'aac', 'h265'],
  )
  assert.ok((summary.tracks[2]?.startMs ?? 0) >= startMs)
  const [picture] = payloadHashes(first.units, [1])
  const [newPicture] = payloadHashes(second.units, [1])
  const [sound] = payloadHashes([...first.units, ...second.units], [2])
  await assertPayloads(folder.at('both.mp4'), part.bytes, [picture ?? '', sound ?? '', newPicture ?? ''])
})

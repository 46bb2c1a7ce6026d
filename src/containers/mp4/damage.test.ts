import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TapedeckError } from '#base/error.ts'
import type { PartSummary } from '#containers/container.ts'
import { DamagedError, NotOursError, TornHeadError } from '#containers/errors.ts'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { assertThrowsOnlyTapedeckErrors } from '#test/support/bytes.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { writerOptions } from '#test/support/write-part.ts'
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts'
import { readFragment } from './fragment-reader.ts'
import { readMovie } from './movie-reader.ts'
import { createMp4 } from './mp4.ts'
import { SampleSectionBuilder } from './sample-section.ts'

const FORMATS = [testVideo(), testAudio()]
const mp4 = createMp4({ indexBytes: 3000 })

async function smallPart(): Promise<MemoryPart> {
  const part = new MemoryPart()
  const writer = mp4.open(writerOptions({ formats: FORMATS }))
  const make = unitMaker()
  for (let i = 0; i < 60; i++) {
    for (const format of FORMATS) {
      const unit = make(format, i * 40, {
        bytes: 20 + (i % 5),
        key: i % 10 === 0,
        fill: i,
        compositionMs: (i % 3) * 40,
      })
      writer.write(unit, unit)
      unit.release()
    }
  }
  writer.flush('end')
  const output = writer.takeOutput()
  await part.apply(output?.changes ?? [])
  return part
}

const counts = ({ tracks }: PartSummary) => tracks.map((track) => track.accessUnits)

/** Content of the first box of a type at the top level. */
function contentOf(bytes: Uint8Array, type: string): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < bytes.length; at += view.getUint32(at)) {
    const found = Buffer.from(bytes.subarray(at + 4, at + 8)).toString()
    if (found === type) return bytes.slice(at + 8, at + view.getUint32(at))
  }
  throw new Error(`no ${type}`)
}

test('foreign files, empty ones and beginnings are refused and left alone', async () => {
  const foreign = new MemoryPart(new Uint8Array(5000))
  await assert.rejects(mp4.finish(foreign), NotOursError)
  await assert.rejects(mp4.openForAppend(foreign, writerOptions({ formats: FORMATS })), NotOursError)
  assert.deepEqual(foreign.applied, [])
  await assert.rejects(mp4.inspect(new MemoryPart()), TornHeadError)
  const { bytes } = await smallPart()
  await assert.rejects(mp4.finish(new MemoryPart(bytes.subarray(0, 4096 + 20))), TornHeadError)
  // With what follows it there, it is more than a beginning.
  await assert.rejects(mp4.finish(new MemoryPart(bytes.fill(0, 4096, 4096 + 20))), DamagedError)
})

test('boxes from anywhere give a value or an error of ours', async () => {
  const part = await smallPart()
  const fragments = contentOf(part.bytes, 'moof')
  const unfinished = contentOf(part.bytes, 'moov')
  await mp4.finish(part)
  assertThrowsOnlyTapedeckErrors(readMovie, [unfinished, contentOf(part.bytes, 'moov')])
  assertThrowsOnlyTapedeckErrors(readFragment, [fragments])
  const builder = new SampleSectionBuilder(0, 0)
  builder.addSample(10, 0, 0, 20, true)
  builder.addChunk(100, 1, 1)
  const section = builder.take()
  const checkpoint = { position: 500, coversFrom: 0, previous: [], sections: new Map([[1, section]]) }
  const encoded = encodeCheckpoint(checkpoint)
  assert.deepEqual(decodeCheckpoint(encoded), checkpoint)
  assertThrowsOnlyTapedeckErrors(decodeCheckpoint, [encoded])
})

test('whatever happens to a file, it is inspected and finished, or refused with an error of ours', async () => {
  const recording = await smallPart()
  const finished = await smallPart()
  await mp4.finish(finished)
  // Where headers and tables are: payloads don't matter
  const seeds = [recording.bytes, finished.bytes]
  const positions = fc.array(fc.tuple(fc.nat({ max: 12_000 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...seeds), positions, fc.nat({ max: 16_000 }), async (seed, edits, cut) => {
      const bytes = seed.slice(0, Math.max(1, seed.length - (cut % 3 === 0 ? cut : 0)))
      for (const [position, value] of edits) bytes[position % bytes.length] = value
      try {
        await mp4.inspect(new MemoryPart(bytes))
        const part = new MemoryPart(bytes)
        const summary = await mp4.finish(part)
        assert.deepEqual(counts(await mp4.finish(part)), counts(summary))
      } catch (error) {
        assert.ok(error instanceof TapedeckError, String(error instanceof Error ? error.stack : error))
      }
    }),
    { numRuns: 400 },
  )
})

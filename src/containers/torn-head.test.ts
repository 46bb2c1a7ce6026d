import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { placeUnits, writerOptions } from '#test/support/write-part.ts'
import type { Container } from './container.ts'
import { NotOursError, TornHeadError } from './errors.ts'
import { flv } from './flv/flv.ts'
import { createMp4 } from './mp4/mp4.ts'
import { mpegts } from './mpegts/mpegts.ts'
import { mkv, webm } from './webm/webm.ts'

let folder: TempFolder
let h264: ElementarySource
let vp8: ElementarySource
before(async () => {
  folder = await TempFolder.make()
  h264 = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90' })
  vp8 = await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: 1, size: '160x90' })
})
after(() => folder[Symbol.asyncDispose]())

const CASES: readonly { container: Container; source: () => ElementarySource }[] = [
  { container: createMp4({ indexBytes: 0 }), source: () => h264 },
  { container: flv, source: () => h264 },
  { container: mpegts, source: () => h264 },
  { container: mkv, source: () => h264 },
  { container: webm, source: () => vp8 },
]

for (const { container, source } of CASES) {
  test(`${container.name}: a fresh file cut anywhere before its first access unit is told from a damaged one`, async () => {
    const { formats, units } = source()
    const part = new MemoryPart()
    // Room for an index of a second, so that there are few bytes to cut at.
    const writer = container.open(writerOptions({ formats }, { expectedSeconds: 1 }))
    const [first] = units
    assert.ok(first !== undefined)
    await placeUnits(writer, part, [first])
    const { bytes } = part
    // What TS puts between has no place in the payload's beginning.
    const mediaAt = Buffer.from(bytes).indexOf(first.payload.subarray(4, 24))
    assert.ok(mediaAt > 0)
    let tornTo = 0
    for (let cut = 0; cut <= bytes.length; cut++) {
      const cutOff = new MemoryPart(bytes.subarray(0, cut))
      try {
        const { tracks } = await container.finish(cutOff)
        const found = tracks.reduce((sum, { accessUnits }) => sum + accessUnits, 0)
        assert.ok(found === 0 || cut > mediaAt, `cut at ${cut}`)
      } catch (error) {
        assert.ok(error instanceof TornHeadError, `cut at ${cut}: ${error}`)
        assert.ok(cut <= mediaAt, `cut at ${cut}, behind what is recorded`)
        assert.equal(cut, tornTo++, 'it is whole from some byte on')
        assert.deepEqual(cutOff.applied, [])
        assert.equal(cutOff.sizeBytes, cut)
      }
    }
    assert.ok(tornTo > 100)
  })

  test(`${container.name}: what begins otherwise is not ours, however short it is`, async () => {
    for (const text of ['n', 'not a film', 'not a film but a poem about one'.repeat(60)]) {
      const foreign = new MemoryPart(Buffer.from(text))
      await assert.rejects(container.finish(foreign), NotOursError)
      assert.deepEqual(foreign.applied, [])
    }
  })
}

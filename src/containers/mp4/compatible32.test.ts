import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeSource } from '#test/support/elementary-source.ts'
import {
  assertDecodes,
  assertOpensElsewhere,
  assertPayloads,
  assertTimes,
  describedSource,
  payloadHashes,
  topLevelBoxes,
} from '#test/support/mp4-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'
import { serialize } from './box.ts'
import { parseBoxHeader, viewOf } from './box-reader.ts'
import { moov } from './moov.ts'
import { createMp4, mp4 } from './mp4.ts'

const CONTAINERS = ['moov', 'trak', 'edts', 'mdia', 'minf', 'stbl', 'dinf']
const FULL_BOXES = ['mvhd', 'tkhd', 'mdhd', 'elst', 'ctts', 'hdlr', 'stts', 'stsc', 'stsz', 'stco', 'stss']

interface SeenBox {
  readonly type: string
  /** Of full boxes. */
  readonly version: number | undefined
  readonly headerBytes: number
}

/** Every box of a finished file, in order. */
function allBoxes(bytes: Uint8Array): SeenBox[] {
  const seen: SeenBox[] = []
  for (let at = 0; at < bytes.length; ) {
    const header = parseBoxHeader(bytes.subarray(at))
    assert.ok(header !== undefined)
    const { type, headerBytes, sizeBytes } = header
    const content = bytes.subarray(at + headerBytes, at + sizeBytes)
    seen.push({ type, headerBytes, version: FULL_BOXES.includes(type) ? viewOf(content).getUint8(0) : undefined })
    if (CONTAINERS.includes(type)) seen.push(...allBoxes(content))
    at += sizeBytes
  }
  return seen
}

function assertNarrow(boxes: readonly SeenBox[]): void {
  for (const { type, version, headerBytes } of boxes) {
    assert.equal(headerBytes, 8, `${type} has a 32-bit size`)
    assert.ok(version === undefined || version === 0, `${type} is of version 0`)
    assert.notEqual(type, 'co64')
  }
}

test('with 32-bit headers: no wide field, in a file that plays everywhere, appended to as well', async () => {
  await using folder = await TempFolder.make()
  const source = describedSource(await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1.4 }))
  const hashes = payloadHashes(
    source.units,
    source.formats.map(({ trackId }) => trackId),
  )
  const part = new MemoryPart()
  await writePart(mp4.open({ ...writerOptions(source), compatible32: true }), part, source.units)
  const summary = await mp4.finish(part)
  assert.deepEqual(topLevelBoxes(part.bytes), ['ftyp', 'free', 'moov', 'free', 'free', 'mdat'])
  assertNarrow(allBoxes(part.bytes))
  const path = folder.at('narrow.mp4')
  await assertPayloads(path, part.bytes, hashes)
  await assertTimes(path, source)
  await assertOpensElsewhere(path, source.formats.length)
  await assertDecodes(path)
  assert.deepEqual(await mp4.finish(part), summary)

  // What the file was begun as counts, whoever appends.
  await mp4.openForAppend(part, writerOptions(source))
  await mp4.finish(part)
  assertNarrow(allBoxes(part.bytes))
  await assertPayloads(folder.at('appended.mp4'), part.bytes, hashes)
})

test('without: the size of mdat is wide from the beginning', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', seconds: 0.5 })
  const part = new MemoryPart()
  await writePart(mp4.open(writerOptions(source)), part, source.units)
  await mp4.finish(part)
  assert.equal(allBoxes(part.bytes).find(({ type }) => type === 'mdat')?.headerBytes, 16)
})

test('an index that outgrew its room leaves 32-bit headers too', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1 })
  const part = new MemoryPart()
  const tiny = createMp4({ indexBytes: 64 })
  await writePart(tiny.open({ ...writerOptions(source), compatible32: true }), part, source.units)
  await tiny.finish(part)
  assertNarrow(allBoxes(part.bytes))
})

for (const compatible32 of [false, true]) {
  test(`times beyond 32 bits: ${compatible32 ? 'all ones' : 'version 1'}`, () => {
    const wide = { creationSeconds: 2 ** 32 + 5, compatible32, tracks: [] }
    const [, mvhd] = allBoxes(serialize(moov(wide, false)))
    assert.equal(mvhd?.version, compatible32 ? 0 : 1)
  })
}

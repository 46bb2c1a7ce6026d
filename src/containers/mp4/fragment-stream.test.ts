import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PayloadMemory } from '#media/payload-memory.ts'
import { makeSource, toAccessUnit } from '#test/support/elementary-source.ts'
import { assertPayloads, assertTimes, payloadHashes, topLevelBoxes } from '#test/support/mp4-judges.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { mp4Fragments } from './mp4.ts'

test('an initialization segment, then fragments of a fifth of a second that give the payloads back', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2, size: '160x90' })
  const memory = new PayloadMemory()
  const pieces: Uint8Array[] = []
  const stream = mp4Fragments.open(source.formats, 0)
  for (const unit of source.units) {
    const accessUnit = toAccessUnit(memory, unit)
    stream.write(accessUnit, unit)
    accessUnit.release()
    pieces.push(...stream.take())
  }
  stream.flush()
  pieces.push(...stream.take())
  assert.equal(memory.inUseBytes, 0)
  const [first, ...fragments] = pieces
  assert.deepEqual(topLevelBoxes(first ?? new Uint8Array()), ['ftyp', 'moov'])
  assert.ok(fragments.length >= 8, `${fragments.length} fragments in two seconds`)
  for (const fragment of fragments) assert.deepEqual(topLevelBoxes(fragment), ['moof', 'mdat'])
  const path = folder.at('live.mp4')
  await assertPayloads(path, Buffer.concat(pieces), payloadHashes(source.units, [1, 2]))
  await assertTimes(path, source)
})

test('a viewer who leaves gives everything back', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', seconds: 0.5, size: '160x90' })
  const memory = new PayloadMemory()
  {
    using stream = mp4Fragments.open(source.formats, 0)
    for (const unit of source.units) {
      const accessUnit = toAccessUnit(memory, unit)
      stream.write(accessUnit, unit)
      accessUnit.release()
    }
  }
  assert.equal(memory.inUseBytes, 0)
})

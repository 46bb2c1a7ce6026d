import assert from 'node:assert/strict'
import fc from 'fast-check'
import { TapedeckError } from '#base/error.ts'
import type { Container, PartSummary } from '#containers/container.ts'
import type { ElementarySource, SourceUnit } from './elementary-source.ts'
import { MemoryPart } from './part-bytes.ts'
import { type PlacedUnit, writePart, writerOptions } from './write-part.ts'

/** A part as a recorder leaves it before it is finished. */
export async function recorded(
  container: Container,
  source: ElementarySource,
  units: readonly SourceUnit[] = source.units,
): Promise<MemoryPart> {
  const part = new MemoryPart()
  await writePart(container.open(writerOptions(source)), part, units)
  return part
}

/** How many access units each track has. */
export const unitCounts = (summary: PartSummary): number[] => summary.tracks.map(({ accessUnits }) => accessUnits)

/**
 * Cut anywhere from `fromByte` on, a part keeps every access unit that was whole, and what is finished is left alone.
 * @param placed its access units, in its source's tracks, and where each ends
 */
export async function assertKeepsWholeUnits(
  container: Container,
  { formats }: Pick<ElementarySource, 'formats'>,
  whole: MemoryPart,
  placed: readonly PlacedUnit[],
  fromByte: number,
): Promise<void> {
  const { bytes } = whole
  const property = fc.asyncProperty(fc.integer({ min: fromByte, max: bytes.length }), async (end) => {
    const part = new MemoryPart(bytes.subarray(0, end))
    const finished = await container.finish(part)
    const expected = formats.map(
      (format) => placed.filter(({ unit, endPosition }) => unit.format === format && endPosition <= end).length,
    )
    assert.deepEqual(unitCounts(finished), expected)
    assert.equal(finished.bytes, part.sizeBytes)
    const after = part.bytes
    assert.deepEqual(await container.finish(part), finished)
    assert.deepEqual(part.bytes, after)
    assert.equal((await container.inspect(part)).finished, true)
  })
  await fc.assert(property, { numRuns: 200 })
}

/** What others wrote, or nobody, is refused with an error of the container's, and left alone. */
export async function assertRefusesStrangers(container: Container, strangers: fc.Arbitrary<Uint8Array>): Promise<void> {
  const property = fc.asyncProperty(strangers, async (bytes) => {
    const part = new MemoryPart(bytes)
    const acts = [
      () => container.finish(part),
      () => container.inspect(part),
      () => container.openForAppend(part, writerOptions({ formats: [] })),
    ]
    for (const act of acts) {
      await assert.rejects(act, (error) => error instanceof TapedeckError && error.code.startsWith('container/'))
    }
    assert.equal(part.applied.length, 0)
  })
  await fc.assert(property, { numRuns: 100 })
}

/**
 * With bytes changed, a file of ours is used, or refused with an error of ours.
 * @param place where bytes change; default: anywhere
 */
export async function assertStandsChanges(
  whole: Uint8Array,
  use: (part: MemoryPart) => Promise<unknown>,
  place: fc.Arbitrary<number> = fc.nat(whole.length - 1),
): Promise<void> {
  const change = fc.record({ at: place, to: fc.nat(255) })
  const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
    const bytes = whole.slice()
    for (const { at, to } of changes) bytes[at] = to
    try {
      await use(new MemoryPart(bytes))
    } catch (error) {
      assert.ok(error instanceof TapedeckError, String(error))
    }
  })
  await fc.assert(property, { numRuns: 100 })
}

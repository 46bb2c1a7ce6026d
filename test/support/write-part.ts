import { strict as assert } from 'node:assert'
import type { ContainerWriter, PartBytes, WriterOptions } from '#containers/container.ts'
import { rescale } from '#media/clock.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import type { TrackFormat } from '#media/track.ts'
import { type ElementarySource, type SourceUnit, toAccessUnit } from './elementary-source.ts'

/** Options for a part of these tracks, as a recorder would give them. */
export function writerOptions(
  source: Pick<ElementarySource, 'formats'>,
  rest: Partial<WriterOptions> = {},
): WriterOptions {
  return {
    formats: source.formats,
    createdAtMs: Date.UTC(2026, 10, 20, 12),
    expectedSeconds: 0,
    fragmentMs: 900,
    continuation: undefined,
    ...rest,
  }
}

/**
 * Does with a writer what the recorder does: writes, applies each output before the next, releases. Checks that every
 * access unit comes back once, in order, and that no memory stays in use.
 * @returns the number of outputs
 */
export async function writePart(
  writer: ContainerWriter,
  part: PartBytes,
  units: readonly SourceUnit[],
  startMs = 0,
): Promise<number> {
  const memory = new PayloadMemory()
  const written: Uint8Array[] = []
  let outputs = 0
  const pump = async () => {
    for (let output = writer.takeOutput(); output !== undefined; output = writer.takeOutput()) {
      outputs++
      await part.apply(output.changes)
      for (const accessUnit of output.accessUnits) {
        written.push(accessUnit.payload.slice())
        accessUnit.release()
      }
    }
  }
  const announced = new Map<number, TrackFormat>()
  for (const unit of units) {
    const accessUnit = toAccessUnit(memory, unit)
    if (announced.get(unit.format.trackId) !== unit.format) assert.ok(writer.changeFormat(unit.format, accessUnit))
    announced.set(unit.format.trackId, unit.format)
    const shiftTicks = rescale(Math.round(startMs * 1000), 1_000_000, unit.format.timescale)
    writer.write(accessUnit, { dts: unit.dts + shiftTicks, pts: unit.pts + shiftTicks })
    accessUnit.release()
    if (writer.hasOutput) await pump()
  }
  writer.flush('end')
  await pump()
  assert.equal(written.length, units.length, 'every access unit is in one output')
  assert.equal(memory.inUseBytes, 0, 'the writer retains nothing')
  return outputs
}

/** One unit and where in the file its last byte lies. */
export interface PlacedUnit {
  readonly unit: SourceUnit
  readonly endPosition: number
}

/** Writes unit by unit, so that the place of each is known without any reader. Not ended: as if killed. */
export async function placeUnits(
  writer: ContainerWriter,
  part: PartBytes,
  units: readonly SourceUnit[],
): Promise<PlacedUnit[]> {
  const memory = new PayloadMemory()
  const placed: PlacedUnit[] = []
  for (const unit of units) {
    const accessUnit = toAccessUnit(memory, unit)
    writer.write(accessUnit, unit)
    accessUnit.release()
    writer.flush('interval')
    const output = writer.takeOutput()
    assert.ok(output !== undefined)
    await part.apply(output.changes)
    for (const done of output.accessUnits) done.release()
    placed.push({ unit, endPosition: part.sizeBytes })
  }
  return placed
}

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Change, PartBytes } from '#containers/container.ts'
import { AccessUnit } from '#media/access-unit.ts'
import { PayloadMemory, Reservation } from '#media/payload-memory.ts'
import { testVideo } from '#test/support/access-units.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writerOptions } from '#test/support/write-part.ts'
import { mp4 } from './mp4.ts'

const PAYLOAD_BYTES = 2 * 1024 * 1024
const PICTURES = 2200 // 4.6 GB

test('positions beyond 4 GiB', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', seconds: 0.2, size: '160x90' })
  const [format = testVideo()] = source.formats
  const path = folder.at('large.mp4')
  await using file = await open(path, 'w+')
  const payload = new PayloadMemory().take(PAYLOAD_BYTES)
  let sizeBytes = 0
  /** Payloads become holes, all else is written. */
  const change = async (item: Change) => {
    if (item.kind === 'extend') sizeBytes = item.toBytes
    if (item.kind === 'write') await file.write(item.bytes, 0, item.bytes.length, item.position)
    for (const buffer of item.kind === 'append' ? item.buffers : []) {
      if (buffer.buffer !== payload.bytes.buffer) await file.write(buffer, 0, buffer.length, sizeBytes)
      sizeBytes += buffer.length
    }
  }
  const part: PartBytes = {
    get sizeBytes() {
      return sizeBytes
    },
    async read(position, bytes) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, position)
      return buffer.subarray(0, bytesRead)
    },
    async apply(changes) {
      for (const item of changes) await change(item)
      await file.truncate(sizeBytes)
    },
    async truncate(toBytes) {
      sizeBytes = toBytes
      await file.truncate(toBytes)
    },
  }
  const writer = mp4.open(writerOptions({ formats: [format] }))
  const ticks = format.timescale / 25
  for (let i = 0; i < PICTURES; i++) {
    payload.retain()
    const timing = { dts: i * ticks, pts: i * ticks, isRandomAccess: true }
    const unit = new AccessUnit(format, timing, new Reservation(payload, 0, PAYLOAD_BYTES - (i % 100)))
    writer.write(unit, timing)
    unit.release()
    if (i === PICTURES - 1) writer.flush('end')
    const output = writer.takeOutput()
    if (output !== undefined) await part.apply(output.changes)
    for (const accessUnit of output?.accessUnits ?? []) accessUnit.release()
  }
  assert.ok(sizeBytes > 2 ** 32)
  const recorded = await lastPackets(path)
  const summary = await mp4.finish(part)
  assert.equal(summary.tracks[0]?.accessUnits, PICTURES)
  assert.equal(summary.durationMs, PICTURES * 40)
  const finished = await lastPackets(path)
  assert.deepEqual(finished, recorded)
  const last = finished.at(-1)
  assert.equal(last?.size, PAYLOAD_BYTES - ((PICTURES - 1) % 100))
  assert.ok(last.pos > 2 ** 32)

  await mp4.openForAppend(part, writerOptions({ formats: [format] }))
  assert.deepEqual(await lastPackets(path), finished)
  assert.deepEqual(await mp4.finish(part), { ...summary, bytes: sizeBytes })
  assert.deepEqual(await lastPackets(path), finished)
})

/** Place and size of the packets of the last fifth of a second, as ffprobe sees them. */
async function lastPackets(path: string): Promise<{ pos: number; size: number }[]> {
  const { stdout } = await promisify(execFile)('ffprobe', [
    ...[
      '-v',
      'quiet',
      '-read_intervals',
      `${PICTURES / 25 - 0.2}%`,
      '-show_entries',
      'packet=pos,size',
      '-of',
      'json',
      path,
    ],
  ])
  const { packets } = JSON.parse(stdout) as { packets: { pos: string; size: string }[] }
  return packets.map(({ pos, size }) => ({ pos: Number(pos), size: Number(size) }))
}

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { encodeAmf0 } from '#media/flv/amf0.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import { makeSource, type SourceUnit, toAccessUnit } from '#test/support/elementary-source.ts'
import { dataTags, walkFlv } from '#test/support/flv-walker.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { program } from '#test/support/programs.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'
import type { ContainerWriter } from '../container.ts'
import { flv } from './flv.ts'

/** The n-th thing a publisher says; every third in AMF3. */
const said = (n: number) => {
  const body = encodeAmf0(n % 2 === 0 ? 'onCuePoint' : 'onChapter', { text: `this is number ${n}`, n })
  return n % 3 === 2
    ? { encoding: 'amf3' as const, timeMs: 0, body: Uint8Array.of(0, ...body) }
    : { encoding: 'amf0' as const, timeMs: 0, body }
}

const atMs = (unit: SourceUnit) => Math.round((unit.dts * 1000) / unit.format.timescale)

/** Of one track's packets, as ffmpeg reads them. */
async function hashOf(path: string, kind: string): Promise<string> {
  const { stdout } = await program('ffmpeg', [
    '-v',
    'error',
    '-i',
    path,
    '-map',
    `0:${kind}`,
    '-c',
    'copy',
    '-f',
    'md5',
    '-',
  ])
  return stdout
}

/** Writes units, and a message after every tenth of them. Gives the file's size after each step, and what was said. */
async function writeWithData(writer: ContainerWriter, part: MemoryPart, units: readonly SourceUnit[]) {
  const memory = new PayloadMemory()
  const messages: { readonly timestampMs: number; readonly type: number; readonly body: Buffer }[] = []
  let dataBytes = 0
  for (const [index, unit] of units.entries()) {
    const accessUnit = toAccessUnit(memory, unit)
    writer.write(accessUnit, unit)
    accessUnit.release()
    if (index % 10 === 9) {
      const message = said(messages.length)
      writer.data?.(message, atMs(unit))
      const type = message.encoding === 'amf3' ? 15 : 18
      messages.push({ timestampMs: atMs(unit), type, body: Buffer.from(message.body) })
    }
    if (index === units.length - 1) writer.flush('interval')
    for (let output = writer.takeOutput(); output !== undefined; output = writer.takeOutput()) {
      dataBytes += output.dataBytes ?? 0
      await part.apply(output.changes)
      for (const each of output.accessUnits) each.release()
    }
  }
  assert.equal(
    dataBytes,
    messages.reduce((sum, { body }) => sum + body.length, 0),
  )
  return messages
}

test('FLV: data messages stand where they were said, bit by bit, and readers find the media all the same', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2, size: '160x90' })
  const part = new MemoryPart()
  const writer = flv.open(writerOptions(source))
  const messages = await writeWithData(writer, part, source.units)
  assert.ok(messages.length > 10)
  writer.flush('end')
  await part.apply(writer.takeOutput()?.changes ?? [])
  const summary = await flv.finish(part)
  assert.equal(
    summary.tracks.reduce((sum, { accessUnits }) => sum + accessUnits, 0),
    source.units.length,
  )
  assert.deepEqual(dataTags(Buffer.from(part.bytes)), messages)
  const path = folder.at('said.flv')
  await writeFile(path, part.bytes)
  // It takes cue points for texts, everything else for data, and passes over AMF3.
  const shown = ['-show_entries', 'packet=codec_type,dts_time:stream=codec_name:format=duration', '-of', 'csv']
  const { stdout } = await program('ffprobe', ['-v', 'error', '-fpsprobesize', '10000', ...shown, path])
  const seen = [...stdout.matchAll(/^packet,(?:data|subtitle),(.*)$/gm)].map(([, time]) =>
    Math.round(Number(time) * 1000),
  )
  const readable = messages.filter(({ type }) => type === 18).map(({ timestampMs }) => timestampMs)
  assert.deepEqual(seen, readable)
  const duration = Number(/^format,(.*)$/m.exec(stdout)?.[1])
  assert.ok(Math.abs(duration - summary.durationMs / 1000) < 0.05, String(duration))
  for (const kind of ['v', 'a']) assert.deepEqual(await hashOf(path, kind), await hashOf(source.path, kind))
})

test('FLV: wherever a file with data messages is cut off, what is whole is finished and can be appended to', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90' })
  const part = new MemoryPart()
  const messages = await writeWithData(flv.open(writerOptions(source)), part, source.units)
  const whole = part.bytes
  const tagEnds: number[] = []
  let end = 13
  for (const { body } of walkFlv(Buffer.from(whole))) {
    end += 11 + body.length + 4
    tagEnds.push(end)
  }
  for (const cut of tagEnds.slice(5).flatMap((at) => [at, at - 1, at + 5])) {
    const torn = new MemoryPart(whole.slice(0, cut))
    const before = await flv.inspect(torn)
    const summary = await flv.finish(torn)
    assert.deepEqual(summary.tracks, before.tracks)
    assert.equal((await flv.inspect(torn)).finished, true)
    const kept = dataTags(Buffer.from(torn.bytes))
    const wholeTags = walkFlv(
      Buffer.from(
        whole.slice(
          0,
          tagEnds.findLast((at) => at <= cut),
        ),
      ),
    )
    assert.deepEqual(kept, messages.slice(0, kept.length))
    // Nothing is lost but what is torn, and configurations that count for nothing.
    const media = wholeTags.filter(({ type }) => type === 8 || type === 9).length
    const counted = summary.tracks.reduce((sum, { accessUnits }) => sum + accessUnits, 0)
    assert.ok(counted >= media - 2, `${counted} of ${media} at ${cut}`)
    const { writer, startMs } = await flv.openForAppend(torn, writerOptions(source))
    await writePart(writer, torn, source.units, startMs)
    await flv.finish(torn)
    assert.deepEqual(dataTags(Buffer.from(torn.bytes)), kept)
  }
})

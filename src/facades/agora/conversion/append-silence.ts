import type { Container, ContainerWriter } from '#containers/container.ts'
import { decoderConfiguration } from '#containers/mp4/esds.ts'
import { readLayout } from '#containers/mp4/layout.ts'
import { parseAudioSpecificConfig } from '#media/aac/audio-specific-config.ts'
import { AccessUnit } from '#media/access-unit.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import type { AudioFormat } from '#media/track.ts'
import type { PartFile } from '#storage/part-file.ts'

/** Object type of AAC-LC, the one whose silence is known here. */
const AAC_LC = 2

/** One raw_data_block of AAC-LC without any spectrum, by channels. ISO/IEC 14496-3 table 4.3. */
const SILENCE: Readonly<Record<number, readonly number[]>> = {
  1: [0x00, 0xc8, 0x00, 0x80, 0x23, 0x80],
  2: [0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80],
}

/**
 * Goes on with the AAC track of an MP4 of ours in silence. Files without such a track, or with sound of more than two
 * channels, stay as they are. The file is to be finished afterwards.
 */
export async function appendSilence(file: PartFile, container: Container, seconds: number): Promise<void> {
  await container.finish(file)
  const format = await soundFormat(file)
  const silence = format === undefined ? undefined : SILENCE[format.channels]
  if (format === undefined || silence === undefined) return
  const options = { formats: [format], createdAtMs: 0, expectedSeconds: seconds, fragmentMs: 1_000 }
  const { writer, ends } = await container.openForAppend(file, { ...options, continuation: undefined })
  const { timescale, samplesPerAccessUnit, trackId } = format
  const startTicks = Math.round(((ends.get(trackId)?.endDtsMs ?? 0) * timescale) / 1000)
  const count = Math.ceil((seconds * timescale) / samplesPerAccessUnit)
  using arena = new PayloadMemory().arena()
  for (let index = 0; index < count; index++) {
    const ticks = startTicks + index * samplesPerAccessUnit
    const place = arena.reserve(silence.length)
    place.bytes.set(silence)
    const accessUnit = new AccessUnit(format, { dts: ticks, pts: ticks, isRandomAccess: true }, place)
    writer.write(accessUnit, { dts: ticks, pts: ticks })
    accessUnit.release()
    if (writer.hasOutput) await drain(writer, file)
  }
  writer.flush('end')
  await drain(writer, file)
}

/** The AAC-LC track of a finished MP4, as its publisher announced it. */
async function soundFormat(file: PartFile): Promise<AudioFormat | undefined> {
  const { movie } = await readLayout(file)
  const track = movie.tracks.find(({ codec }) => codec === 'aac')
  const found = decoderConfiguration('audio', track?.sampleEntries.at(-1) ?? new Uint8Array(0))
  if (track === undefined || found === undefined) return undefined
  const { objectType, channels, sbr, outputSampleRateHz } = parseAudioSpecificConfig(found.configuration)
  if (objectType !== AAC_LC || sbr) return undefined
  return {
    trackId: track.id,
    kind: 'audio',
    codec: 'aac',
    timescale: track.timescale,
    configuration: found.configuration,
    announcedBitrateBps: found.averageBitrateBps,
    language: track.language,
    sampleRateHz: outputSampleRateHz,
    channels,
    samplesPerAccessUnit: Math.round((1024 * track.timescale) / outputSampleRateHz),
  }
}

async function drain(writer: ContainerWriter, file: PartFile): Promise<void> {
  for (let output = writer.takeOutput(); output !== undefined; output = writer.takeOutput()) {
    await file.apply(output.changes)
    for (const accessUnit of output.accessUnits) accessUnit.release()
  }
}

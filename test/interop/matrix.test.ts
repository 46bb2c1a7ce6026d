import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CONTAINER_NAMES, type ContainerName } from '#containers/container.ts'
import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { program, publishWithFfmpeg8 } from '#test/support/programs.ts'
import { assertRecordingOf, assertVerified, type Expected, JudgedSource } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { allContainers } from '../../src/server.ts'

/**
 * Container × codec × ending: published over RTMP by programs of others, recorded by a whole server, judged by
 * FFmpeg 5.1 and FFmpeg 8. One publication serves all containers at once, so that everything fits into a minute.
 */

interface Case {
  readonly video: VideoCodec
  readonly audio: AudioCodec
  /** Debian's ffmpeg, in real time; or FFmpeg 8's enhanced RTMP, as fast as the server takes it. */
  readonly publisher: 'ffmpeg' | 'FFmpeg 8'
  /** Pictures that depend on later ones, where the encoder makes them only on request. */
  readonly bPictures?: number
}

const EVERYDAY: readonly Case[] = [
  { video: 'h264', audio: 'aac', publisher: 'ffmpeg', bPictures: 0 },
  { video: 'h264', audio: 'aac', publisher: 'ffmpeg', bPictures: 2 },
  { video: 'h264', audio: 'mp3', publisher: 'ffmpeg', bPictures: 2 },
  { video: 'h265', audio: 'aac', publisher: 'FFmpeg 8' },
  { video: 'av1', audio: 'aac', publisher: 'FFmpeg 8' },
  { video: 'vp9', audio: 'opus', publisher: 'FFmpeg 8' },
  { video: 'h264', audio: 'opus', publisher: 'FFmpeg 8', bPictures: 0 },
]
const FURTHER: readonly Case[] = [
  { video: 'h265', audio: 'opus', publisher: 'FFmpeg 8' },
  { video: 'h265', audio: 'mp3', publisher: 'FFmpeg 8' },
  { video: 'av1', audio: 'opus', publisher: 'FFmpeg 8' },
  { video: 'vp9', audio: 'aac', publisher: 'FFmpeg 8' },
  { video: 'vp9', audio: 'mp3', publisher: 'FFmpeg 8' },
  { video: 'h264', audio: 'ac3', publisher: 'FFmpeg 8', bPictures: 2 },
  { video: 'h264', audio: 'eac3', publisher: 'FFmpeg 8', bPictures: 0 },
  { video: 'av1', audio: 'flac', publisher: 'FFmpeg 8' },
]
const CASES = process.env['LONG_TESTS'] === undefined ? EVERYDAY : [...EVERYDAY, ...FURTHER]

const SECONDS = 3

/** So that a busy machine, which starts publishers one after the other, kills the server while all of them publish. */
const SECONDS_AT_A_KILL = 12

/** Publications at a time: more would only wait for the processor. */
const PUBLISHERS = 4

/** Not too many for all of them to be in full swing at the kill. */
const PUBLISHED_AT_A_KILL = 7

interface Prepared extends Case {
  /** Of the stream and of the files. */
  readonly name: string
  readonly source: JudgedSource
  readonly containers: readonly ContainerName[]
}

async function prepare(folder: TempFolder, seconds: number): Promise<readonly Prepared[]> {
  const all = allContainers(1024 * 1024)
  return await Promise.all(
    CASES.map(async (aCase) => {
      const { video, audio, bPictures } = aCase
      const encoding = bPictures === undefined ? [] : ['-bf', String(bPictures)]
      const { path } = await makeSource(folder, { video, audio, seconds, size: '160x90', encoding })
      const containers = CONTAINER_NAMES.filter((name) => all[name].carries(video) && all[name].carries(audio))
      const name = [video, audio, ...(bPictures === 2 ? ['b'] : [])].join('-')
      return { ...aCase, name, source: new JudgedSource(path, [video, audio]), containers }
    }),
  )
}

async function publish(server: ServerProcess, { name, publisher, source }: Prepared, speed?: number): Promise<void> {
  const url = `${server.rtmp}/live/${name}`
  if (publisher === 'FFmpeg 8') return await publishWithFfmpeg8(source.path, url, speed)
  const pace = ['-readrate', String(speed ?? 2)]
  await program('ffmpeg', ['-v', 'error', ...pace, '-i', source.path, '-c', 'copy', '-f', 'flv', url])
}

/** Runs a job for each case, a few at a time, the first ones first. */
async function forEach(cases: readonly Prepared[], job: (aCase: Prepared) => Promise<void>): Promise<void> {
  const waiting = [...cases]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await job(next)
  }
  await Promise.all(Array.from({ length: PUBLISHERS }, work))
}

type Ending = 'clean' | 'rotated' | 'appended' | 'killed' | 'rotated-killed'

const REQUESTS: Readonly<Record<Ending, Partial<RecordingRequest>>> = {
  clean: {},
  rotated: { rotate: { seconds: 1 } },
  appended: { ifExists: 'append' },
  killed: {},
  'rotated-killed': { rotate: { seconds: 1 } },
}
const EXPECTED: Readonly<Record<Ending, Expected>> = {
  clean: { times: 1, cut: false },
  rotated: { times: 1, cut: false },
  appended: { times: 2, cut: false, gap: 'publisher' },
  killed: { times: 1, cut: true, gap: 'restart' },
  'rotated-killed': { times: 1, cut: true, gap: 'restart' },
}

interface Started {
  readonly aCase: Prepared
  readonly ending: Ending
  readonly recording: RecordingDocument
}

/** Asks for recordings of a case in every container before it is published. */
async function start(api: ApiClient, aCase: Prepared, endings: readonly Ending[]): Promise<Started[]> {
  const started: Started[] = []
  for (const ending of endings) {
    for (const format of aCase.containers) {
      const name = `${ending}/${aCase.name}`
      const audio = { codec: 'copy' } as const
      const request = { stream: `live/${aCase.name}`, waitForStream: true, format, name, audio, ...REQUESTS[ending] }
      started.push({ aCase, ending, recording: await api.start(request) })
    }
  }
  return started
}

const label = ({ aCase, ending, recording }: Started) => `${recording.format}, ${aCase.name}, ${ending}`

test('clean, rotated and appended recordings hold what was sent', { timeout: 600_000 }, async (t) => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  const cases = await prepare(folder, SECONDS)
  await using server = await startServerProcess(folder.path)
  const api = new ApiClient(server)
  const started: Started[] = []
  await forEach(cases, async (aCase) => {
    const first = await start(api, aCase, ['clean', 'rotated', 'appended'])
    await publish(server, aCase)
    for (const { recording } of first) await api.untilProved(recording.id)
    const again = await start(api, aCase, ['appended'])
    await publish(server, aCase)
    for (const { recording } of again) await api.untilProved(recording.id)
    assert.deepEqual(
      again.map(({ recording }) => recording.id),
      first.filter(({ ending }) => ending === 'appended').map(({ recording }) => recording.id),
      'an appended recording goes on under its id',
    )
    started.push(...first)
  })
  for (const each of started) {
    await t.test(label(each), async () => {
      const recording = await api.recording(each.recording.id)
      assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
      if (each.ending === 'rotated') assert.equal(recording.parts.length, SECONDS, 'parts')
      else assert.equal(recording.parts.length, 1, 'parts')
      await assertRecordingOf(recording, each.aCase.source, EXPECTED[each.ending])
      await assertVerified(folder.path, recording)
    })
  }
})

test('recordings of a killed server are finished at the next start', { timeout: 600_000 }, async (t) => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  const cases = await prepare(folder, SECONDS_AT_A_KILL)
  for (let at = 0; at < cases.length; at += PUBLISHED_AT_A_KILL) {
    const started = await startAndKill(folder, cases.slice(at, at + PUBLISHED_AT_A_KILL))
    await using server = await startServerProcess(folder.path)
    const api = new ApiClient(server)
    for (const each of started) {
      await t.test(label(each), async () => {
        const recording = await api.untilProved(each.recording.id)
        assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
        await assertRecordingOf(recording, each.aCase.source, EXPECTED[each.ending])
        await assertVerified(folder.path, recording)
      })
    }
  }
})

async function startAndKill(folder: TempFolder, cases: readonly Prepared[]): Promise<Started[]> {
  await using server = await startServerProcess(folder.path)
  const api = new ApiClient(server)
  const started: Started[] = []
  for (const aCase of cases) started.push(...(await start(api, aCase, ['killed', 'rotated-killed'])))
  const publishing = Promise.allSettled(cases.map((aCase) => publish(server, aCase, 1)))
  for (const { recording } of started) {
    await api.until(recording.id, 'recording', ({ state }) => state === 'recording')
  }
  await sleep(1_000)
  await server.kill()
  await publishing
  return started
}

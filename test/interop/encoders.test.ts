import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { ApiClient } from '#test/support/api-client.ts'
import { H264_CONTAINERS } from '#test/support/containers.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { PacedPublisher } from '#test/support/paced-publisher.ts'
import { program } from '#test/support/programs.ts'
import { assertRecordingOf, assertVerified, JudgedSource } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Encoders as people use them, recorded into every container at once, and many of them at a time. */

/** What OBS's default profile sends, small: 30 fps, B-pictures, a key frame every two seconds, 160 kbit/s at 48 kHz. */
const OBS_ENCODING = [
  '-r',
  '30',
  '-bf',
  '2',
  '-g',
  '60',
  '-keyint_min',
  '60',
  '-ar',
  '48000',
  '-ac',
  '2',
  '-b:a',
  '160k',
]

function gstreamer(path: string, sink: string): Promise<unknown> {
  const pipeline =
    `filesrc location=${path} ! qtdemux name=d flvmux name=m streamable=true ! ${sink} ` +
    'd.video_0 ! h264parse ! queue ! m. d.audio_0 ! aacparse ! queue ! m.'
  return program('gst-launch-1.0', ['-q', ...pipeline.split(' ')])
}

/** What GStreamer sends, in a file: it leaves out access units that the source's edit list hides. */
async function sentByGstreamer({ path }: ElementarySource): Promise<string> {
  await gstreamer(path, `filesink location=${path}.gst.flv`)
  const media = ['-map', '0:v', '-map', '0:a', '-c', 'copy'] // and not the metadata, which ffmpeg shows as subtitles
  await program('ffmpeg', ['-v', 'error', '-i', `${path}.gst.flv`, ...media, `${path}.sent.flv`])
  return `${path}.sent.flv`
}

const ENCODERS: readonly {
  readonly name: string
  readonly encoding: readonly string[]
  /** How far it moves times by itself. */
  readonly movedMs?: number
  /** The file that holds what it sends. Default: the source. */
  readonly sent?: (source: ElementarySource) => Promise<string>
  readonly publish: (source: ElementarySource, rtmp: string) => Promise<unknown>
}[] = [
  {
    name: 'GStreamer’s rtmp2sink',
    encoding: ['-bf', '0'],
    // What lies before zero (the priming of AAC) goes to zero: its first two access units have one timestamp.
    movedMs: 25,
    sent: sentByGstreamer,
    publish: ({ path }, rtmp) => gstreamer(path, `rtmp2sink location=${rtmp}/live/cam1`),
  },
  {
    name: 'ffmpeg with the settings of OBS',
    encoding: OBS_ENCODING,
    publish: ({ path }, rtmp) => {
      const output = ['-c', 'copy', '-flvflags', 'no_duration_filesize', '-f', 'flv', `${rtmp}/live/cam1`]
      return program('ffmpeg', ['-v', 'error', '-readrate', '2', '-i', path, ...output])
    },
  },
  {
    name: 'an encoder with the chunks of OBS',
    encoding: OBS_ENCODING,
    publish: async ({ units }, rtmp) => {
      using publisher = await PacedPublisher.start({ rtmp, app: 'live', name: 'cam1', units, speed: 2 })
      await publisher.allArrived()
      publisher.finish()
    },
  },
]

async function serverIn(folder: TempFolder, rules: string): Promise<ServerProcess> {
  await writeFile(folder.at('tapedeck.yaml'), `rules: ${rules}\n`)
  return await startServerProcess(folder.path, { env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' } })
}

for (const { name, encoding, movedMs, sent, publish } of ENCODERS) {
  test(`${name}: recorded exactly, in every container`, { timeout: 60_000 }, async () => {
    await using folder = await TempFolder.make()
    const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 5, size: '160x90', encoding })
    const judged = new JudgedSource((await sent?.(source)) ?? source.path, ['h264', 'aac'])
    await using server = await serverIn(folder, '[]')
    const api = new ApiClient(server)
    const ids: string[] = []
    for (const format of H264_CONTAINERS) {
      ids.push((await api.start({ stream: 'live/cam1', waitForStream: true, format, name: format })).id)
    }
    await publish(source, server.rtmp)
    for (const id of ids) {
      const recording = await api.untilProved(id)
      assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
      await assertRecordingOf(recording, judged, { times: 1, cut: false, ...(movedMs !== undefined && { movedMs }) })
      await assertVerified(folder.path, recording)
    }
  })
}

test('thirty encoders at once: every recording complete', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 8, size: '160x90' })
  const judged = new JudgedSource(source.path, ['h264', 'aac'])
  await using server = await serverIn(
    folder,
    JSON.stringify(H264_CONTAINERS.map((format) => ({ match: `${format}/*`, request: { format } }))),
  )
  // Five programs with six connections each: thirty programs would cost more to start than they send.
  const publishers = Array.from({ length: 5 }, (_, number) => {
    const outputs = Array.from({ length: 6 }, (_, output) => {
      const app = H264_CONTAINERS[output % H264_CONTAINERS.length]
      return ['-map', '0', '-c', 'copy', '-f', 'flv', `${server.rtmp}/${app}/cam-${number}-${output}`]
    })
    return program('ffmpeg', ['-v', 'error', '-re', '-i', source.path, ...outputs.flat()])
  })
  await Promise.all(publishers)
  const api = new ApiClient(server)
  const started = await api.recordings()
  assert.equal(started.length, 30)
  for (const { id } of started) {
    const recording = await api.untilProved(id)
    assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
    await assertRecordingOf(recording, judged, { times: 1, cut: false })
  }
})

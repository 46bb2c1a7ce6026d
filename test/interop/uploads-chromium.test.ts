import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { launchChromium, openWatched } from '#test/support/chromium.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { assertVerified } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** What MediaRecorder makes in a browser, uploaded by the page that made it: it plays and seeks. */

const SECONDS = 3

let folder: TempFolder
let server: ServerProcess
let browser: Browser
before(async () => {
  folder = await TempFolder.make()
  server = await startServerProcess(folder.path)
  browser = await launchChromium()
})
after(async () => {
  await browser.close()
  await server[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

for (const { mimeType, format, codecs } of [
  { mimeType: 'video/webm;codecs=vp8,opus', format: 'webm', codecs: ['opus', 'vp8'] },
  { mimeType: 'video/webm;codecs=vp9,opus', format: 'webm', codecs: ['opus', 'vp9'] },
  { mimeType: 'video/webm;codecs=h264,opus', format: 'mp4', codecs: ['h264', 'opus'] },
  { mimeType: 'video/mp4;codecs=avc1.42E01F,opus', format: 'mp4', codecs: ['h264', 'opus'] },
  { mimeType: 'audio/webm;codecs=opus', format: 'mp4', codecs: ['opus'] },
] as const) {
  test(`${mimeType} of MediaRecorder plays and seeks from the library`, async () => {
    const { page, assertClean } = await openWatched(browser, server.page)
    const { recording, hadDuration } = (await page.evaluate(call(recordAndUpload, { mimeType, seconds: SECONDS }))) as {
      recording: RecordingDocument
      hadDuration: boolean
    }
    assert.equal(recording.state, 'ready')
    assert.equal(recording.format, format)
    if (mimeType.startsWith('video/webm')) assert.equal(hadDuration, false, 'nothing had to be done')
    const proved = await new ApiClient(server).untilProved(recording.id)
    await assertVerified(folder.path, proved)
    const seen = await ffprobe(folder.at('recordings', proved.parts[0]?.path ?? ''))
    assert.deepEqual(seen.streams.map(({ codec_name }) => codec_name).sort(), [...codecs].sort())
    assert.ok(Math.abs(Number(seen.format.duration) - SECONDS) < 0.8, seen.format.duration)
    const url = proved.parts.map(({ index }) => `/api/v1/recordings/${recording.id}/parts/${index}`)[0]
    const { duration, soughtTo, error } = (await page.evaluate(call(playAndSeek, { url, toSeconds: 1.5 }))) as {
      duration: number
      soughtTo: number
      error: string
    }
    assert.equal(error, '')
    assert.ok(Math.abs(duration - SECONDS) < 0.8, `duration ${duration}`)
    assert.ok(Math.abs(soughtTo - 1.5) < 0.1, `sought to ${soughtTo}`)
    assertClean()
    await page.context().close()
  })
}

/** The page's types are not the server's: what runs there is text. */
function call(code: string, options: object): string {
  return `(${code})(${JSON.stringify(options)})`
}

/** Runs in the page. */
const recordAndUpload = `async ({ mimeType, seconds }) => {
  const canvas = document.createElement('canvas')
  canvas.width = 320
  canvas.height = 180
  const pen = canvas.getContext('2d')
  let n = 0
  const drawing = setInterval(() => {
    pen.fillStyle = 'hsl(' + ((n += 7) % 360) + ' 80% 50%)'
    pen.fillRect(0, 0, 320, 180)
    pen.fillStyle = '#fff'
    pen.fillRect(n % 320, 60, 40, 40)
  }, 33)
  const audio = new AudioContext()
  const sound = audio.createMediaStreamDestination()
  const tone = audio.createOscillator()
  tone.connect(sound)
  tone.start()
  const pictures = mimeType.startsWith('audio/') ? [] : canvas.captureStream(30).getVideoTracks()
  const recorder = new MediaRecorder(new MediaStream([...pictures, ...sound.stream.getAudioTracks()]), { mimeType })
  const pieces = []
  recorder.ondataavailable = ({ data }) => pieces.push(data)
  const stopped = new Promise((resolve) => { recorder.onstop = resolve })
  recorder.start(250)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  recorder.stop()
  await stopped
  clearInterval(drawing)
  await audio.close()
  const body = new Blob(pieces, { type: mimeType })
  const before = document.createElement('video')
  before.src = URL.createObjectURL(body)
  await new Promise((resolve, reject) => { before.onloadedmetadata = resolve; before.onerror = reject })
  const hadDuration = Number.isFinite(before.duration)
  const answer = await fetch('/api/v1/uploads?stream=browser/local&name=local.webm', { method: 'POST', body })
  if (answer.status !== 201) throw new Error(await answer.text())
  return { recording: await answer.json(), hadDuration }
}`

/** Runs in the page. */
const playAndSeek = `async ({ url, toSeconds }) => {
  const video = document.createElement('video')
  video.src = url
  const once = (name) => new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, { once: true })
    video.addEventListener('error', () => reject(new Error(video.error.message)), { once: true })
  })
  try {
    await once('loadedmetadata')
    const sought = once('seeked')
    video.currentTime = toSeconds
    await sought
    return { duration: video.duration, soughtTo: video.currentTime, error: '' }
  } catch (error) {
    return { duration: video.duration, soughtTo: video.currentTime, error: error.message }
  }
}`

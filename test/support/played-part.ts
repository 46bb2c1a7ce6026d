import { strict as assert } from 'node:assert'
import { createServer } from 'node:http'
import type { Browser } from 'playwright-core'
import { mediaState, waitUntilPlaying } from './chromium.ts'

/** Serves one file with ranges, as recordings are. */
async function serve(bytes: Uint8Array, mimeType: string) {
  const server = createServer((request, response) => {
    if (request.url !== '/part') {
      response.setHeader('content-type', 'text/html').end('<video src="/part" autoplay muted></video>')
      return
    }
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
    const end = to === '' ? bytes.length - 1 : Number(to)
    const status = request.headers.range === undefined ? 200 : 206
    const piece = bytes.subarray(Number(from), end + 1)
    const range = status === 206 ? { 'content-range': `bytes ${from}-${end}/${bytes.length}` } : {}
    const headers = { 'content-type': mimeType, 'accept-ranges': 'bytes', 'content-length': piece.length, ...range }
    response.writeHead(status, headers).end(piece)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    url: `http://127.0.0.1:${address.port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What a page is to make of a part. */
export interface Played {
  readonly mimeType: string
  /** How long it lasts. */
  readonly seconds: number
  /** Nobody has finished it, so it says neither how long it is nor where to seek to. Default false. */
  readonly isWithoutIndex?: boolean
}

/** Chromium plays for half a second, then seeks to within the second half of what should be there. */
export async function assertChromiumPlays(browser: Browser, bytes: Uint8Array, played: Played): Promise<void> {
  const { mimeType, seconds, isWithoutIndex = false } = played
  await using server = await serve(bytes, mimeType)
  const page = await browser.newPage()
  try {
    await page.goto(server.url)
    const video = page.locator('video')
    await waitUntilPlaying(video)
    if (isWithoutIndex) return
    const { duration } = await mediaState(video)
    assert.ok(Math.abs(duration - seconds) < 0.3, `${duration} s instead of ${seconds}`)
    await video.evaluate((element, to) => {
      const media = element as unknown as { currentTime: number; play(): Promise<void> }
      media.currentTime = to
      return media.play()
    }, seconds - 1.5)
    await waitUntilPlaying(video)
    assert.ok((await mediaState(video)).currentTime > seconds - 1.5)
  } finally {
    await page.close()
  }
}

/** Chromium plays all of a part, four times as fast. @returns the sizes of its pictures, as they came */
export async function playedSizes(browser: Browser, bytes: Uint8Array, mimeType: string): Promise<string[]> {
  await using server = await serve(bytes, mimeType)
  const page = await browser.newPage()
  try {
    await page.goto(server.url)
    return await page.evaluate<string[]>(`(${PLAY_ALL})()`)
  } finally {
    await page.close()
  }
}

/** Runs in the page, as BUFFER_ALL does. */
const PLAY_ALL = `async () => {
  const video = document.createElement('video')
  const sizes = []
  video.muted = true
  video.addEventListener('resize', () => sizes.push(video.videoWidth + 'x' + video.videoHeight))
  const ended = new Promise((resolve, reject) => {
    video.addEventListener('ended', resolve)
    video.addEventListener('error', () => reject(new Error('at ' + video.currentTime + ' s: ' + video.error.message)))
  })
  document.body.replaceChildren(video)
  video.src = '/part'
  video.playbackRate = 4
  await video.play()
  await ended
  return sizes
}`

/** All sound of a part as Chromium's decodeAudioData gives it: mono samples at 16 kHz. */
export async function decodedByWebAudio(browser: Browser, bytes: Uint8Array): Promise<Float32Array> {
  await using server = await serve(bytes, 'application/octet-stream')
  const page = await browser.newPage()
  try {
    await page.goto(server.url)
    const samples = await page.evaluate<string>(`(${DECODE_ALL})()`)
    return new Float32Array(Uint8Array.from(Buffer.from(samples, 'base64')).buffer)
  } finally {
    await page.close()
  }
}

/** Runs in the page, as BUFFER_ALL does. */
const DECODE_ALL = `async () => {
  const bytes = await (await fetch('/part')).arrayBuffer()
  const sound = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(bytes)
  const samples = new Uint8Array(sound.getChannelData(0).buffer)
  let text = ''
  for (let at = 0; at < samples.length; at += 32768) text += String.fromCharCode(...samples.subarray(at, at + 32768))
  return btoa(text)
}`

/**
 * Chromium's MediaSource, whose parser is stricter than the one behind `src`, takes all of a part.
 * @returns the seconds it then has, as ranges
 */
export async function bufferedByMediaSource(browser: Browser, bytes: Uint8Array, type: string): Promise<number[][]> {
  await using server = await serve(bytes, 'application/octet-stream')
  const page = await browser.newPage()
  try {
    await page.goto(server.url)
    return await page.evaluate<number[][]>(`(${BUFFER_ALL})(${JSON.stringify(type)})`)
  } finally {
    await page.close()
  }
}

/** Runs in the page; text, because the server's types know no DOM. */
const BUFFER_ALL = `async (type) => {
  const video = document.querySelector('video')
  const source = new MediaSource()
  video.src = URL.createObjectURL(source)
  await new Promise((resolve) => source.addEventListener('sourceopen', resolve))
  const buffer = source.addSourceBuffer(type)
  const bytes = await (await fetch('/part')).arrayBuffer()
  await new Promise((resolve, reject) => {
    buffer.addEventListener('updateend', resolve)
    buffer.addEventListener('error', () => reject(new Error('refused: ' + video.error?.message)))
    buffer.appendBuffer(bytes)
  })
  return Array.from({ length: buffer.buffered.length }, (_, i) => [buffer.buffered.start(i), buffer.buffered.end(i)])
}`

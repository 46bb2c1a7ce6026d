import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PullDocument } from '#control/pull-document.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { beepsOf } from '#test/support/beeps.ts'
import { flashesOf } from '#test/support/flashes.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { assertVerified, partPaths } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Pages with picture and sound, recorded by the system's browser. */

const WAIT_MS = 60_000
const PAGE = join(import.meta.dirname, '../support/recorded-page.in-page.html')
/** Between a flash and its beep: two pictures each way, and what a busy machine adds to a single one. */
const SYNC_MS = { median: 100, one: 250 }

/** Serves the page, and hears what it tells. */
class PageServer implements AsyncDisposable {
  readonly requests: string[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      const url = request.url ?? ''
      this.requests.push(url)
      if (url.startsWith('/missing')) response.writeHead(404).end('nothing here')
      else if (url.startsWith('/page')) {
        readFile(PAGE).then(
          (body) => response.writeHead(200, { 'content-type': 'text/html' }).end(body),
          () => response.writeHead(500).end(),
        )
      } else response.writeHead(204).end()
    })
  }

  static async open(): Promise<PageServer> {
    const server = new PageServer()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  url(rest: string): string {
    return `page+http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${rest}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

async function startServer(folder: TempFolder, config: object = {}): Promise<ServerProcess> {
  const rules = [{ match: '**', request: { reconnectSeconds: 60 } }]
  await writeFile(folder.at('tapedeck.yaml'), JSON.stringify({ rules, ...config }))
  return startServerProcess(folder.path, { env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' } })
}

async function add(server: ServerProcess, path: string, url: string): Promise<PullDocument> {
  const response = await fetch(new URL('api/v1/pulls', server.page), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path, url }),
  })
  assert.equal(response.status, 201, await response.clone().text())
  return (await response.json()) as PullDocument
}

async function remove(server: ServerProcess, { id }: PullDocument): Promise<void> {
  const { status } = await fetch(new URL(`api/v1/pulls/${id}`, server.page), { method: 'DELETE' })
  assert.equal(status, 204)
}

async function until<T>(server: ServerProcess, what: string, find: () => Promise<T | undefined>): Promise<T> {
  const endsMs = performance.now() + WAIT_MS
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (performance.now() > endsMs) throw new Error(`waited too long for ${what}\n${server.log.join('\n')}`)
    await sleep(50)
  }
}

function untilPull(server: ServerProcess, { id }: PullDocument, isIt: (pull: PullDocument) => boolean) {
  return until(server, 'the pull', async () => {
    const response = await fetch(new URL(`api/v1/pulls/${id}`, server.page))
    const pull = (await response.json()) as PullDocument
    return isIt(pull) ? pull : undefined
  })
}

function streaming(server: ServerProcess, pull: PullDocument, attempts = 1): Promise<PullDocument> {
  return untilPull(server, pull, (each) => each.state === 'streaming' && each.attempts >= attempts)
}

/** The one there is, ended. */
async function finished(server: ServerProcess): Promise<RecordingDocument> {
  const api = new ApiClient(server)
  const [recording, ...others] = await api.recordings()
  assert.ok(recording !== undefined, server.log.join('\n'))
  assert.deepEqual(others, [])
  await api.stop(recording.id)
  return api.untilProved(recording.id)
}

interface Process {
  readonly pid: number
  readonly arguments: string
  readonly residentPages: number
}

/** Processes of the browsers of a server. */
function browsersOf(serverPid: number): Process[] {
  const marker = new RegExp(`tapedeck-page-[0-9a-f]{8}-${serverPid}-`)
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const text = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
      const residentPages = Number(readFileSync(`/proc/${name}/statm`, 'utf8').split(' ')[1])
      return marker.test(text) ? [{ pid: Number(name), arguments: text, residentPages }] : []
    } catch {
      return [] // ended meanwhile
    }
  })
}

function profilesOf(serverPid: number): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('tapedeck-page-') && name.includes(`-${serverPid}-`))
}

function pidOf(server: ServerProcess): number {
  const { pid } = server.child
  assert.ok(pid !== undefined)
  return pid
}

/** The part that listens to us; the others are its children. */
function mainBrowser(server: ServerProcess): Process {
  const main = browsersOf(pidOf(server)).find((each) => !each.arguments.includes('--type='))
  assert.ok(main !== undefined)
  return main
}

/** The colour at a place, as `[red, green, blue]`, at a time of the file. */
async function colourAt(path: string, x: number, y: number, seconds: number): Promise<number[]> {
  const crop = `crop=4:4:${x}:${y},scale=1:1,format=gbrp,showinfo`
  const { stderr } = await program('ffmpeg', [
    ...['-v', 'info', '-ss', String(seconds), '-i', path, '-frames:v', '1', '-vf', crop, '-f', 'null', '-'],
  ])
  const [, mean = ''] = /mean:\[([\d ]+)\]/.exec(stderr) ?? []
  const [green = -1, blue = -1, red = -1] = mean.trim().split(' ').map(Number)
  return [red, green, blue]
}

test('a page is seen and heard, its flashes with its beeps, in its size', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await using pages = await PageServer.open()
  await using server = await startServer(folder)
  const pull = await add(server, 'live/page', pages.url('page#route:~:size=640x360&fps=25'))
  await streaming(server, pull)
  const { streams } = (await (await fetch(new URL('api/v1/streams', server.page))).json()) as {
    streams: { protocol: string; encoder: string }[]
  }
  assert.deepEqual(
    streams.map(({ protocol, encoder }) => [protocol, encoder]),
    [['page+http-pull', 'browser 640×360']],
  )
  await sleep(10_000)
  await remove(server, pull)
  const recording = await finished(server)
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  assert.deepEqual(recording.ledger.gaps, [])
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [])
  const probed = await ffprobe(path)
  assert.deepEqual(
    probed.streams.map(({ codec_name, width, height, channels }) => [codec_name, width ?? channels, height]).toSorted(),
    [
      ['aac', 2, undefined],
      ['h264', 640, 360],
    ],
  )
  const pictures = probed.packets.filter(({ stream_index }) => probed.streams[stream_index]?.codec_type === 'video')
  assert.ok(pictures.length > 50, `${pictures.length} pictures`)
  // The page was told its size, and nothing of what was meant for us.
  assert.ok(pages.requests.includes('/told?hash=%23route&size=640x360'), pages.requests.join('\n'))
  for (const [index, colour] of [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
  ].entries()) {
    const seen = await colourAt(path, 106 + index * 213, 340, 3)
    // By the colour space that the file tells: by the other one green would be 214.
    for (const [channel, value] of colour.entries()) {
      assert.ok(Math.abs((seen[channel] ?? -1_000) - value) < 15, `field ${index}: ${seen} instead of ${colour}`)
    }
  }
  await assertInSync(path)
  await assertVerified(folder.path, recording)
  assert.deepEqual(browsersOf(pidOf(server)), [])
  assert.deepEqual(profilesOf(pidOf(server)), [])
})

async function assertInSync(path: string): Promise<void> {
  const flashes = await flashesOf(path)
  const beeps = (await beepsOf(path)).filter(({ hertz }) => Math.abs(hertz - 1000) < 30)
  assert.ok(beeps.length >= 6, `${beeps.length} beeps`)
  // The first seconds are those in which a browser learns how it can encode.
  const offsets = beeps
    .filter(({ fromMs }) => fromMs > 3_000)
    .map(({ fromMs }) => fromMs - flashes.reduce((a, b) => (Math.abs(b - fromMs) < Math.abs(a - fromMs) ? b : a), 0))
    .toSorted((a, b) => a - b)
  const median = offsets[offsets.length >> 1] ?? Number.NaN
  assert.ok(Math.abs(median) < SYNC_MS.median, `beeps come ${offsets.join(', ')} ms after their flashes`)
  assert.ok(
    offsets.every((each) => Math.abs(each) < SYNC_MS.one),
    `beeps come ${offsets.join(', ')} ms after`,
  )
}

test('pages that reload, and that ask questions, go on in the same part', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await using pages = await PageServer.open()
  await using server = await startServer(folder)
  const pull = await add(server, 'live/page', pages.url('page?reload=2000&ask=1#:~:size=320x240&fps=15'))
  await streaming(server, pull)
  await until(server, 'the other page', async () => (pages.requests.includes('/page') ? true : undefined))
  await sleep(3_000)
  assert.equal((await streaming(server, pull)).attempts, 1)
  const recording = await finished(server)
  assert.equal(recording.state, 'ready')
  assert.equal(partPaths(recording).length, 1)
  assert.deepEqual(recording.ledger.gaps, [])
  assert.ok(recording.durationMs > 3_000, `${recording.durationMs} ms`)
})

test('a crash of the page and the end of its browser are gaps in the recording', { timeout: 180_000 }, async () => {
  await using folder = await TempFolder.make()
  await using pages = await PageServer.open()
  await using server = await startServer(folder)
  const pull = await add(server, 'live/page', pages.url('page?ballast=1#:~:size=320x240&fps=15'))
  await streaming(server, pull)
  await sleep(2_000)
  const [renderer] = browsersOf(pidOf(server))
    .filter((each) => each.arguments.includes('--type=renderer'))
    .toSorted((a, b) => b.residentPages - a.residentPages)
  assert.ok(renderer !== undefined)
  process.kill(renderer.pid, 'SIGSEGV')
  const crashed = await untilPull(server, pull, ({ state }) => state !== 'streaming')
  assert.equal(crashed.lastError?.code, 'pull/page-crashed', JSON.stringify(crashed))
  await streaming(server, pull, 2)
  await sleep(2_000)
  process.kill(mainBrowser(server).pid, 'SIGKILL')
  const killed = await untilPull(server, pull, ({ state }) => state !== 'streaming')
  assert.equal(killed.lastError?.code, 'pull/browser-failed', JSON.stringify(killed))
  await streaming(server, pull, 3)
  await sleep(2_000)
  const recording = await finished(server)
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  const gaps = recording.ledger.gaps.filter(({ track }) => track === 0)
  assert.equal(gaps.length, 2, JSON.stringify(recording.ledger.gaps))
  await assertVerified(folder.path, recording)
})

test('nothing is left of browsers when the server is killed, and the next removes their folders', {
  timeout: 120_000,
}, async () => {
  await using folder = await TempFolder.make()
  await using pages = await PageServer.open()
  await using server = await startServer(folder)
  const pid = pidOf(server)
  await streaming(server, await add(server, 'live/page', pages.url('page#:~:size=320x240&fps=15')))
  assert.ok(browsersOf(pid).length > 0)
  await server.kill()
  await until(server, 'the browser', async () => (browsersOf(pid).length === 0 ? true : undefined))
  assert.equal(profilesOf(pid).length, 1)
  await using next = await startServer(folder)
  // The pull was remembered.
  await until(next, 'the page again', async () => (browsersOf(pidOf(next)).length > 0 ? true : undefined))
  assert.deepEqual(profilesOf(pid), [])
})

test('what can not be recorded says why, and what to do', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await using pages = await PageServer.open()
  await using server = await startServer(folder, { limits: { pages: 1 } })
  const failed = async (url: string) => {
    const pull = await add(server, 'live/refused', url)
    const { lastError } = await untilPull(server, pull, (each) => each.lastError !== null)
    await remove(server, pull)
    return lastError
  }
  assert.equal((await failed(pages.url('missing')))?.code, 'pull/refused')
  assert.equal((await failed('page+http://127.0.0.1:9/'))?.code, 'pull/connect-failed')
  // A page gets neither to files nor to windows of its own.
  const curious = await add(server, 'live/page', pages.url('page?leave=file:///etc/passwd#:~:size=320x240&fps=15'))
  await streaming(server, curious)
  assert.equal((await failed(pages.url('page')))?.code, 'pull/too-many-pages')
  await remove(server, curious)
  for (const url of ['page+http://', 'page+http://host/#:~:size=9x9', 'page+https://host/#:~:fps=0']) {
    const response = await fetch(new URL('api/v1/pulls', server.page), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ path: 'live/wrong', url }),
    })
    assert.equal(response.status, 400, url)
    assert.equal(((await response.json()) as { code: string }).code, 'pull/url-invalid')
  }
})

test('without a browser the pull says how to get one', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServer(folder, { pages: { browser: folder.at('no-such-browser') } })
  const pull = await add(server, 'live/page', 'page+https://example.org/')
  const { lastError } = await untilPull(server, pull, (each) => each.lastError !== null)
  assert.equal(lastError?.code, 'pull/browser-missing')
  assert.match(lastError.message, /apt install chromium/)
})

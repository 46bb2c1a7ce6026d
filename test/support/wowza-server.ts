import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { amfFields } from '#media/flv/amf-value.ts'
import type { AmfEncodable } from '#media/flv/amf0.ts'
import { ApiClient } from './api-client.ts'
import { digestFetch } from './digest-fetch.ts'
import { type ElementarySource, makeSource } from './elementary-source.ts'
import { ffprobe } from './outside-judges.ts'
import { program } from './programs.ts'
import type { RtmpClient } from './rtmp-client.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { SmallDisk } from './small-disk.ts'
import { TempFolder } from './temp-folder.ts'
import { type SeenStatus, TypedPublisher, type TypedPublisherOptions } from './typed-publisher.ts'

/** Who may use both HTTP interfaces. */
export const USER = { name: 'admin', password: 'secret' } as const

/** A server with a folder, and perhaps a disk, of one test's own; started as Flash Media Server. */
export class WowzaServer implements AsyncDisposable {
  readonly folder: TempFolder
  readonly disk: SmallDisk | undefined
  readonly #owned: AsyncDisposableStack
  #server: ServerProcess

  private constructor(
    owned: AsyncDisposableStack,
    folder: TempFolder,
    disk: SmallDisk | undefined,
    server: ServerProcess,
  ) {
    this.#owned = owned
    this.folder = folder
    this.disk = disk
    this.#server = server
  }

  /**
   * @param wowza keys of the facade's section as YAML flow content, e.g. `recordMode: always`
   * @param diskSize recordings go to a file system of this size; needs root
   */
  static async start(wowza: string, diskSize?: `${number}m`): Promise<WowzaServer> {
    await using owned = new AsyncDisposableStack()
    const folder = owned.use(await TempFolder.make())
    const disk =
      diskSize === undefined ? undefined : owned.use(await SmallDisk.mount(folder.at('recordings'), diskSize))
    const doors = "http: { listen: '127.0.0.1:0' }, rest: { listen: '127.0.0.1:0' }"
    const users = `users: [{ name: ${USER.name}, password: ${USER.password} }]`
    const all = [doors, users, wowza].filter((part) => part !== '').join(', ')
    await writeFile(folder.at('tapedeck.yaml'), `facades: { wowza: { ${all} } }\n`)
    const server = await run(folder)
    return new WowzaServer(owned.move(), folder, disk, server)
  }

  get server(): ServerProcess {
    return this.#server
  }

  get api(): ApiClient {
    return new ApiClient(this.#server)
  }

  /** Ends it as a crash does, and starts another on the same folder. */
  async killAndRestart(whileDead: () => Promise<void>): Promise<void> {
    await this.#server.kill()
    await whileDead()
    this.#server = await run(this.folder)
  }

  /** Resolves when everything that was recorded is final. */
  async untilIdle(): Promise<void> {
    for (;;) {
      const recordings = await this.api.recordings()
      if (recordings.length > 0 && recordings.every(({ state }) => state === 'ready' || state === 'failed')) return
      await sleep(50)
    }
  }

  get rtmpPort(): number {
    return Number(new URL(this.#server.rtmp).port)
  }

  /** Where an application's recordings lie. */
  place(name: string, app = 'liverec'): string {
    return this.folder.at('recordings', app, 'streams', '_definst_', name)
  }

  /** Every recorded file below a folder, relative to the recordings. */
  async files(below = ''): Promise<string[]> {
    const root = this.folder.at('recordings')
    const entries = await readdir(join(root, below), { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(root, join(parentPath, name)))
      .sort()
  }

  /** A publisher of application `liverec`, unless another is given. */
  publisher(given: Publication): Promise<TypedPublisher> {
    return TypedPublisher.start({ rtmp: this.#server.rtmp, app: 'liverec', ...given })
  }

  /** Publishes a whole source; gives what the publisher was told. */
  publish(given: Publication): Promise<readonly SeenStatus[]> {
    return TypedPublisher.publish({ rtmp: this.#server.rtmp, app: 'liverec', ...given })
  }

  /** Waits until a file is final and says how long it lasts. */
  async untilFinal(path: string): Promise<number> {
    for (;;) {
      const recordings = await this.api.recordings()
      const own = recordings.filter(({ parts }) => parts.some((part) => join(part.root, part.path) === path))
      if (own.length > 0 && own.every(({ state }) => state === 'ready')) return await lasts(path)
      await sleep(50)
    }
  }

  /** Address of the livestreamrecord page. */
  pageUrl(query: Readonly<Record<string, string>>): string {
    const address = `http://${this.#server.facades['wowza']?.['http']}/livestreamrecord`
    return Object.keys(query).length === 0 ? address : `${address}?${new URLSearchParams(query)}`
  }

  /** What the livestreamrecord page answers. */
  async page(query: Readonly<Record<string, string>>): Promise<string> {
    const response = await digestFetch(this.pageUrl(query), USER.name, USER.password)
    assert.equal(response.status, 200)
    return await response.text()
  }

  /** The stream is there and a player gets a second of it. @param path `app/stream` */
  async plays(path: string): Promise<void> {
    const url = `${this.#server.rtmp}/${path}`
    await program('ffmpeg', ['-v', 'error', '-i', url, '-t', '1', '-c', 'copy', '-f', 'null', '-'])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#server[Symbol.asyncDispose]()
    } finally {
      await this.#owned.disposeAsync()
    }
  }
}

type Publication = Partial<TypedPublisherOptions> & Pick<TypedPublisherOptions, 'name' | 'units'>

/** Status codes without what they all begin with. */
export function codesOf(statuses: readonly SeenStatus[]): string[] {
  return statuses.map(({ code }) => code.replace('NetStream.', ''))
}

/** Plays to the end without a complaint, every track's times grow, and it is as long as it should be. */
export async function assertPlays(path: string, seconds: number): Promise<void> {
  const { packets } = await ffprobe(path)
  for (const stream of new Set(packets.map(({ stream_index }) => stream_index))) {
    const times = packets.filter(({ stream_index }) => stream_index === stream).map(({ dts_time }) => Number(dts_time))
    for (const [index, time] of times.entries()) assert.ok(index === 0 || time > (times[index - 1] ?? 0), path)
  }
  const duration = await lasts(path)
  assert.ok(Math.abs(duration - seconds) < 0.3, `${path} lasts ${duration} s instead of ${seconds} s`)
}

/** Seconds of a file that plays to its end without a complaint. */
export async function lasts(path: string): Promise<number> {
  const { format } = await ffprobe(path)
  await program('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'])
  return Number(format.duration)
}

/** Calls and waits for a result; gives what it says. */
export async function called(client: RtmpClient, name: string, ...args: readonly AmfEncodable[]): Promise<string> {
  const answer = await client.call(name, ...args)
  assert.equal(answer.name, '_result', `${name}: ${String(amfFields(answer.args[1])['description'])}`)
  return String(answer.args[1])
}

/** H.264 and AAC without B-pictures, as FMLE and nanoStream encode; a key frame every second. */
export function baselineSource(folder: TempFolder, seconds: number): Promise<ElementarySource> {
  const encoding = ['-bf', '0', '-g', '25']
  return makeSource(folder, { video: 'h264', audio: 'aac', seconds, size: '160x90', encoding })
}

function run(folder: TempFolder): Promise<ServerProcess> {
  return startServerProcess(folder.path, {
    args: ['--like', 'fms'],
    env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0', TAPEDECK_LIMITS_RECORDING_QUEUE_BYTES: '1MiB' },
  })
}

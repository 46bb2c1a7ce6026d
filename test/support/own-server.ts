import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient } from './api-client.ts'
import { program } from './programs.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { SmallDisk } from './small-disk.ts'
import { TempFolder } from './temp-folder.ts'

/** A server with a folder, and perhaps a disk, of one test's own; started as Flash Media Server. */
export class OwnServer implements AsyncDisposable {
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

  /** @param diskSize recordings go to a file system of this size; needs root */
  static async start(configuration: string, diskSize?: `${number}m`): Promise<OwnServer> {
    await using owned = new AsyncDisposableStack()
    const folder = owned.use(await TempFolder.make())
    const disk =
      diskSize === undefined ? undefined : owned.use(await SmallDisk.mount(folder.at('recordings'), diskSize))
    await writeFile(folder.at('tapedeck.yaml'), `${configuration}\n`)
    const server = await run(folder)
    return new OwnServer(owned.move(), folder, disk, server)
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

  /** The stream is there and a player gets a second of it. @param path `app/stream` */
  async plays(path: string): Promise<void> {
    const url = `${this.#server.rtmp}/${path}`
    await program('ffmpeg', ['-v', 'error', '-i', url, '-t', '1', '-c', 'copy', '-f', 'null', '-'])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]().finally(() => this.#owned.disposeAsync())
  }
}

function run(folder: TempFolder): Promise<ServerProcess> {
  return startServerProcess(folder.path, {
    args: ['--like', 'fms'],
    env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' },
  })
}

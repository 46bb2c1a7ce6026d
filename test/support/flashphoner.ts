import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { program } from './programs.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { TempFolder } from './temp-folder.ts'

const WAIT_MS = 60_000

/** The vendor's web SDK as npm installs it. */
const SDK_FOLDER = dirname(createRequire(import.meta.url).resolve('@flashphoner/websdk/package.json'))

/** What a REST method answered. */
export interface RestAnswer {
  readonly status: number
  readonly body: string
}

/** An installation of the vendor's as an operator brings it: its folders, its file, its hook; and a server that stands in. */
export class Installation implements AsyncDisposable {
  readonly folder: TempFolder
  readonly records: string
  #server: ServerProcess | undefined

  private constructor(folder: TempFolder) {
    this.folder = folder
    this.records = folder.at('records')
  }

  static async make(): Promise<Installation> {
    const installation = new Installation(await TempFolder.make())
    for (const name of ['conf', 'bin', 'records']) await mkdir(installation.folder.at(name))
    await installation.hook('exit 0')
    return installation
  }

  /** A server that runs with these properties. */
  static async run(properties: string): Promise<Installation> {
    const installation = await Installation.make()
    await installation.start(properties)
    return installation
  }

  get server(): ServerProcess {
    if (this.#server === undefined) throw new Error('the server was not started')
    return this.#server
  }

  async start(properties: string, args: readonly string[] = []): Promise<ServerProcess> {
    const file = this.folder.at('conf', 'flashphoner.properties')
    await writeFile(file, `on_record_hook_script=on_record_hook.sh\n${properties}`)
    this.#server = await startServerProcess(this.folder.path, {
      args: ['--like', 'flashphoner', ...args],
      env: {
        TAPEDECK_RECORDINGS_ROOT: this.records,
        TAPEDECK_FACADES_FLASHPHONER_PROPERTIES: file,
        TAPEDECK_FACADES_FLASHPHONER_WEB_LISTEN: '127.0.0.1:0',
        TAPEDECK_FACADES_FLASHPHONER_WEB_TLS_LISTEN: '127.0.0.1:0',
        TAPEDECK_FACADES_FLASHPHONER_WS_LISTEN: '127.0.0.1:0',
        TAPEDECK_WEBRTC_UDP: '127.0.0.1:0',
        TAPEDECK_FACADES_FLASHPHONER_SDK_FOLDER: SDK_FOLDER,
        TAPEDECK_FACADES_FLASHPHONER_WS_TLS_LISTEN: '127.0.0.1:0',
      },
    })
    return this.#server
  }

  /** Makes the record hook a shell script; `$LOG` is a file of its own. */
  async hook(script: string): Promise<void> {
    const path = this.folder.at('bin', 'on_record_hook.sh')
    await writeFile(path, `#!/bin/sh\nLOG=${this.folder.at('hook.log')}\n${script}\n`)
    await chmod(path, 0o755)
  }

  /** What the hook has written to its log, an entry for each NUL. */
  async hookLog(): Promise<string[]> {
    const text = await readFile(this.folder.at('hook.log'), 'utf8').catch(() => '')
    return text.split('\0').slice(0, -1)
  }

  get web(): string {
    return `http://${this.server.facades['flashphoner']?.['http']}`
  }

  /** `ws://host:port` of the signalling. */
  get signalling(): string {
    return `ws://${this.server.facades['flashphoner']?.['ws']}`
  }

  async rest(method: string, body?: object | string, init: RequestInit = {}): Promise<RestAnswer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${this.web}/rest-api${method}`, {
      method: body === undefined ? 'GET' : 'POST',
      ...(text !== undefined && { body: text }),
      ...init,
    })
    return { status: response.status, body: await response.text() }
  }

  /** The streams that are published, when there are any. */
  async streams(): Promise<Record<string, unknown>[]> {
    const { status, body } = await this.rest('/stream/find_all')
    return status === 200 ? JSON.parse(body) : []
  }

  /** Sends a file with ffmpeg, at full speed or a multiple of real time; resolves when it has been published to its end. */
  async publish(source: string, name: string, speed?: number): Promise<void> {
    const url = `${this.server.rtmp}/live/${name}`
    const pace = speed === undefined ? [] : ['-readrate', String(speed)]
    await program('ffmpeg', ['-v', 'error', ...pace, '-i', source, '-map', '0', '-c', 'copy', '-f', 'flv', url])
    await this.idle()
  }

  /** Nobody publishes and nothing is being recorded. */
  async idle(): Promise<void> {
    await eventually(async () => {
      const [streams, records] = await Promise.all([this.rest('/stream/find_all'), this.rest('/recorder/find_all')])
      return streams.status === 404 && records.status === 404 && !(await this.#isRecording())
    }, 'nothing goes on any more')
  }

  async #isRecording(): Promise<boolean> {
    const response = await fetch(`${this.server.page}api/v1/recordings?limit=1000`)
    const { recordings } = (await response.json()) as { recordings: { state: string }[] }
    return recordings.some(({ state }) => state !== 'ready' && state !== 'failed')
  }

  /** File names in the records folder, sorted. */
  async files(): Promise<string[]> {
    return (await readdir(this.records)).sort()
  }

  path(name: string): string {
    return join(this.records, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
    await this.folder[Symbol.asyncDispose]()
  }
}

/** Waits for something to become true. @throws when it does not */
export async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`never came: ${what}`)
    await sleep(50)
  }
}

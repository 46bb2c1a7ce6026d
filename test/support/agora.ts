import { readdir, readFile, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey } from '#facades/agora/keys/generate.ts'
import { FfmpegPublisher } from './ffmpeg-publisher.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { TempFolder } from './temp-folder.ts'

const WAIT_MS = 60_000
/** Room for an index, and about a second of what FfmpegPublisher sends. */
const FLOWING_BYTES = 600_000

/** The project of the vendor's own examples. */
export const PROJECT = {
  vendorKey: '970ca35de60c44645bbae8a215061b33',
  signKey: '5cfd2fd1755d40ecb72977518be15d3b',
} as const

/** What a call answered, with its HTTP status. */
export interface CallAnswer {
  readonly http: number
  readonly error: number
  readonly status?: number
  readonly directory?: string
  readonly message?: string
}

/** A recording server as a customer deploys it, and his business server, which makes the keys. */
export class AgoraServer implements AsyncDisposable {
  readonly folder: TempFolder
  readonly root: string
  #server: ServerProcess | undefined

  private constructor(folder: TempFolder) {
    this.folder = folder
    this.root = folder.at('recordings')
  }

  /** Runs one with these settings of `facades.agora`, by their environment names without the prefix. */
  static async run(settings: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string>> = {}) {
    const installation = new AgoraServer(await TempFolder.make())
    await installation.start(settings, env)
    return installation
  }

  get server(): ServerProcess {
    if (this.#server === undefined) throw new Error('the server was not started')
    return this.#server
  }

  async start(settings: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string>> = {}) {
    const own = Object.entries(settings).map(([name, value]) => [`TAPEDECK_FACADES_AGORA_${name}`, value])
    this.#server = await startServerProcess(this.folder.path, {
      args: ['--like', 'agora'],
      env: {
        TAPEDECK_FACADES_AGORA_LISTEN: '127.0.0.1:0',
        TAPEDECK_FACADES_AGORA_VENDOR_KEY: PROJECT.vendorKey,
        TAPEDECK_FACADES_AGORA_SIGN_KEY: PROJECT.signKey,
        ...Object.fromEntries(own),
        ...env,
      },
    })
  }

  /** `http://host:port` of the recording service. */
  get web(): string {
    return `http://${this.server.facades['agora']?.['http']}`
  }

  /** Publishes a moving picture and a tone as a user of a channel. */
  publish(channel: string, uid: number, encoding: readonly string[] = []): FfmpegPublisher {
    return new FfmpegPublisher(`${this.server.rtmp}/${channel}/${uid}`, encoding)
  }

  /** Resolves when users are in a channel, in the server's view. */
  async present(channel: string, ...uids: readonly number[]): Promise<void> {
    await eventually(async () => {
      const response = await fetch(`${this.server.page}api/v1/streams`)
      const { streams } = (await response.json()) as { streams: { path: string }[] }
      return uids.every((uid) => streams.some(({ path }) => path === `${channel}/${uid}`))
    }, `${uids} in ${channel}`)
  }

  async record(channel: string, fields: object = {}): Promise<CallAnswer> {
    return this.call(channel, '/start', { recordingKey: recordingKey(channel), uid: 1, ...fields })
  }

  async stop(channel: string, fields: object = {}): Promise<CallAnswer> {
    return this.call(channel, '/stop', { recordingKey: recordingKey(channel), uid: 1, ...fields })
  }

  async status(channel: string): Promise<number | undefined> {
    return (await this.call(channel, '')).status
  }

  async call(channel: string, path: string, body?: object | string): Promise<CallAnswer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${this.web}/v1/channels/${encodeURIComponent(channel)}/recording${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      ...(text !== undefined && { body: text }),
    })
    return { http: response.status, ...((await response.json()) as Omit<CallAnswer, 'http'>) }
  }

  /** Everything below the recording root, hidden names too, without the job's lock. */
  async files(): Promise<string[]> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'))
    return files.map(({ parentPath, name }) => `${parentPath.slice(this.root.length + 1)}/${name}`).toSorted()
  }

  /** Resolves when every file of a directory that is being recorded has a second of media in it, however slow it comes. */
  async flowing(directory = ''): Promise<void> {
    await eventually(async () => {
      const files = (await this.files()).filter((path) => path.startsWith(`${directory}/`) && path.endsWith('.tmp'))
      const sizes = await Promise.all(files.map(async (path) => (await stat(this.path(path))).size))
      return sizes.length > 0 && sizes.every((bytes) => bytes > FLOWING_BYTES)
    }, `media in ${directory}`)
  }

  path(relative: string): string {
    return `${this.root}/${relative}`
  }

  read(relative: string): Promise<string> {
    return readFile(this.path(relative), 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
    await this.folder[Symbol.asyncDispose]()
  }
}

/** A key of version 5 for recording a channel, good for everybody now. */
export function recordingKey(channel: string, facts: Partial<Parameters<typeof generateKey>[1]> = {}): string {
  return generateKey(
    5,
    {
      appId: PROJECT.vendorKey,
      channel,
      uid: 0,
      madeAtSeconds: Math.floor(Date.now() / 1000),
      salt: 1,
      expiresAtSeconds: 0,
      service: 'recording',
      ...facts,
    },
    PROJECT.signKey,
  )
}

/** Resolves when something is so. */
export async function eventually(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const endsMs = performance.now() + WAIT_MS
  while (!(await isSo())) {
    if (performance.now() > endsMs) throw new Error(`waited too long for ${what}`)
    await sleep(50)
  }
}

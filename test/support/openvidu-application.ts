import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { globalAgent, type RequestOptions, request } from 'node:https'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { program } from './programs.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

/** Versions of the vendor's library for applications that are run, unmodified. */
export const NODE_CLIENTS = ['2.4.0', '2.8.0', '2.15.0', '2.16.0', '2.18.0', '2.32.2'] as const

/** Beside what is installed, and like it in no repository. */
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/vendor-packages')

/** The vendor's classes as far as tests name them; what they give is looked at member by member. */
export interface NodeClient {
  readonly OpenVidu: new (url: string, secret: string) => ClientServer
}
/** The application's end of a server. */
export interface ClientServer {
  readonly activeSessions: readonly ClientSession[]
  createSession(properties?: object): Promise<ClientSession>
  startRecording(sessionId: string, properties?: object | string): Promise<ClientRecording>
  stopRecording(id: string): Promise<ClientRecording>
  getRecording(id: string): Promise<ClientRecording>
  listRecordings(): Promise<readonly ClientRecording[]>
  deleteRecording(id: string): Promise<unknown>
  fetch(): Promise<boolean>
}
/** A session as the library has it. */
export interface ClientSession {
  readonly sessionId: string
  readonly activeConnections: readonly Readonly<Record<string, unknown>>[]
  readonly connections?: readonly Readonly<Record<string, unknown>>[]
  getSessionId(): string
  generateToken(options?: object): Promise<string>
  createConnection(
    options?: object,
  ): Promise<{ readonly token: string; readonly connectionId: string; readonly status: string }>
  fetch(): Promise<boolean>
  close(): Promise<unknown>
  forceDisconnect(connection: string): Promise<unknown>
  forceUnpublish(stream: string): Promise<unknown>
}
/** A recording as the library has it. */
export type ClientRecording = Readonly<Record<string, unknown>> & { readonly id: string; readonly status: string }

/** A version of the library with what it depends on, fetched once. @throws the registry does not give it */
export async function nodeClient(version: string): Promise<NodeClient> {
  const folder = join(CACHE, `openvidu-node-client-${version}-installed`)
  const isThere = () =>
    stat(folder).then(
      () => true,
      () => false,
    )
  if (!(await isThere())) {
    await mkdir(CACHE, { recursive: true })
    const draft = await mkdtemp(join(CACHE, 'draft-'))
    await writeFile(join(draft, 'package.json'), '{"private":true}')
    const quiet = ['--no-audit', '--no-fund', '--silent', '--ignore-scripts']
    await program('npm', ['install', '--prefix', draft, ...quiet, `openvidu-node-client@${version}`])
    try {
      await rename(draft, folder)
    } catch (error) {
      await rm(draft, { recursive: true, force: true })
      // Another test may have been faster.
      if (!(await isThere())) throw error
    }
  }
  // As everybody does whose certificate is self-signed. It counts for this test's process.
  globalAgent.options.rejectUnauthorized = false
  return createRequire(join(folder, 'package.json'))('openvidu-node-client') as NodeClient
}

/** A server that runs with these properties of the vendor's. */
export class OpenViduServer implements AsyncDisposable {
  readonly process: ServerProcess
  /** `https://host:port` */
  readonly url: string
  readonly secret: string
  readonly recordings: string

  private constructor(process: ServerProcess, secret: string, recordings: string) {
    this.process = process
    this.secret = secret
    this.recordings = recordings
    this.url = `https://${process.facades['openvidu']?.['https'] ?? ''}`
  }

  /** @param folder its own; a second server there goes on with what the first has left */
  static async start(folder: string, properties: Readonly<Record<string, string>>): Promise<OpenViduServer> {
    const all = { OPENVIDU_SECRET: 'a_secret', OPENVIDU_RECORDING: 'true', ...properties }
    const file = join(folder, 'openvidu.env')
    const recordings = join(folder, 'recordings')
    await mkdir(recordings, { recursive: true })
    await writeFile(
      file,
      Object.entries(all)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
    const process = await startServerProcess(folder, {
      args: ['--like', 'openvidu'],
      env: {
        TAPEDECK_FACADES_OPENVIDU_PROPERTIES: file,
        TAPEDECK_FACADES_OPENVIDU_LISTEN: '127.0.0.1:0',
        TAPEDECK_WEBRTC_UDP: '127.0.0.1:0',
      },
    })
    return new OpenViduServer(process, all.OPENVIDU_SECRET, recordings)
  }

  /** A plain caller. `user` undefined: the application with its secret; empty: nobody. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { user = `OPENVIDUAPP:${this.secret}`, body, headers = {} } = options
    const sent: RequestOptions = {
      method,
      rejectUnauthorized: false,
      headers: {
        ...(user !== '' && { authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    }
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    // Not as a URL, which takes `..` out of a path.
    const { hostname, port } = new URL(this.url)
    const asking = request({ ...sent, hostname, port, path }, (response) => {
      buffer(response).then((bytes) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString() })
      }, reject)
    })
    asking.once('error', reject)
    asking.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
    return await promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]()
  }
}

/** What a plain caller sends. */
export interface CallOptions {
  readonly user?: string
  readonly body?: object | string
  readonly headers?: Readonly<Record<string, string>>
}
/** What it is answered. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly bytes: Buffer
  readonly text: string
}

import type { Command } from 'commander'
import type { CommandContext } from './context.ts'
import { ServerRefusedError, ServerUnreachableError } from './errors.ts'

const DEFAULT_SERVER = 'http://127.0.0.1:8000'

/** Options of every command that talks to a running server. */
export function withServerOptions(command: Command): Command {
  return command
    .option('--server <url>', `address of the server (TAPEDECK_SERVER; default ${DEFAULT_SERVER})`)
    .option('--token <token>', 'credential for it (TAPEDECK_TOKEN)')
}

/** What withServerOptions gives. */
export interface ServerOptions {
  readonly server?: string
  readonly token?: string
}

/** The REST API as the commands use it. */
export class ApiClient {
  readonly #server: string
  readonly #token: string | undefined

  constructor(options: ServerOptions, env: CommandContext['env']) {
    this.#server = (options.server ?? env['TAPEDECK_SERVER'] ?? DEFAULT_SERVER).replace(/\/+$/, '')
    this.#token = options.token ?? env['TAPEDECK_TOKEN']
  }

  get(path: string): Promise<unknown> {
    return this.#request('GET', path)
  }

  post(path: string, body?: object): Promise<unknown> {
    return this.#request('POST', path, body)
  }

  delete(path: string): Promise<unknown> {
    return this.#request('DELETE', path)
  }

  /** @throws {ServerUnreachableError} @throws {ServerRefusedError} with the server's own code and words */
  async #request(method: string, path: string, body?: object): Promise<unknown> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (this.#token !== undefined) headers['authorization'] = `Bearer ${this.#token}`
    if (body !== undefined) headers['content-type'] = 'application/json'
    let response: Response
    try {
      const payload = body === undefined ? {} : { body: JSON.stringify(body) }
      response = await fetch(`${this.#server}/api/v1${path}`, { method, headers, ...payload })
    } catch (error) {
      throw new ServerUnreachableError(this.#server, error)
    }
    const text = await response.text()
    const answer = parseJson(text)
    if (response.ok) return answer
    const problem = typeof answer === 'object' && answer !== null ? answer : {}
    const detail = textOf(problem, 'detail') ?? textOf(problem, 'title') ?? `HTTP ${response.status}`
    throw new ServerRefusedError(response.status, textOf(problem, 'code'), detail)
  }
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function textOf(problem: object, field: string): string | undefined {
  const value: unknown = Reflect.get(problem, field)
  return typeof value === 'string' ? value : undefined
}

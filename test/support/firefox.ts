import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'

/** Debian's: the release with long support. */
const FIREFOX = process.env['FIREFOX'] ?? '/usr/bin/firefox-esr'
const START_TIMEOUT_MS = 120_000
const WAIT_MS = 60_000

/** Why tests with Firefox can't be made here; false: they can. */
export const FIREFOX_MISSING = existsSync(FIREFOX) ? false : 'Firefox is missing: apt-get install -y firefox-esr'

/** A camera and a microphone that need nobody, playing without a click, loopback only, and nothing else on the network. */
const PREFERENCES: Readonly<Record<string, boolean | number | string>> = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  // What servers answer as JSON is a page like any other.
  'devtools.jsonview.enabled': false,
  'media.volume_scale': '0.0',
  'media.gmp-manager.updateEnabled': false,
  'network.connectivity-service.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.prefetch-next': false,
  'network.dns.disablePrefetch': true,
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'browser.safebrowsing.update.enabled': false,
  'browser.search.update': false,
  'browser.startup.homepage': 'about:blank',
  'browser.startup.page': 0,
  'browser.shell.checkDefaultBrowser': false,
  'browser.topsites.contile.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'extensions.getAddons.cache.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'extensions.update.enabled': false,
  'services.settings.server': 'http://127.0.0.1:9/',
  'toolkit.telemetry.server': '',
}

/** A value of a page's, as WebDriver BiDi describes it (§7.6.3.2 script.RemoteValue). */
interface RemoteValue {
  readonly type: string
  readonly value?: unknown
}

type Evaluated =
  | { readonly type: 'success'; readonly result: RemoteValue }
  | { readonly type: 'exception'; readonly exceptionDetails: { readonly text: string } }

interface Message {
  readonly id?: number
  readonly type: string
  readonly result?: unknown
  readonly error?: string
  readonly message?: string
  readonly method?: string
  readonly params?: unknown
}

/**
 * A headless Firefox with a profile of its own, led by WebDriver BiDi: the library that leads Chromium asks for commands
 * that only newer ones have.
 */
export class Firefox implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #complaints: string[] = []
  #lastId = 0

  private constructor(child: ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child
    this.#profile = profile
    this.#socket = socket
    socket.on('message', (data: Buffer) => this.#received(JSON.parse(data.toString('utf8')) as Message))
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('Firefox has ended'))
      this.#waiting.clear()
    })
  }

  /** @throws it does not start */
  static async launch(preferences: typeof PREFERENCES = {}): Promise<Firefox> {
    const profile = await mkdtemp(join(tmpdir(), 'tapedeck-firefox-'))
    const lines = Object.entries({ ...PREFERENCES, ...preferences }).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    )
    await writeFile(join(profile, 'user.js'), lines.join(''))
    const child = spawn(FIREFOX, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1', MOZ_HEADLESS: '1' },
    })
    try {
      const socket = new WebSocket(`${await addressOf(child)}/session`, { perMessageDeflate: false })
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
      const firefox = new Firefox(child, profile, socket)
      await firefox.command('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } })
      await firefox.command('session.subscribe', { events: ['log.entryAdded'] })
      return firefox
    } catch (error) {
      await end(child, profile)
      throw error
    }
  }

  /** Opens an address in a tab of its own. */
  async open(url: string): Promise<FirefoxPage> {
    const { context } = await this.command<{ context: string }>('browsingContext.create', { type: 'tab' })
    const page = new FirefoxPage(this, context)
    await page.goto(url)
    return page
  }

  /** Errors of all pages: what they logged, and threw without catching it. */
  get complaints(): readonly string[] {
    return this.#complaints
  }

  /** @throws the command fails */
  command<Result>(method: string, params: object): Promise<Result> {
    const id = ++this.#lastId
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    this.#socket.send(JSON.stringify({ id, method, params }))
    return waiting.promise as Promise<Result>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate()
    await end(this.#child, this.#profile)
  }

  #received({ id, type, result, error, message, method, params }: Message): void {
    if (method === 'log.entryAdded') {
      const { level, text } = params as { level: string; text: string }
      if (level === 'error') this.#complaints.push(text)
    }
    const waiting = this.#waiting.get(id ?? -1)
    if (id === undefined || waiting === undefined) return
    this.#waiting.delete(id)
    if (type === 'success') waiting.resolve(result)
    else waiting.reject(new Error(`${error}: ${message}`))
  }
}

/** A tab, with the part of playwright's Page that scripted pages need. */
export class FirefoxPage {
  readonly #firefox: Firefox
  readonly #context: string

  constructor(firefox: Firefox, context: string) {
    this.#firefox = firefox
    this.#context = context
  }

  async goto(url: string): Promise<void> {
    await this.#firefox.command('browsingContext.navigate', { context: this.#context, url, wait: 'complete' })
  }

  /** The value of a script, or what its promise resolves to: JSON's kinds of values. @throws what the script throws */
  async evaluate<Result>(script: string): Promise<Result> {
    const evaluated = await this.#firefox.command<Evaluated>('script.evaluate', {
      expression: script,
      target: { context: this.#context },
      awaitPromise: true,
      userActivation: true,
      serializationOptions: { maxDomDepth: 0 },
    })
    if (evaluated.type === 'exception') throw new Error(evaluated.exceptionDetails.text)
    return plain(evaluated.result) as Result
  }

  /** Gives the first value of a script that is truthy. @throws there is none */
  async until<Result>(script: string, timeoutMs = WAIT_MS): Promise<Result> {
    for (const endMs = performance.now() + timeoutMs; ; await sleep(50)) {
      const value = await this.evaluate<Result>(script)
      if (value) return value
      if (performance.now() > endMs) {
        throw new Error(`in vain: ${script}; the page says ${await this.evaluate('document.body.innerText')}`)
      }
    }
  }

  /** Leaves the tab, as its user does. */
  async close(): Promise<void> {
    await this.#firefox.command('browsingContext.close', { context: this.#context })
  }
}

function plain({ type, value }: RemoteValue): unknown {
  // What is nested too deep, or in itself, is only named.
  if (value === undefined) return undefined
  if (type === 'array') return (value as RemoteValue[]).map(plain)
  if (type === 'object') {
    return Object.fromEntries((value as [string, RemoteValue][]).map(([name, each]) => [name, plain(each)]))
  }
  return value
}

/** It says on stderr where it is led from. */
async function addressOf(child: ChildProcess): Promise<string> {
  const { stderr } = child
  if (stderr === null) throw new Error('Firefox has no stderr')
  const lines = createInterface({ input: stderr })
  const said: string[] = []
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      lines.on('line', (line) => {
        said.push(line)
        const address = /WebDriver BiDi listening on (ws:\S+)/.exec(line)?.[1]
        if (address !== undefined) resolve(address)
      })
      lines.on('close', () => reject(new Error(`Firefox did not start:\n${said.join('\n')}`)))
    })
  } finally {
    clearTimeout(timer)
    lines.close()
    // What else it says must not fill the pipe.
    stderr.resume()
  }
}

async function end(child: ChildProcess, profile: string): Promise<void> {
  if (child.pid !== undefined) {
    const exited = new Promise((resolve) => child.once('exit', resolve))
    const isRunning = child.exitCode === null && child.signalCode === null
    child.kill('SIGKILL')
    if (isRunning) await exited
  }
  // Its other processes see that it is gone, and write for a moment longer.
  await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
}

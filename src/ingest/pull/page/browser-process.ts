import { type ChildProcess, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { Cdp } from './cdp.ts'
import { PageBrowserError } from './errors.ts'
import type { ProfileFolders } from './profile-folders.ts'

const MAX_OUTPUT_CHARACTERS = 400
/** Processes that are ended write no more; a file system may be slow to know. */
const REMOVAL = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 } as const

/** Says nothing to anybody but the page's own servers, and works on while nobody looks. */
const FLAGS = [
  '--headless',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--disable-breakpad',
  '--disable-client-side-phishing-detection',
  '--disable-extensions',
  '--disable-field-trial-config',
  '--disable-print-preview',
  '--disable-search-engine-choice-screen',
  '--metrics-recording-only',
  '--no-pings',
  '--password-store=basic',
  '--use-mock-keychain',
  '--hide-scrollbars',
  '--force-device-scale-factor=1',
  '--force-color-profile=srgb',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-features=Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,InterestFeedContentSuggestions,AutofillServerCommunication',
  '--no-startup-window',
  '--remote-debugging-pipe',
]

export interface BrowserProcessOptions {
  readonly executable: string
  readonly folders: ProfileFolders
  /** Title of the tab that may be captured. */
  readonly captureTitle: string
  readonly verifyTls: boolean
  /** As Chromium's --host-resolver-rules; undefined: hosts are where their names say. */
  readonly hostRules: string | undefined
  /** Called once, unless it was ended by us. */
  readonly onGone: (error: PageBrowserError) => void
}

/** One browser with a profile of its own, told by pipes. It ends with them, and so with this process, however that ends. */
export class BrowserProcess implements AsyncDisposable {
  readonly cdp: Cdp
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #exited: Promise<void>
  #isEnding = false
  #output = ''

  private constructor(options: BrowserProcessOptions, profile: string) {
    const { executable, captureTitle, verifyTls, hostRules, onGone } = options
    this.#profile = profile
    const args = [
      ...FLAGS,
      `--user-data-dir=${profile}`,
      `--auto-select-tab-capture-source-by-title=${captureTitle}`,
      ...(verifyTls ? [] : ['--ignore-certificate-errors']),
      ...(hostRules === undefined ? [] : [`--host-resolver-rules=${hostRules}`]),
      // Root has no sandbox in Chromium.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ]
    const child = spawn(executable, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      // Ctrl-C in the terminal of the server is for the server, and all of it can be ended at once.
      detached: true,
      cwd: profile,
      env: environment(profile),
    })
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-MAX_OUTPUT_CHARACTERS)
    })
    this.cdp = new Cdp(child.stdio[3] as Writable, child.stdio[4] as Readable)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#exited = promise
    const gone = (how: string) => {
      const error = new PageBrowserError(`it ended with ${how}${this.#lastWords()}`)
      this.cdp.close(error)
      if (!this.#isEnding) onGone(error)
      resolve()
    }
    child.once('error', (error) => gone(error.message))
    child.once('exit', (code, signal) => gone(signal ?? `code ${code}`))
  }

  /** It may still be starting: what it is told waits for it. */
  static async start(options: BrowserProcessOptions): Promise<BrowserProcess> {
    return new BrowserProcess(options, await options.folders.make())
  }

  #lastWords(): string {
    const line = this.#output.trim().split('\n').at(-1) ?? ''
    return line === '' ? '' : `: ${line}`
  }

  /** Nothing of it is left when this resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true
    const { pid } = this.#child
    try {
      // Its children are of its group. There is nothing that it would have to finish.
      if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    } catch {
      // They are gone.
    }
    await this.#exited
    await rm(this.#profile, REMOVAL)
  }
}

/** Tokens in the server's environment are nothing for a browser; the clock, fonts and certificates are. */
function environment(profile: string): Record<string, string> {
  const told: Record<string, string> = {
    HOME: profile,
    TMPDIR: profile,
    XDG_CONFIG_HOME: profile,
    XDG_CACHE_HOME: profile,
    DBUS_SESSION_BUS_ADDRESS: 'disabled:',
  }
  for (const name of ['PATH', 'LANG', 'LC_ALL', 'TZ', 'FONTCONFIG_PATH', 'FONTCONFIG_FILE']) {
    const value = process.env[name]
    if (value !== undefined) told[name] = value
  }
  return told
}

import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#base/runtime.ts'
import { PullConnectError, PullRefusedError } from '../errors.ts'
import { BrowserProcess, type BrowserProcessOptions } from './browser-process.ts'
import type { CdpEvent } from './cdp.ts'
import { PageBrowserError, PageCrashedError } from './errors.ts'
import type { PageUrl, PageView } from './page-url.ts'

/** Never asked of any network: the tab's first request is answered here. `https` makes it one that may capture. */
const CONTROLLER_URL = 'https://controller.invalid/'
const CONTROLLER_SCRIPT = new URL('./controller.in-page.js', import.meta.url)

/** Windows change their size when they come to it. */
const FITTING_MS = 50
const FITTING_TRIES = 40
const FITTING_TIMES = 6

export interface CapturedPageOptions extends Pick<BrowserProcessOptions, 'executable' | 'folders' | 'verifyTls'> {
  readonly page: PageUrl
  /** Of pictures. */
  readonly bitrateBps: number
  /** Pages that go on loading are taken as they are after this. */
  readonly loadTimeoutMs: number
  readonly captureTitle: string
  readonly log: Logger
}

/** A page in a browser of its own, seen and heard by a tab beside it. */
export class CapturedPage implements AsyncDisposable {
  /** Rejects when the page or its browser is gone. Never resolves. */
  readonly gone: Promise<never>
  readonly #options: CapturedPageOptions
  readonly #fail: (error: unknown) => void
  readonly #browser: BrowserProcess
  readonly #onLoaded = Promise.withResolvers<void>()
  #page = ''
  #pageTarget = ''
  #controller = ''
  #controllerTarget = ''
  #controllerObject = ''
  /** Of HTTP, of the page's last document; 0: none has come. */
  #status = 0

  private constructor(
    options: CapturedPageOptions,
    start: { browser: BrowserProcess; gone: Promise<never>; fail: (error: unknown) => void },
  ) {
    this.#options = options
    this.#browser = start.browser
    this.gone = start.gone
    this.#fail = start.fail
    start.browser.cdp.onEvent = (event) => this.#event(event)
  }

  /**
   * Starts a browser; dispose the result in any case, then.
   * @throws {PageBrowserError}
   */
  static async start(options: CapturedPageOptions): Promise<CapturedPage> {
    const { promise: gone, reject: fail } = Promise.withResolvers<never>()
    gone.catch(() => {}) // may come when nobody listens any more
    const browser = await BrowserProcess.start({ ...options, hostRules: hostRules(options.page), onGone: fail })
    return new CapturedPage(options, { browser, gone, fail })
  }

  /**
   * Opens the page, captured from the first on.
   * @throws {PageBrowserError | PullConnectError | PullRefusedError | PageCrashedError}
   */
  async open(): Promise<void> {
    const { captureTitle, page, bitrateBps, log } = this.#options
    await this.#send('Browser.setDownloadBehavior', { behavior: 'deny' })
    await this.#send('Target.setDiscoverTargets', { discover: true })
    await this.#openController()
    await this.#openBlank(page.view)
    await this.#evaluate<string>(this.#page, `document.title = ${JSON.stringify(captureTitle)}`)
    const kinds = await this.#callController<readonly string[]>('capture', { ...page.view, bitrateBps })
    if (!kinds.includes('video')) throw new PageBrowserError('it did not let the page be captured')
    await this.#fit(page.view)
    await this.#evaluate(this.#page, "document.documentElement.style.background = '#0f0'")
    const wereWrong = await this.#callController<boolean>('correctColours', {})
    log.debug({ event: 'pull.page-captured', wereColoursWrong: wereWrong })
    await this.#navigate()
  }

  /** The offer of the tab that captures. */
  offer(): Promise<string> {
    const { bitrateBps, page } = this.#options
    return this.#callController<string>('offer', { bitrateBps, frameRate: page.view.frameRate })
  }

  /** From the server. */
  async answer(sdp: string): Promise<void> {
    await this.#callController('answer', { sdp, bitrateBps: this.#options.bitrateBps })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser[Symbol.asyncDispose]()
  }

  #send(method: string, params: object = {}, sessionId = '') {
    return this.#browser.cdp.send(method, params, sessionId)
  }

  async #openTab(view?: PageView): Promise<{ target: string; session: string }> {
    const size = view === undefined ? {} : { width: view.widthPixels, height: view.heightPixels }
    // A window each: what lies behind another tab is not drawn.
    const { targetId } = await this.#send('Target.createTarget', { url: 'about:blank', newWindow: true, ...size })
    const { sessionId } = await this.#send('Target.attachToTarget', { targetId, flatten: true })
    return { target: String(targetId), session: String(sessionId) }
  }

  async #openController(): Promise<void> {
    const { target, session } = await this.#openTab()
    this.#controller = session
    this.#controllerTarget = target
    await this.#send('Fetch.enable', { patterns: [{ urlPattern: '*' }] }, session)
    await this.#send('Page.enable', {}, session)
    const { errorText } = await this.#send('Page.navigate', { url: CONTROLLER_URL }, session)
    if (errorText !== undefined) throw new PageBrowserError(`its own page did not open: ${String(errorText)}`)
    const expression = await readFile(CONTROLLER_SCRIPT, 'utf8')
    const { result } = await this.#send('Runtime.evaluate', { expression }, session)
    this.#controllerObject = String((result as { objectId?: string }).objectId)
  }

  async #openBlank(view: PageView): Promise<void> {
    const { target, session } = await this.#openTab(view)
    this.#page = session
    this.#pageTarget = target
    await this.#send('Page.enable', {}, session)
    await this.#send('Inspector.enable', {}, session)
    await this.#send('Emulation.setFocusEmulationEnabled', { enabled: true }, session)
  }

  /** What is captured is the window without its frame and the bar that tells of the capture, which comes by and by. */
  async #fit(view: PageView): Promise<void> {
    const { widthPixels, heightPixels } = view
    const { windowId } = await this.#send('Browser.getWindowForTarget', { targetId: this.#pageTarget })
    let bounds = { width: widthPixels, height: heightPixels }
    let fitting = 0
    for (let tries = 0; tries < FITTING_TRIES; tries++) {
      if (fitting === 0) await this.#send('Browser.setWindowBounds', { windowId, bounds })
      await sleep(FITTING_MS)
      const { width, height } = await this.#evaluate<typeof bounds>(
        this.#page,
        '({ width: innerWidth, height: innerHeight })',
      )
      fitting = width === widthPixels && height === heightPixels ? fitting + 1 : 0
      if (fitting === FITTING_TIMES) return
      bounds = { width: bounds.width + widthPixels - width, height: bounds.height + heightPixels - height }
    }
    throw new PageBrowserError(`it did not make a window for a page of ${widthPixels}×${heightPixels}`)
  }

  /** Until its load event, or for as long as we are willing to wait for that. */
  async #navigate(): Promise<void> {
    const { page, loadTimeoutMs, log } = this.#options
    await this.#send('Network.enable', {}, this.#page)
    // It answers when the page's first byte has come, which may be never.
    const navigating = this.#send('Page.navigate', { url: page.url }, this.#page)
    const timeout = new AbortController()
    const tooLong = sleep(loadTimeoutMs, 'late' as const, { signal: timeout.signal }).catch(() => 'late' as const)
    try {
      const answered = await Promise.race([navigating, tooLong, this.gone])
      if (answered === 'late') throw new PullConnectError(page.shown, `no page within ${loadTimeoutMs} ms`)
      if (this.#status >= 400) throw new PullRefusedError(page.shown, String(this.#status), '')
      if (answered['errorText'] !== undefined) throw new PullConnectError(page.shown, answered['errorText'])
      const loaded = await Promise.race([this.#onLoaded.promise, tooLong, this.gone])
      if (loaded === 'late')
        log.info({ event: 'pull.page-loading' }, 'the page goes on loading: it is recorded as it is')
    } finally {
      timeout.abort()
      navigating.catch(() => {}) // the browser is being ended
    }
    if (this.#status >= 400) throw new PullRefusedError(page.shown, String(this.#status), '')
    await this.#send('Network.disable', {}, this.#page)
  }

  async #evaluate<T = unknown>(session: string, expression: string): Promise<T> {
    const { result } = await this.#send('Runtime.evaluate', { expression, returnByValue: true }, session)
    return (result as { value: T }).value
  }

  async #callController<T>(method: string, told: object): Promise<T> {
    const { result, exceptionDetails } = await this.#send(
      'Runtime.callFunctionOn',
      {
        objectId: this.#controllerObject,
        functionDeclaration: `function (told) { return this.${method}(told) }`,
        arguments: [{ value: told }],
        awaitPromise: true,
        returnByValue: true,
        // Capturing takes a hand, elsewhere.
        userGesture: true,
      },
      this.#controller,
    )
    if (exceptionDetails !== undefined) {
      const { exception, text } = exceptionDetails as { exception?: { description?: string }; text?: string }
      const [reason = ''] = (exception?.description ?? text ?? '').split('\n')
      throw new PageBrowserError(`${method}: ${reason}`)
    }
    return (result as { value: T }).value
  }

  #event({ sessionId, method, params }: CdpEvent): void {
    const { page } = this.#options
    if (sessionId === this.#controller && method === 'Fetch.requestPaused') {
      this.#quietly(
        'Fetch.fulfillRequest',
        {
          requestId: params['requestId'],
          responseCode: 200,
          responseHeaders: [{ name: 'content-type', value: 'text/html' }],
          body: Buffer.from('<!doctype html><title>controller</title>').toString('base64'),
        },
        sessionId,
      )
      return
    }
    if (method === 'Target.targetCreated') this.#targetCreated(params)
    if (method === 'Target.targetDestroyed') {
      if (params['targetId'] === this.#pageTarget) this.#fail(new PageCrashedError(page.shown, 'has closed itself'))
      if (params['targetId'] === this.#controllerTarget) this.#fail(new PageBrowserError('its own page is gone'))
    }
    if (method === 'Inspector.targetCrashed') {
      if (sessionId === this.#page) this.#fail(new PageCrashedError(page.shown, 'has crashed'))
      else this.#fail(new PageBrowserError('its own page has crashed'))
    }
    if (sessionId !== this.#page) return
    if (method === 'Page.loadEventFired') this.#onLoaded.resolve()
    // A question that nobody answers would stop the page.
    if (method === 'Page.javascriptDialogOpening')
      this.#quietly('Page.handleJavaScriptDialog', { accept: true }, sessionId)
    if (method === 'Network.responseReceived' && params['type'] === 'Document') {
      const { status } = params['response'] as { status?: number }
      const isMain = params['loaderId'] === params['requestId']
      if (isMain) this.#status = status ?? 0
    }
  }

  /** Windows that the page opens are nobody's business, and take memory. */
  #targetCreated(params: CdpEvent['params']): void {
    const { targetId, type, openerId } = params['targetInfo'] as { targetId: string; type: string; openerId?: string }
    if (type === 'page' && openerId !== undefined) this.#quietly('Target.closeTarget', { targetId })
  }

  #quietly(method: string, params: object, sessionId = ''): void {
    // What is gone meanwhile needs no answer.
    this.#send(method, params, sessionId).catch(() => {})
  }
}

/** @returns undefined: the page's server is where it says */
function hostRules({ url, alsoAtPort }: PageUrl): string | undefined {
  if (alsoAtPort === undefined) return undefined
  const { hostname, port, protocol } = new URL(url)
  const own = port === '' ? (protocol === 'https:' ? '443' : '80') : port
  return `MAP ${hostname}:${alsoAtPort} ${hostname}:${own}`
}

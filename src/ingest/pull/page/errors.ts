import { TapedeckError } from '#base/error.ts'

/** There is no browser on this machine, or not where it should be. */
export class PageBrowserMissingError extends TapedeckError {
  readonly code = 'pull/browser-missing'
  readonly origin = 'operator'
  /** What was looked for. */
  readonly tried: readonly string[]
  constructor(tried: readonly string[]) {
    super(
      `pages are recorded by a browser, and there is none (${tried.join(', ')}): install it with "apt install chromium", or name Chromium or Chrome by pages.browser`,
    )
    this.tried = tried
  }
}

/** The browser did not start, ended, or does not do what it is told. */
export class PageBrowserError extends TapedeckError {
  readonly code = 'pull/browser-failed'
  readonly origin = 'operator'
  readonly reason: string
  constructor(reason: string) {
    super(
      `the browser failed (${reason}): it is started again; if it goes on, try it by hand, or another pages.browser`,
    )
    this.reason = reason
  }
}

/** The page's own process is gone: out of memory, or a mistake of the browser's. */
export class PageCrashedError extends TapedeckError {
  readonly code = 'pull/page-crashed'
  readonly origin = 'publisher'
  readonly url: string
  constructor(url: string, what: string) {
    super(`${url} ${what}: it is opened again; if it goes on, look at it in a browser, and at this machine's memory`)
    this.url = url
  }
}

/** Every page is a browser, and there are enough of them. */
export class TooManyPagesError extends TapedeckError {
  readonly code = 'pull/too-many-pages'
  readonly origin = 'operator'
  readonly limit: number
  constructor(limit: number) {
    super(`${limit} pages are open, which is the limit: raise limits.pages, or remove a pull`)
    this.limit = limit
  }
}

import { publicUrl } from '#base/public-url.ts'
import { PullUrlError } from '../errors.ts'

/** Schemes of pages: the page's own, after `page+`. */
export const PAGE_SCHEMES = ['page+http', 'page+https'] as const

/** How large a page is, and how often a picture of it is taken. */
export interface PageView {
  readonly widthPixels: number
  readonly heightPixels: number
  /** Pictures per second at most: a page that stands still is seen less often. */
  readonly frameRate: number
}

/** An address of a page to be recorded. */
export interface PageUrl {
  readonly scheme: (typeof PAGE_SCHEMES)[number]
  /** As a browser opens it. */
  readonly url: string
  /** Credentials hidden. */
  readonly shown: string
  readonly view: PageView
  /** Another port at which the page takes its own server to be: what it asks there goes to the server it is from. */
  readonly alsoAtPort?: number
}

/** Sides of a picture: what encoders of H.264 in browsers take. */
export const PAGE_SIDE_PIXELS = { min: 64, max: 3840 } as const
/** What a browser draws. */
export const PAGE_FRAME_RATE = { min: 1, max: 60 } as const

const EXAMPLE = 'page+https://host/scoreboard#:~:size=1280x720&fps=25'
const MAX_CHARACTERS = 2048

/**
 * Directives for us stand after `:~:` in the fragment, which browsers keep for such and don't show to pages:
 * `size=1920x1080`, `fps=25` and `port=4443`, joined by `&`. Others are the browser's.
 * @param fallback what is not said
 * @throws {PullUrlError}
 */
export function parsePageUrl(text: string, fallback: PageView): PageUrl {
  const shown = publicUrl(text)
  const refuse = (reason: string) => new PullUrlError(shown, reason, EXAMPLE)
  const scheme = PAGE_SCHEMES.find((each) => text.toLowerCase().startsWith(`${each}://`))
  if (scheme === undefined) throw refuse('is no page')
  if (text.length > MAX_CHARACTERS) throw refuse(`has more than ${MAX_CHARACTERS} characters`)
  if (/[\0-\x20\x7f]/.test(text)) throw refuse('has a space or control character')
  const url = text.slice('page+'.length)
  if (!URL.canParse(url)) throw refuse('is no address')
  const [, directives = ''] = /#.*?:~:(.*)$/.exec(url) ?? []
  let view = fallback
  let alsoAtPort: number | undefined
  for (const directive of directives.split('&')) {
    const [, name = '', value = ''] = /^(size|fps|port)=(.*)$/.exec(directive) ?? []
    if (name === 'size') view = { ...view, ...sizeOf(value, refuse) }
    if (name === 'fps') view = { ...view, frameRate: rateOf(value, refuse) }
    if (name === 'port') alsoAtPort = portOf(value, refuse)
  }
  return { scheme, url, shown, view, ...(alsoAtPort !== undefined && { alsoAtPort }) }
}

function sizeOf(value: string, refuse: (reason: string) => PullUrlError) {
  const [, width, height] = /^([0-9]{1,5})x([0-9]{1,5})$/.exec(value) ?? []
  const sides = [Number(width), Number(height)] as const
  const { min, max } = PAGE_SIDE_PIXELS
  // H.264 counts colours for two pixels at a time.
  if (!sides.every((side) => side >= min && side <= max && side % 2 === 0)) {
    throw refuse(`has a size that is not two even numbers of ${min} to ${max} pixels`)
  }
  return { widthPixels: sides[0], heightPixels: sides[1] }
}

function rateOf(value: string, refuse: (reason: string) => PullUrlError): number {
  const rate = /^[0-9]{1,3}$/.test(value) ? Number(value) : 0
  const { min, max } = PAGE_FRAME_RATE
  if (rate < min || rate > max) throw refuse(`has fps that are not ${min} to ${max}`)
  return rate
}

function portOf(value: string, refuse: (reason: string) => PullUrlError): number {
  const port = /^[0-9]{1,5}$/.test(value) ? Number(value) : 0
  if (port < 1 || port > 65_535) throw refuse('has a port that is not 1 to 65535')
  return port
}

import type { Config } from '../config.ts'
import { Key } from '../key.ts'
import type { ConfigProblem } from '../problem.ts'
import { integer } from '../values/integer.ts'
import { text } from '../values/text.ts'

/** Pages that are recorded (page+http:// and page+https:// in pulls), and the browser that opens them. */
export const PAGES_KEYS = {
  browser: new Key(text('a path, or the name of a program'), {
    default: '',
    about:
      "Chromium or Chrome: a path, or a name that PATH has. '': chromium, chromium-browser, google-chrome or google-chrome-stable, whichever is found first.",
  }),
  widthPixels: new Key(integer({ min: 64, max: 3840, unit: 'pixels' }), {
    default: 1280,
    about: 'Width of pages whose address does not say #:~:size=1920x1080. Even.',
  }),
  heightPixels: new Key(integer({ min: 64, max: 3840, unit: 'pixels' }), {
    default: 720,
    about: 'Height of the same. Even.',
  }),
  frameRate: new Key(integer({ min: 1, max: 60, unit: 'pictures per second' }), {
    default: 25,
    about: 'Pictures taken of a page per second at most, where its address does not say #:~:fps=30.',
  }),
  bitrate: new Key(integer({ min: 100_000, max: 100_000_000, unit: 'bits per second' }), {
    default: 4_000_000,
    about: 'What the pictures of a page may take.',
  }),
}

/** H.264 counts colours for two pixels at a time. */
export function checkPages(pages: Config['pages']): ConfigProblem[] {
  return (['widthPixels', 'heightPixels'] as const).flatMap((name) => {
    if (pages[name] % 2 === 0) return []
    return [{ path: `pages.${name}`, found: String(pages[name]), expected: 'expected an even number', where: '' }]
  })
}

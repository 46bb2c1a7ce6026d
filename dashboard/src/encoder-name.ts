/** The more special first: each names those below it, too. */
const BROWSERS: readonly { readonly token: string; readonly name: string; readonly versionToken?: string }[] = [
  { token: 'Edg', name: 'Edge' },
  { token: 'OPR', name: 'Opera' },
  { token: 'Firefox', name: 'Firefox' },
  { token: 'HeadlessChrome', name: 'Chrome, headless' },
  { token: 'Chrome', name: 'Chrome' },
  { token: 'Safari', name: 'Safari', versionToken: 'Version' },
]

const SYSTEMS = [
  { token: 'Android', name: 'Android' },
  { token: 'iPhone', name: 'iPhone' },
  { token: 'iPad', name: 'iPad' },
  { token: 'Windows', name: 'Windows' },
  { token: 'Mac OS X', name: 'macOS' },
  { token: 'CrOS', name: 'ChromeOS' },
  { token: 'Linux', name: 'Linux' },
] as const

/** `Chrome 156 on Linux` for what a browser calls itself; anything else as it is. */
export function encoderName(encoder: string): string {
  if (!encoder.startsWith('Mozilla/5.0')) return encoder
  const browser = BROWSERS.find(({ token }) => encoder.includes(`${token}/`))
  if (browser === undefined) return encoder
  const version = new RegExp(`${browser.versionToken ?? browser.token}/(\\d+)`).exec(encoder)?.[1] ?? ''
  const system = SYSTEMS.find(({ token }) => encoder.includes(token))?.name
  return `${browser.name} ${version}`.trim() + (system === undefined ? '' : ` on ${system}`)
}

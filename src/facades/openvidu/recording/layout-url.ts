import type { OpenViduSettings } from '../configuration/settings.ts'
import type { Desk } from '../desk.ts'
import { LayoutMissingError } from '../errors.ts'
import type { RecordingProperties } from '../properties.ts'
import { RecordingFolder } from './recording-folder.ts'

/** Where the vendor's first servers were, and their users' layouts look for them. */
const FIRST_PORT = 4443

/** A room's page, and how it is asked for. */
export type LayoutContext = Pick<Desk, 'localUrl' | 'publicAddress' | 'layoutUrls'> & {
  readonly settings: Pick<OpenViduSettings, 'compat' | 'secret' | 'customLayout' | 'composedUrl' | 'composedBasicAuth'>
}

/** A page to be opened. */
export interface LayoutPage {
  readonly url: string
  /** Another port at which the page takes its server to be. */
  readonly alsoAtPort?: number
}

/** Whether a recording shows a page, and not the server's own grid. */
export function isPage(
  { outputMode, hasVideo, recordingLayout }: RecordingProperties,
  { composedUrl }: Pick<OpenViduSettings, 'composedUrl'>,
): boolean {
  return outputMode !== 'INDIVIDUAL' && hasVideo && (recordingLayout === 'CUSTOM' || composedUrl !== '')
}

/**
 * The page that a recording shows, as the browser opens it. spec sections 8.1 and 8.2.
 * @throws {LayoutMissingError}
 */
export async function layoutPage(
  sessionId: string,
  { recordingLayout, customLayout, hasAudio }: RecordingProperties,
  context: LayoutContext,
): Promise<LayoutPage> {
  const { settings, publicAddress } = context
  if (recordingLayout !== 'CUSTOM') {
    const route = `layout-${recordingLayout.toLowerCase().replaceAll('_', '-')}`
    const { port } = new URL(publicAddress().url)
    const isVideoOnly = String(!hasAudio)
    const parameters = [sessionId, settings.secret, port === '' ? '443' : port, isVideoOnly]
    return { url: `${composedBase(settings)}/#/${route}/${parameters.join('/')}` }
  }
  const layout = customLayout.replace(/^\/+|\/+$/g, '')
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(layout)
    ? { url: foreignPage(sessionId, layout, context) }
    : await ownPage(sessionId, layout, context)
}

/** Of the layouts' folder. */
async function ownPage(sessionId: string, layout: string, { settings, localUrl }: LayoutContext): Promise<LayoutPage> {
  if (settings.customLayout === '') throw new LayoutMissingError('OPENVIDU_RECORDING_CUSTOM_LAYOUT is not set')
  const page = layout === '' ? 'index.html' : `${layout}/index.html`
  if ((await new RecordingFolder(settings.customLayout).file(page)) === undefined) {
    throw new LayoutMissingError(`there is no ${page} in ${settings.customLayout}`)
  }
  const folder = settings.compat === 'classic' ? 'layouts/custom' : 'openvidu/layouts'
  const path = page.split('/').map(encodeURIComponent).join('/')
  const query = new URLSearchParams({ sessionId, secret: settings.secret })
  const isElsewhere = settings.composedUrl !== ''
  const base = isElsewhere ? composedBase(settings) : localUrl()
  const url = `${base}/${folder}/${path}?${query.toString()}`
  return isElsewhere || new URL(base).port === String(FIRST_PORT) ? { url } : { url, alsoAtPort: FIRST_PORT }
}

/** A page that somebody else serves. It is given the secret, so the operator says which may be. */
function foreignPage(sessionId: string, layout: string, { settings, layoutUrls }: LayoutContext): string {
  const url = URL.canParse(layout) ? new URL(layout) : undefined
  if (url === undefined || !layoutUrls.some((allowed) => isBelow(url, new URL(allowed)))) {
    throw new LayoutMissingError('facades.openvidu.layoutUrls does not have that address')
  }
  url.searchParams.append('sessionId', sessionId)
  url.searchParams.append('secret', settings.secret)
  return url.href
}

function isBelow(url: URL, allowed: URL): boolean {
  if (url.origin !== allowed.origin || url.username !== '' || url.password !== '') return false
  const folder = allowed.pathname.endsWith('/') ? allowed.pathname : `${allowed.pathname}/`
  return url.pathname === allowed.pathname || url.pathname.startsWith(folder)
}

/** Our own server lets pages in by the secret in their query; that of COMPOSED_URL may ask for it as the vendor's did. */
function composedBase({ composedUrl, composedBasicAuth, secret }: LayoutContext['settings']): string {
  const base = new URL(composedUrl)
  if (composedBasicAuth) {
    base.username = 'OPENVIDUAPP'
    base.password = secret
  }
  return base.href.replace(/\/+$/, '')
}

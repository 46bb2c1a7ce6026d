import type { PullsApi } from '#control/pulls.ts'
import type { RoomComposer, RoomComposition } from '#sessions/composing.ts'
import type { OpenViduSettings } from '../configuration/settings.ts'
import type { Desk } from '../desk.ts'
import { LayoutMissingError } from '../errors.ts'
import type { RecordingProperties } from '../properties.ts'
import type { Room } from '../room.ts'
import { RecordingFolder } from './recording-folder.ts'

/** Loading a page, and the first pictures of it. */
const START_TIMEOUT_MS = 40_000

/** Which page is opened, and by whom it is served. */
export interface LayoutOptions {
  readonly settings: Pick<OpenViduSettings, 'compat' | 'secret' | 'customLayout' | 'composedUrl' | 'composedBasicAuth'>
  /** Where this server is found on this machine, without a slash at the end. */
  readonly localUrl: string
  readonly sessionId: string
  /** Sub-folder of the layouts; empty: their root. */
  readonly layout: string
}

/**
 * Address of a custom layout as the browser opens it. spec section 8.2.
 * @throws {LayoutMissingError}
 */
export async function layoutUrl({ settings, localUrl, sessionId, layout }: LayoutOptions): Promise<string> {
  const below = layout.replace(/^\/+|\/+$/g, '')
  if (/^[a-z]+:\/\//i.test(below)) throw new LayoutMissingError('layouts on other hosts are not opened')
  if (settings.customLayout === '') throw new LayoutMissingError('OPENVIDU_RECORDING_CUSTOM_LAYOUT is not set')
  const page = below === '' ? 'index.html' : `${below}/index.html`
  if ((await new RecordingFolder(settings.customLayout).file(page)) === undefined) {
    throw new LayoutMissingError(`there is no ${page} in ${settings.customLayout}`)
  }
  const folder = settings.compat === 'classic' ? 'layouts/custom' : 'openvidu/layouts'
  const base = new URL(settings.composedUrl === '' ? localUrl : settings.composedUrl)
  // Our own server lets the page in by the secret in its query; a page's requests to its own host may not have
  // credentials in their addresses.
  if (settings.composedUrl !== '' && settings.composedBasicAuth) {
    base.username = 'OPENVIDUAPP'
    base.password = settings.secret
  }
  const path = page.split('/').map(encodeURIComponent).join('/')
  const query = new URLSearchParams({ sessionId, secret: settings.secret })
  return `${base.href.replace(/\/+$/, '')}/${folder}/${path}?${query.toString()}`
}

/** What makes the picture and sound of a recording, where that is a page and not the server's own grid. */
export function pageComposer(
  room: Room,
  { outputMode, hasVideo, recordingLayout, customLayout: layout }: RecordingProperties,
  { settings, localUrl, control, runtime }: Desk,
): RoomComposer | undefined {
  if (outputMode === 'INDIVIDUAL' || !hasVideo || recordingLayout === 'BEST_FIT') return undefined
  if (recordingLayout !== 'CUSTOM') {
    runtime.log.info(
      { event: 'facade.layout-as-grid', layout: recordingLayout },
      'this layout was never shipped: it is a grid',
    )
    return undefined
  }
  return {
    start: async (request) => {
      const url = await layoutUrl({ settings, localUrl: localUrl(), sessionId: room.id, layout })
      return await layoutComposer(control.pulls, url).start(request)
    },
  }
}

/** Makes the picture of a room by opening a page that shows it, and capturing that. */
function layoutComposer(pulls: PullsApi, url: string): RoomComposer {
  return {
    async start({ output, widthPixels, heightPixels, frameRate }): Promise<RoomComposition> {
      // Codecs count the pixels of colours by two.
      const even = (side: number) => side - (side % 2)
      const view = `size=${even(widthPixels)}x${even(heightPixels)}&fps=${Math.min(frameRate, MAX_FRAME_RATE)}`
      const { id } = await pulls.add({
        path: output,
        url: `page+${url}#:~:${view}`,
        keepAlive: false,
        // It is our own certificate.
        verifyTls: false,
      })
      const end = async () => {
        try {
          await pulls.remove(id)
        } catch {
          // It has ended by itself.
        }
      }
      try {
        await streaming(pulls, id)
      } catch (error) {
        await end()
        throw error
      }
      // The page decides by itself what it shows.
      return { output, add: () => ({ [Symbol.dispose]() {} }), end }
    },
  }
}

/** What a browser draws. */
const MAX_FRAME_RATE = 60

/** Resolves when the page is seen. @throws {LayoutMissingError} it can't be, and why */
async function streaming(pulls: PullsApi, id: string): Promise<void> {
  const settled = Promise.withResolvers<void>()
  const failed = (reason: string) => settled.reject(new LayoutMissingError(reason))
  using _ = pulls.events.listen(({ type, pull }) => {
    if (pull.id !== id) return
    if (pull.state === 'streaming') settled.resolve()
    else if (type === 'pull.removed' || pull.state === 'failed' || pull.state === 'ended') {
      failed(pull.lastError?.message ?? 'the page was closed')
    }
  })
  const known = pulls.list().find((pull) => pull.id === id)
  if (known === undefined) failed('the page could not be opened')
  else if (known.state === 'streaming') settled.resolve()
  const timer = setTimeout(() => failed('the page shows nothing'), START_TIMEOUT_MS)
  try {
    await settled.promise
  } finally {
    clearTimeout(timer)
  }
}

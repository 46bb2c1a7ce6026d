import type { PullDocument } from '#control/pull-document.ts'
import type { PullsApi } from '#control/pulls.ts'
import { LayoutMissingError } from '../errors.ts'
import type { LayoutPage } from './layout-url.ts'

/** Loading a page, and the first pictures of it. */
const START_TIMEOUT_MS = 40_000
/** What a browser draws. */
const MAX_FRAME_RATE = 60

/** A page, where its picture and sound go, and how large it is. */
export interface PageRequest extends LayoutPage {
  /** Path of a stream. */
  readonly output: string
  readonly widthPixels: number
  readonly heightPixels: number
  readonly frameRate: number
}

/** A page that is seen and heard as a stream. When it crashes, or its browser, it is opened again. */
export interface OpenPage {
  /** Idempotent. */
  close(): Promise<void>
}

/** Opens a page in a browser of its own; resolves when it is seen. @throws {LayoutMissingError} it can't be, and why */
export async function openPage(pulls: PullsApi, request: PageRequest): Promise<OpenPage> {
  const { output, url, alsoAtPort, frameRate } = request
  // Codecs count the pixels of colours by two.
  const [width, height] = [request.widthPixels, request.heightPixels].map((side) => side - (side % 2))
  const port = alsoAtPort === undefined ? '' : `&port=${alsoAtPort}`
  const directives = `:~:size=${width}x${height}&fps=${Math.min(frameRate, MAX_FRAME_RATE)}${port}`
  const { id } = await pulls.add(
    {
      path: output,
      url: `page+${url}${url.includes('#') ? '' : '#'}${directives}`,
      // It is our own certificate.
      verifyTls: false,
    },
    // It belongs to a room, which ends with the server.
    { isRemembered: false },
  )
  const close = async () => {
    try {
      await pulls.remove(id)
    } catch {
      // It is closed.
    }
  }
  try {
    await streaming(pulls, id)
  } catch (error) {
    await close()
    throw error
  }
  return { close }
}

async function streaming(pulls: PullsApi, id: string): Promise<void> {
  const settled = Promise.withResolvers<void>()
  const failed = (reason: string) => settled.reject(new LayoutMissingError(reason))
  const look = ({ state, lastError }: Pick<PullDocument, 'state' | 'lastError'>) => {
    if (state === 'streaming') settled.resolve()
    else if (state !== 'connecting') failed(lastError?.message ?? 'the page was closed')
  }
  using _ = pulls.events.listen(({ type, pull }) => {
    if (pull.id !== id) return
    if (type === 'pull.removed') failed('the page was closed')
    else look(pull)
  })
  const known = pulls.list().find((pull) => pull.id === id)
  if (known === undefined) failed('the page could not be opened')
  else look(known)
  const timer = setTimeout(() => failed('the page shows nothing'), START_TIMEOUT_MS)
  try {
    await settled.promise
  } finally {
    clearTimeout(timer)
  }
}

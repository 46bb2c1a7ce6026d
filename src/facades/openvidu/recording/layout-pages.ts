import type { RoomComposer, RoomComposition } from '#sessions/composing.ts'
import type { Desk } from '../desk.ts'
import { LayoutMissingError } from '../errors.ts'
import type { RecordingProperties } from '../properties.ts'
import type { Room } from '../room.ts'
import { isPage, layoutPage } from './layout-url.ts'
import { type OpenPage, openPage } from './open-page.ts'

/** A page that stays open between the recordings of its room. */
interface KeptPage {
  /** What it shows, and how large: another one can't be recorded from it. */
  readonly key: string
  readonly page: Promise<OpenPage>
}

/**
 * Pages that show rooms, where a recording is not of the server's own grid. With COMPOSED_QUICK_START a room's page is
 * opened when somebody comes, and stays until the room ends. spec sections 4.1 and 8.
 */
export class LayoutPages implements AsyncDisposable {
  readonly #desk: Desk
  readonly #kept = new Map<Room, KeptPage>()

  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** Opens and closes the page that a room keeps. */
  follow(room: Room): void {
    const { settings } = this.#desk
    const defaults = room.properties.defaultRecordingProperties
    if (defaults.outputMode !== 'COMPOSED_QUICK_START' || !isPage(defaults, settings)) return
    room.session.events.listen(({ type }) => {
      if (type === 'joined') this.#openAhead(room, defaults)
      if (type === 'closed') void this.#closeAfterRecording(room)
    })
  }

  /** What makes the picture and sound of a recording; undefined: the server's own grid. */
  composer(room: Room, properties: RecordingProperties): RoomComposer | undefined {
    const { settings, runtime } = this.#desk
    const { outputMode, recordingLayout: layout } = properties
    if (isPage(properties, settings)) return { start: (request) => this.#start(room, properties, request) }
    if (outputMode !== 'INDIVIDUAL' && layout !== 'BEST_FIT') {
      runtime.log.info({ event: 'facade.layout-as-grid', layout }, 'this layout was never shipped: it is a grid')
    }
    return undefined
  }

  /** Closes those that are kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((room) => this.#close(room)))
  }

  async #start(room: Room, properties: RecordingProperties, request: CompositionRequest): Promise<RoomComposition> {
    const isKept = properties.outputMode === 'COMPOSED_QUICK_START'
    const page = await (isKept ? this.#keep(room, properties, request) : this.#open(room, properties, request))
    return {
      output: request.output,
      // The page decides by itself what it shows.
      add: () => ({ [Symbol.dispose]() {} }),
      end: async () => {
        if (isKept) return
        room.dismissRecorder()
        await page.close()
      },
    }
  }

  #openAhead(room: Room, defaults: RecordingProperties): void {
    if (this.#kept.has(room)) return
    const [widthPixels = 0, heightPixels = 0] = defaults.resolution.split('x').map(Number)
    const { frameRate } = defaults
    const output = room.session.composedPath
    this.#keep(room, defaults, { output, widthPixels, heightPixels, frameRate }).catch((err: unknown) => {
      this.#desk.runtime.log.warn({ event: 'facade.layout-not-ready', session: room.id, err })
    })
  }

  /** The page that is open, if it is that one. */
  async #keep(room: Room, properties: RecordingProperties, view: PageView): Promise<OpenPage> {
    const { recordingLayout, customLayout, hasAudio } = properties
    const { widthPixels, heightPixels, frameRate } = view
    const key = JSON.stringify([recordingLayout, customLayout, hasAudio, widthPixels, heightPixels, frameRate])
    const kept = this.#kept.get(room)
    if (kept?.key === key) return await kept.page
    // There is one recorder in a room at a time.
    if (kept !== undefined) await this.#close(room)
    if (room.session.closed !== undefined) throw new LayoutMissingError('the session was closed')
    const page = this.#open(room, properties, view)
    this.#kept.set(room, { key, page })
    try {
      return await page
    } catch (error) {
      if (this.#kept.get(room)?.page === page) this.#kept.delete(room)
      throw error
    }
  }

  async #open(room: Room, properties: RecordingProperties, view: PageView): Promise<OpenPage> {
    const page = await layoutPage(room.id, properties, this.#desk)
    return await openPage(this.#desk.control.pulls, { ...view, ...page })
  }

  /** A recording is being stopped when its room has been closed. */
  async #closeAfterRecording(room: Room): Promise<void> {
    try {
      await room.session.recording?.stop('session-closed')
    } finally {
      await this.#close(room)
    }
  }

  async #close(room: Room): Promise<void> {
    const kept = this.#kept.get(room)
    if (kept === undefined) return
    this.#kept.delete(room)
    try {
      const page = await kept.page
      room.dismissRecorder()
      await page.close()
    } catch {
      // It never opened, and whoever wanted it was told.
    }
  }
}

type CompositionRequest = Parameters<RoomComposer['start']>[0]
type PageView = Pick<CompositionRequest, 'output' | 'widthPixels' | 'heightPixels' | 'frameRate'>

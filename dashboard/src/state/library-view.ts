import type { ApiClient, LibraryQuery } from '../api/client.ts'
import type { RecordingDocument, RecordingState, ToldRecording } from '../api/documents.ts'
import type { Feed } from './feed.ts'
import { Store } from './store.ts'
import { afterTold } from './told-recording.ts'

/** Fills whole rows of two, three, four and six cards. */
const PAGE_SIZE = 24
/** Several events of one stop become one question. */
const RELOAD_DELAY_MS = 250

/** What the library shows. */
export interface LibraryState {
  readonly stream: string
  readonly state: RecordingState | ''
  /** Cursors of the pages before this one, oldest first; empty on the first page. */
  readonly trail: readonly (string | undefined)[]
  readonly cursor: string | undefined
  /** Undefined until first answered. */
  readonly recordings: readonly RecordingDocument[] | undefined
  readonly nextCursor: string | undefined
}

/** One page of the library, kept up to date, and remembered while a recording is looked at. */
export class LibraryView {
  readonly state = new Store<LibraryState>({
    stream: '',
    state: '',
    trail: [],
    cursor: undefined,
    recordings: undefined,
    nextCursor: undefined,
  })
  readonly #client: ApiClient
  readonly #onError: (error: unknown) => void
  #reloadTimer: ReturnType<typeof setTimeout> | undefined
  #asked = 0

  constructor(options: { client: ApiClient; feed: Feed; onError: (error: unknown) => void }) {
    this.#client = options.client
    this.#onError = options.onError
    options.feed.onResync(() => void this.load())
    options.feed.onRecording(({ type, recording }) => this.#follow(type, recording))
  }

  /** Changes the filter and goes to its first page. */
  filter(change: { stream?: string; state?: RecordingState | '' }): void {
    this.state.update((state) => ({ ...state, ...change, trail: [], cursor: undefined }))
    void this.load()
  }

  older(): void {
    const { nextCursor, cursor, trail } = this.state.value
    if (nextCursor === undefined) return
    this.state.update((state) => ({ ...state, trail: [...trail, cursor], cursor: nextCursor, nextCursor: undefined }))
    void this.load()
  }

  newer(): void {
    const { trail } = this.state.value
    if (trail.length === 0) return
    this.state.update((state) => ({ ...state, trail: trail.slice(0, -1), cursor: trail.at(-1), nextCursor: undefined }))
    void this.load()
  }

  /** Asks for the page anew. The answer to an older question is dropped. */
  async load(): Promise<void> {
    clearTimeout(this.#reloadTimer)
    const turn = ++this.#asked
    const { stream, state, cursor } = this.state.value
    const query: LibraryQuery = { stream, state, cursor, limit: PAGE_SIZE }
    try {
      const page = await this.#client.recordings(query)
      if (turn !== this.#asked) return
      this.state.update((before) => ({
        ...before,
        recordings: page.recordings,
        nextCursor: page.nextCursor ?? undefined,
      }))
    } catch (error) {
      if (turn === this.#asked) this.#onError(error)
    }
  }

  #follow(type: string, recording: ToldRecording): void {
    const isGone = type === 'recording.deleted'
    this.state.update((state) => ({
      ...state,
      recordings: isGone
        ? state.recordings?.filter(({ id }) => id !== recording.id)
        : state.recordings?.map((shown) => (shown.id === recording.id ? afterTold(shown, recording) : shown)),
    }))
    // A gap or a part changes no list; anything else may put a recording in or take it out.
    if (type === 'recording.gap' || type.startsWith('part.')) return
    clearTimeout(this.#reloadTimer)
    this.#reloadTimer = setTimeout(() => void this.load(), RELOAD_DELAY_MS)
  }
}

import type { ApiClient } from '../api/client.ts'
import type {
  RecordingDocument,
  RecordingState,
  ServerDocument,
  ServerEvent,
  StreamDocument,
  ToldRecording,
} from '../api/documents.ts'
import { ProblemError, UnreachableError } from '../api/problem.ts'
import { type ActiveRecordings, withListing, withRecording } from './active-recordings.ts'
import { EventLink } from './event-link.ts'
import { Store } from './store.ts'
import { afterTold } from './told-recording.ts'

/** Bitrates, sizes and elapsed times have no events; they are asked for this often while the page is looked at. */
const REFRESH_MS = 2_000
/** Every so many refreshes the rarer states are listed too, in case an event was missed. */
const FULL_REFRESH_EVERY = 5
/** More recordings in progress than one server takes publishers by default, within the API's page limit. */
const ACTIVE_LIMIT = 1_000

/** A hundred publishers that start at once are one question, not a hundred. */
const STREAM_EVENT_DELAY_MS = 150

/** How the page hears from the server: by events, by asking only, or not at all. */
export type LinkState = 'connecting' | 'live' | 'polling' | 'away'

/** Everything the page knows about the server as a whole. */
export interface ServerState {
  readonly link: LinkState
  /** True once the server asked for a credential we don't have. */
  readonly needsToken: boolean
  /** What the server says it can't answer, though it is there. Empty when all is well. */
  readonly refusal: string
  readonly server: ServerDocument | undefined
  /** Undefined until first answered. */
  readonly streams: readonly StreamDocument[] | undefined
  readonly active: ActiveRecordings
}

const INITIAL: ServerState = {
  link: 'connecting',
  needsToken: false,
  refusal: '',
  server: undefined,
  streams: undefined,
  active: new Map(),
}

/**
 * Keeps the store equal to the server: events as they come, questions for what has no events, and questions alone where
 * events don't get through (some proxies hold them back). Rests while the page is hidden, which also gives its
 * connection back: a browser opens six per server over HTTP/1.1, all tabs together.
 */
export class Feed {
  readonly state = new Store<ServerState>(INITIAL)
  readonly #client: ApiClient
  readonly #events: EventLink
  readonly #nowMs: () => number
  readonly #recordingListeners = new Set<(event: ServerEvent & { recording: ToldRecording }) => void>()
  readonly #eventListeners = new Set<(type: string) => void>()
  readonly #toldAtMs = new Map<string, number>()
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #resyncListeners = new Set<() => void>()
  #streamTimer: ReturnType<typeof setTimeout> | undefined
  #running = false
  /** Events may have been missed, or somebody else may answer: ask for everything anew. */
  #mayHaveMissed = true
  #hasOpened = false
  #refreshes = 0
  #refreshing: Promise<void> | undefined
  #nextRefresh: Promise<void> | undefined

  constructor(options: { client: ApiClient; nowMs: () => number }) {
    this.#client = options.client
    this.#nowMs = options.nowMs
    this.#events = new EventLink({
      url: () => options.client.eventsUrl(),
      onEvent: (event) => this.#take(event),
      onOpen: () => this.#opened(),
    })
  }

  /** Begins, or begins again after stop() or a new token. */
  start(): void {
    if (this.#running) return
    this.#running = true
    this.#mayHaveMissed = true
    this.#hasOpened = false
    this.#refreshes = 0
    void this.refresh()
  }

  stop(): void {
    this.#running = false
    clearTimeout(this.#timer)
    this.#events.close()
  }

  /** Told of every recording event, for lists that show more than what is in progress. */
  onRecording(listener: (event: ServerEvent & { recording: ToldRecording }) => void): () => void {
    this.#recordingListeners.add(listener)
    return () => {
      this.#recordingListeners.delete(listener)
    }
  }

  /** Told the type of every event, for lists that are asked for anew when something concerns them. */
  onEvent(listener: (type: string) => void): () => void {
    this.#eventListeners.add(listener)
    return () => {
      this.#eventListeners.delete(listener)
    }
  }

  /** Told when events may have been missed and the server answers (again): lists ask anew. */
  onResync(listener: () => void): () => void {
    this.#resyncListeners.add(listener)
    return () => {
      this.#resyncListeners.delete(listener)
    }
  }

  /** A command's answer is news as good as an event. */
  tell(recording: RecordingDocument): void {
    this.#take({ type: `recording.${recording.state}`, recording })
  }

  /** A deletion we asked for: known before its event comes. */
  forget(recording: RecordingDocument): void {
    this.#take({ type: 'recording.deleted', recording })
  }

  /** True when the page already shows why a question failed: the server is away, or wants a token. */
  explains(error: unknown): boolean {
    return error instanceof UnreachableError || (error instanceof ProblemError && error.status === 401)
  }

  /**
   * Asks the server for its state, after this call: a refresh that is on its way may be older, so the next one waits for
   * it. Never rejects; the state tells what came of it.
   */
  refresh(): Promise<void> {
    if (this.#refreshing !== undefined) {
      this.#nextRefresh ??= this.#refreshing.then(() => {
        this.#nextRefresh = undefined
        return this.refresh()
      })
      return this.#nextRefresh
    }
    this.#refreshing = this.#refresh().finally(() => {
      this.#refreshing = undefined
      clearTimeout(this.#timer)
      if (this.#running) this.#timer = setTimeout(() => void this.refresh(), REFRESH_MS)
    })
    return this.#refreshing
  }

  /** Asks whether this publication is still there. */
  async isStillLive(streamId: string): Promise<boolean> {
    await this.refresh()
    return this.state.value.streams?.some(({ id }) => id === streamId) === true
  }

  async #refresh(): Promise<void> {
    try {
      const known = this.#mayHaveMissed ? undefined : this.state.value.server
      const isFull = this.#refreshes++ % FULL_REFRESH_EVERY === 0 || !this.#events.isOpen
      // Alone at first: who has to show a token is told so once, not five times.
      const server = known ?? (await this.#client.server())
      const [streams] = await Promise.all([
        this.#client.streams(),
        this.#listActive(isFull ? ['recording', 'waiting', 'finishing'] : ['recording']),
      ])
      if (this.#running) this.#events.open()
      const link = this.#events.isOpen ? 'live' : 'polling'
      this.state.update((state) => ({ ...state, link, needsToken: false, refusal: '', server, streams }))
      this.#resync()
    } catch (error) {
      this.#fail(error)
    }
  }

  async #listActive(states: readonly RecordingState[]): Promise<void> {
    const askedAtMs = this.#nowMs()
    const pages = await Promise.all(
      states.map((state) => this.#client.recordings({ stream: '', state, limit: ACTIVE_LIMIT })),
    )
    const recordings = pages.flatMap((page) => page.recordings)
    const listing = { states, recordings, askedAtMs }
    this.state.update((state) => ({
      ...state,
      active: withListing(state.active, listing, this.#toldAtMs, this.#nowMs()),
    }))
    for (const [id, atMs] of this.#toldAtMs) if (atMs < askedAtMs) this.#toldAtMs.delete(id)
  }

  /** The browser reopened the events after a break; the first opening follows a refresh and misses nothing. */
  #opened(): void {
    if (this.#hasOpened) this.#mayHaveMissed = true
    this.#hasOpened = true
    void this.refresh()
  }

  #resync(): void {
    if (!this.#mayHaveMissed) return
    this.#mayHaveMissed = false
    for (const listener of this.#resyncListeners) listener()
  }

  #fail(error: unknown): void {
    this.#mayHaveMissed = true
    if (error instanceof ProblemError && error.status === 401) {
      this.stop()
      this.state.update((state) => ({ ...INITIAL, needsToken: true, server: state.server }))
      return
    }
    if (error instanceof ProblemError) {
      this.state.update((state) => ({ ...state, link: 'polling', refusal: error.message }))
      return
    }
    this.state.update((state) => ({ ...state, link: 'away' }))
  }

  #take(event: ServerEvent): void {
    for (const listener of this.#eventListeners) listener(event.type)
    if ('stream' in event) {
      this.#streamTimer ??= setTimeout(() => {
        this.#streamTimer = undefined
        if (this.#running) void this.refresh()
      }, STREAM_EVENT_DELAY_MS)
      return
    }
    if (!('recording' in event)) return
    const recording = afterTold(this.state.value.active.get(event.recording.id)?.recording, event.recording)
    const nowMs = this.#nowMs()
    this.#toldAtMs.set(recording.id, nowMs)
    const known = event.type === 'recording.deleted' ? { ...recording, state: 'ready' as const } : recording
    this.state.update((state) => ({ ...state, active: withRecording(state.active, known, nowMs) }))
    for (const listener of this.#recordingListeners) listener(event)
  }
}

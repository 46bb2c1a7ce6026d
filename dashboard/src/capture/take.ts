import {
  type LocalCopy,
  LocalRecorder,
  type PublishStream,
  type RecordingDocument,
  type Session,
  TapedeckError,
} from '../../../client/src/index.ts'
import { Store } from '../state/store.ts'

/** Who keeps the recording. */
export type Keeper = 'server' | 'browser'

/** One recording of this browser, from its start to its file. */
export type TakeState =
  | { readonly phase: 'idle' }
  | { readonly phase: 'starting'; readonly keeper: Keeper; readonly name: string }
  | {
      readonly phase: 'running'
      readonly keeper: Keeper
      readonly name: string
      readonly isPaused: boolean
      /** The connection broke and is being made anew. */
      readonly isReconnecting: boolean
      /** performance.now() at its start, moved on by what was paused. */
      readonly sinceMs: number
      /** performance.now() of the last pause. */
      readonly pausedAtMs: number
      /** Of a local copy. */
      readonly bytes: number
    }
  | { readonly phase: 'stopping'; readonly keeper: Keeper; readonly name: string }
  | { readonly phase: 'recorded'; readonly name: string; readonly recordingId: string }
  | { readonly phase: 'kept'; readonly name: string; readonly copy: LocalCopy }
  | { readonly phase: 'failed'; readonly problem: TapedeckError; readonly recordingId: string | undefined }

/** Records what is captured: on the server, by publishing it, or in the browser. One at a time. */
export class Take {
  readonly state = new Store<TakeState>({ phase: 'idle' })
  readonly #session: () => Session
  #stream: PublishStream | undefined
  #recorder: LocalRecorder | undefined

  /** The session is asked for anew each time: the token may have changed. */
  constructor(session: () => Session) {
    this.#session = session
  }

  get isBusy(): boolean {
    return ['starting', 'running', 'stopping'].includes(this.state.value.phase)
  }

  /** Never rejects: what went wrong is in the state. */
  async start(keeper: Keeper, name: string, media: MediaStream): Promise<void> {
    if (this.isBusy) return
    this.state.set({ phase: 'starting', keeper, name })
    try {
      if (keeper === 'server') await this.#publish(name, media)
      else this.#keep(name, media)
    } catch (error) {
      this.#fail(error, this.#stream?.recordingId)
    }
  }

  /** Resolves when the file is final. Never rejects. */
  async stop(): Promise<void> {
    const before = this.state.value
    if (before.phase !== 'running') return
    const { keeper, name } = before
    this.state.set({ phase: 'stopping', keeper, name })
    try {
      if (keeper === 'browser')
        await this.#recorder?.stop() // its end is followed below
      else await this.#recorded(name)
    } catch (error) {
      this.#fail(error, this.#stream?.recordingId)
    }
  }

  pause(): void {
    this.#stream?.pause()
    this.#recorder?.pause()
    this.#change({ isPaused: true, pausedAtMs: performance.now() })
  }

  resume(): void {
    this.#stream?.resume()
    this.#recorder?.resume()
    const { value } = this.state
    if (value.phase !== 'running') return
    const pausedMs = value.keeper === 'browser' ? performance.now() - value.pausedAtMs : 0
    this.#change({ isPaused: false, sinceMs: value.sinceMs + pausedMs })
  }

  /** Forgets what was recorded; a copy in the browser is gone then. */
  forget(): void {
    if (!this.isBusy) this.state.set({ phase: 'idle' })
  }

  async #publish(name: string, mediaStream: MediaStream): Promise<void> {
    const stream = this.#session().createStream({ name, mediaStream, record: true })
    this.#stream = stream
    this.#recorder = undefined
    stream.on('state', (state, error) => {
      if (state === 'reconnecting') this.#change({ isReconnecting: true })
      if (state === 'publishing') this.#change({ isReconnecting: false })
      if (state === 'failed' && this.state.value.phase === 'running') this.#fail(error, stream.recordingId)
    })
    await stream.publish()
    this.#run('server', name)
  }

  async #recorded(name: string): Promise<void> {
    const recording: RecordingDocument | undefined = await this.#stream?.stop()
    if (recording === undefined || recording.state === 'failed') {
      const { code = 'client/recording-failed', message = 'The server recorded nothing.' } = recording?.error ?? {}
      this.#fail(new TapedeckError(code, message), recording?.id)
      return
    }
    this.state.set({ phase: 'recorded', name, recordingId: recording.id })
  }

  #keep(name: string, media: MediaStream): void {
    const recorder = new LocalRecorder(media)
    this.#recorder = recorder
    this.#stream = undefined
    recorder.on('bytes', (bytes) => this.#change({ bytes }))
    recorder.ended.then(
      (copy) => this.state.set({ phase: 'kept', name, copy }),
      (error: unknown) => this.#fail(error, undefined),
    )
    recorder.start()
    this.#run('browser', name)
  }

  #run(keeper: Keeper, name: string): void {
    const sinceMs = performance.now()
    this.state.set({
      phase: 'running',
      keeper,
      name,
      isPaused: false,
      isReconnecting: false,
      sinceMs,
      pausedAtMs: sinceMs,
      bytes: 0,
    })
  }

  #change(change: Partial<Omit<TakeState & { phase: 'running' }, 'phase' | 'keeper' | 'name'>>): void {
    this.state.update((state) => (state.phase === 'running' ? { ...state, ...change } : state))
  }

  #fail(error: unknown, recordingId: string | undefined): void {
    const problem = error instanceof TapedeckError ? error : new TapedeckError('client/recording-failed', String(error))
    this.state.set({ phase: 'failed', problem, recordingId })
  }
}

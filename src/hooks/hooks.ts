import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import { LogLimit } from '#base/log-limit.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Config } from '#config/config.ts'
import type { EventFeed } from '#control/event-feed.ts'
import type { Scripts } from '#control/scripts.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { AttemptOutcome, Delivery, DeliveryPage, DeliveryQuery, DeliveryWithDocument } from './delivery.ts'
import { runExecHook } from './exec-sender.ts'
import { type Hook, hooksOf } from './hook.ts'
import { type HookDocument, HookTally } from './hook-tally.ts'
import { Intake } from './intake.ts'
import { Lane } from './lane.ts'
import { registerHookMetrics } from './metrics.ts'
import { DeliveryNotFoundError, HookNotConfiguredError } from './outbox/errors.ts'
import { type Outbox, openOutbox } from './outbox/outbox.ts'
import type { DueDelivery, OutboxPast, Refusals } from './outbox/stored.ts'
import { Reconciler, type ReconcileSources } from './reconciler.ts'
import { ScriptRunner } from './script-runner.ts'
import { type Fetch, sendToWebhook } from './webhook-sender.ts'

const DAY_MS = 86_400_000
const PRUNE_EVERY_MS = 600_000
/** How long the server's end waits for hooks that run; the rest is taken up at the next start. */
const CLOSE_PATIENCE_MS = 5_000
/** A deletion does not wait longer than this for being noted. */
const REMOVAL_PATIENCE_MS = 1_000

/** Nobody knows yet how files are called. */
const NOT_YET: AttemptOutcome = {
  verdict: 'interrupted',
  status: null,
  error: 'the server is just being started',
  durationMs: 0,
  isUnreachable: false,
}

export interface HooksOptions {
  readonly config: Pick<Config, 'data' | 'hooks' | 'recordings'>
  readonly runtime: Runtime
  readonly version: string
  readonly fetch: Fetch
  /** From 0 up to 1, for the pauses between attempts. */
  readonly random: () => number
  /** Of which scripts get PATH, HOME and LANG. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * Everything that is told to the outside: scripts and webhooks. An event is stored as it happens and then told until it
 * is known to have arrived, across restarts. Nothing that records ever waits for any of it.
 */
export class Hooks implements AsyncDisposable {
  /** Also for hooks of front ends. Closed with this. */
  readonly scripts: Scripts
  readonly #options: HooksOptions
  readonly #hooks: readonly Hook[]
  readonly #outbox: Outbox | undefined
  readonly #past: OutboxPast | undefined
  readonly #runner: ScriptRunner
  readonly #tally: HookTally
  readonly #lanes = new Map<string, Lane>()
  readonly #intake: Intake | undefined
  readonly #refusals: LogLimit<Refusals>
  readonly #closing = new AbortController()
  readonly #beganMs: number
  readonly #sources = new DisposableStack()
  /** Undefined: nothing is told yet. */
  #parts: Pick<RecorderApi, 'lendPart'> | undefined
  #closed: Promise<void> | undefined

  private constructor(options: HooksOptions, outbox: Outbox | undefined, past: OutboxPast | undefined) {
    const { config, runtime } = options
    this.#options = options
    this.#outbox = outbox
    this.#past = past
    this.#beganMs = runtime.nowMs()
    this.#hooks = hooksOf(config.hooks)
    this.#tally = new HookTally(this.#hooks)
    this.#runner = new ScriptRunner({
      concurrency: config.hooks.concurrency,
      log: runtime.log,
      environment: options.environment,
      onOutcome: ({ result }) => this.#tally.scriptEnded(result),
    })
    this.scripts = this.#runner
    this.#refusals = new LogLimit(runtime.monotonicMs, (refusals) => {
      runtime.log.error(
        { event: 'hooks.backlog-full', refusals },
        'too many deliveries wait, new ones are refused: see hooks.maxPending, hooks.maxBytes, and why the receiver takes none',
      )
    })
    if (outbox === undefined) return
    for (const hook of this.#hooks) this.#lanes.set(hook.name, this.#laneOf(hook, outbox))
    this.#intake = new Intake({
      outbox: { store: (events, untilMs) => outbox.call('store', events, untilMs, runtime.nowMs()) },
      hooks: this.#hooks,
      runtime,
      onStored: (names) => {
        for (const name of names) this.#wake(this.#lanes.get(name))
      },
      runUnstored: ({ id, type, stream, recording, document }, delivery) => {
        const hook = this.#hooks.find(({ name }) => name === delivery.hook)
        const event = { id: delivery.id, eventType: type, stream, recording, document }
        const due = { ...event, hook: delivery.hook, attempts: 0, sinceMs: runtime.nowMs() }
        runtime.log.warn({ event: 'hook.run-unstored', hook: delivery.hook, eventId: id, type, stream })
        if (hook !== undefined) void this.#attempt(hook, due)
      },
      onRefused: (refusals) => {
        this.#tally.refused(refusals)
        this.#refusals.occurred(refusals)
      },
    })
    this.#sources.use(this.#intake)
    const timer = setInterval(() => this.#prune(), PRUNE_EVERY_MS)
    timer.unref()
    this.#sources.defer(() => clearInterval(timer))
  }

  /**
   * Opens the outbox, if there are hooks or ever were; what waits in it is gone on with after begin().
   * @throws {OutboxTooNewError} @throws {OutboxFailedError}
   */
  static async open(options: HooksOptions): Promise<Hooks> {
    const { config, runtime } = options
    const path = join(config.data, 'outbox.sqlite')
    const names = hooksOf(config.hooks).map(({ name }) => name)
    if (names.length === 0 && !existsSync(path)) return new Hooks(options, undefined, undefined)
    const { maxPending, maxBytes } = config.hooks
    const isPowerSafe = config.recordings.durability === 'power'
    await using opened = new AsyncDisposableStack()
    const outbox = opened.use(await openOutbox({ path, limits: { maxPending, maxBytes }, isPowerSafe, runtime }))
    const past = await outbox.call('begin', names, runtime.nowMs())
    opened.move()
    const hooks = new Hooks(options, outbox, past)
    hooks.#prune()
    return hooks
  }

  /** From now on hooks are told. @param parts knows how files are called by then */
  begin(parts: Pick<RecorderApi, 'lendPart'>): void {
    this.#parts = parts
    for (const lane of this.#lanes.values()) lane.wake()
  }

  /** Notes what happens from now on, to tell hooks. */
  follow(events: EventFeed): void {
    const intake = this.#intake
    if (intake !== undefined) this.#sources.use(events.listen((event) => intake.take(event)))
  }

  /**
   * Stores what a kill has kept from being stored, told by what the catalog knows. Before recovery, which tells what it
   * finishes itself. Never rejects: recovery goes on without.
   */
  async reconcile(sources: ReconcileSources): Promise<void> {
    if (this.#outbox === undefined || this.#past === undefined || this.#intake === undefined) return
    const { runtime } = this.#options
    try {
      const known = new Set(this.#past.hooks)
      const reconciler = new Reconciler({
        outbox: this.#outbox,
        intake: this.#intake,
        past: this.#past,
        known,
        beganMs: this.#beganMs,
        runtime,
      })
      const missed = await reconciler.run(sources)
      if (missed > 0)
        runtime.log.info({ event: 'hooks.missed-events', events: missed }, 'events that a kill had kept back')
    } catch (error) {
      runtime.log.error({ event: 'hooks.reconcile-failed', err: error })
    }
  }

  /** Notes a deletion about to be made, so that it is told even if the server is killed in the middle. Never rejects. */
  async removing(recording: RecordingDocument): Promise<void> {
    if (this.#outbox === undefined || this.#hooks.length === 0) return
    const { id, stream } = recording
    const noted = this.#outbox
      .call('noteRemoval', { recording: id, stream, document: JSON.stringify(recording) })
      .catch((error: unknown) => {
        this.#options.runtime.log.warn({ event: 'hooks.removal-not-noted', recording: id, err: error })
      })
    await Promise.race([noted, sleep(REMOVAL_PATIENCE_MS, undefined, { ref: false })])
  }

  /** What is configured, and how it fares. */
  async describe(): Promise<readonly HookDocument[]> {
    return this.#tally.describe((await this.#outbox?.call('counts')) ?? [])
  }

  async deliveries(query: DeliveryQuery): Promise<DeliveryPage> {
    return (await this.#outbox?.call('list', query)) ?? { deliveries: [], nextCursor: undefined }
  }

  /** @throws {DeliveryNotFoundError} */
  async delivery(id: string): Promise<DeliveryWithDocument> {
    const delivery = await this.#outbox?.call('get', id)
    if (delivery === undefined) throw new DeliveryNotFoundError(id)
    return delivery
  }

  /**
   * Sends it again, or at once if it waits.
   * @throws {DeliveryNotFoundError} @throws {HookNotConfiguredError}
   */
  async replay(id: string): Promise<Delivery> {
    const { hook } = await this.delivery(id)
    const lane = this.#lanes.get(hook)
    if (lane === undefined) throw new HookNotConfiguredError(hook)
    const delivery = await this.#outbox?.call('replay', id, this.#options.runtime.nowMs())
    if (delivery === undefined) throw new DeliveryNotFoundError(id)
    this.#wake(lane)
    return delivery
  }

  /** Deliveries by hook and state, attempts and scripts by outcome. */
  registerMetrics(registers: Registry[]): void {
    registerHookMetrics(registers, this.#tally, async () => (await this.#outbox?.call('counts')) ?? [])
  }

  /** Stores what has happened, gives hooks that are due a few seconds, and keeps the rest for the next start. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#intake?.settled()
    this.#sources.dispose()
    const endsMs = performance.now() + CLOSE_PATIENCE_MS
    const lanes = [...this.#lanes.values()]
    const isIdle = () => this.#runner.isIdle && lanes.every((lane) => lane.isIdle)
    while (!isIdle() && performance.now() < endsMs) await sleep(10)
    for (const lane of lanes) lane.stop()
    this.#closing.abort()
    await this.#runner[Symbol.asyncDispose]()
    await Promise.all(lanes.map((lane) => lane.settled()))
    await this.#outbox?.[Symbol.asyncDispose]()
  }

  #laneOf(hook: Hook, outbox: Outbox): Lane {
    const { runtime, random, config } = this.#options
    return new Lane({
      hook: hook.name,
      concurrency: hook.concurrency,
      outbox,
      runtime,
      random,
      giveUpMs: config.hooks.giveUpDays * DAY_MS,
      attempt: (delivery) => this.#attempt(hook, delivery),
      onGivenUp: ({ id, eventType, stream, recording }, { error }) => {
        const facts = { hook: hook.name, delivery: id, type: eventType, stream, recording, error }
        if (hook.kind === 'webhook') runtime.log.error({ event: 'webhook.given-up', ...facts })
      },
    })
  }

  async #attempt(hook: Hook, delivery: DueDelivery): Promise<AttemptOutcome> {
    const { runtime, version, fetch, config } = this.#options
    const parts = this.#parts
    if (parts === undefined) return NOT_YET
    const [root = '/'] = config.recordings.roots
    const outcome =
      hook.kind === 'exec'
        ? await runExecHook(hook.config, delivery, { scripts: this.#runner, parts, root })
        : await sendToWebhook(hook.config, delivery, {
            fetch,
            nowMs: runtime.nowMs,
            version,
            signal: this.#closing.signal,
          })
    const wasFailing = this.#tally.attempted(hook, delivery, outcome, runtime.nowMs())
    const facts = { hook: hook.name, delivery: delivery.id, type: delivery.eventType, ...outcome }
    // Scripts tell the log themselves, with their output. A receiver that is down is told of once, and when it is back.
    if (hook.kind === 'webhook') {
      const isFailing = outcome.verdict !== 'delivered'
      if (isFailing && !wasFailing && outcome.verdict !== 'interrupted')
        runtime.log.warn({ event: 'webhook.failing', ...facts }, 'a webhook was not taken; it is tried again')
      else if (!isFailing && wasFailing) runtime.log.info({ event: 'webhook.working-again', ...facts })
      else runtime.log.debug({ event: 'webhook.attempted', ...facts })
    }
    return outcome
  }

  #wake(lane: Lane | undefined): void {
    if (this.#parts !== undefined) lane?.wake()
  }

  #prune(): void {
    this.#outbox?.call('prune', this.#options.runtime.nowMs()).then(
      (hasMore) => {
        if (hasMore && this.#closed === undefined) setImmediate(() => this.#prune())
      },
      (error: unknown) => {
        if (this.#closed === undefined) this.#options.runtime.log.warn({ event: 'hooks.prune-failed', err: error })
      },
    )
  }
}

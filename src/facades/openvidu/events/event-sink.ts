/** Takes events for the log file and the webhook; never waits, never throws. spec section 6. */
export interface EventSink {
  emit(event: SessionEventText): void
}

/** One event as the vendor writes it. */
export interface SessionEventText {
  readonly name: string
  /** Where it goes: some are only for the log file, or only for the webhook. Default both. */
  readonly only?: 'log' | 'webhook'
  readonly body: Readonly<Record<string, unknown>>
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Runtime } from '#base/runtime.ts'
import { type SerializerType, serializeEvent } from './formats.ts'
import { type EventSink, SinkQueue } from './sink-queue.ts'

/** Pauses between the tries. */
const RETRY_AFTER_MS = [500, 2_000] as const

const ANSWER_TIMEOUT_MS = 5_000

/** POSTs every event to a URL, in order. What is answered does not matter, only that there is an answer. */
export function httpSink(
  runtime: Runtime,
  sink: {
    readonly url: string
    readonly serializerType: SerializerType
    readonly enabledEvents?: readonly string[] | undefined
  },
): EventSink {
  const { url, serializerType, enabledEvents } = sink
  const { origin } = new URL(url)
  return new SinkQueue(runtime, origin, enabledEvents, async (event, signal) => {
    const { body, contentType } = serializeEvent(event, serializerType)
    for (let tries = 0; ; tries++) {
      try {
        const response = await fetch(url, {
          method: 'POST',
          body,
          headers: { 'content-type': contentType },
          redirect: 'manual',
          signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
        })
        await response.body?.cancel()
        return
      } catch (error) {
        const pauseMs = RETRY_AFTER_MS[tries]
        if (pauseMs === undefined || signal.aborted) throw error
        await sleep(pauseMs, undefined, { signal })
      }
    }
  })
}

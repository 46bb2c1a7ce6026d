import { setTimeout as sleep } from 'node:timers/promises'
import type { Stream } from '#hub/stream.ts'

/** Video comes within this time of the publication, or the stream has none. */
const PATIENCE_MS = 2_000

/** The codec of a stream's video as soon as it is announced; undefined when there is none. */
export async function firstVideoCodec(stream: Stream): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const patience = new AbortController()
  using _attached = stream.attach(
    {
      format: ({ kind, codec }) => {
        if (kind === 'video') resolve(codec)
      },
      accessUnit: () => {},
      ended: () => resolve(undefined),
    },
    { from: 'now', live: false },
  )
  const timeout = sleep(PATIENCE_MS, undefined, { ref: false, signal: patience.signal }).catch(() => undefined)
  try {
    return await Promise.race([promise, timeout])
  } finally {
    patience.abort()
  }
}

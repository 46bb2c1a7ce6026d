import type { Stream } from '#hub/stream.ts'

/** Resolves at a stream's first access unit to true; false: it ended before, or the signal says that nobody waits. */
export async function firstMedia(stream: Stream, signal: AbortSignal): Promise<boolean> {
  const begun = Promise.withResolvers<boolean>()
  const giveUp = () => begun.resolve(false)
  signal.addEventListener('abort', giveUp)
  using _ = stream.attach(
    { accessUnit: () => begun.resolve(true), format() {}, ended: giveUp },
    { from: 'memory', live: false },
  )
  if (signal.aborted) giveUp()
  try {
    return await begun.promise
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** Calls back, once, when a stream has pictures that are no H.264, now or later. Dispose to stop watching. */
export function onOtherVideo(stream: Stream, listener: (codec: string) => void): Disposable {
  let isTold = false
  return stream.attach(
    {
      accessUnit() {},
      format({ kind, codec }) {
        if (kind !== 'video' || codec === 'h264' || isTold) return
        isTold = true
        listener(codec)
      },
      ended() {},
    },
    { from: 'now', live: false },
  )
}

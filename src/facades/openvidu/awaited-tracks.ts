import type { Hub } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import type { TrackFormat } from '#media/track.ts'

/** How long is waited for what. Milliseconds. */
export interface TrackPatience {
  /** Until the stream begins. */
  readonly beginMs: number
  /** From then on, until its tracks are there. */
  readonly completeMs: number
}

/**
 * What a stream consists of that is there or about to begin: resolves when it has tracks of so many kinds, or with those
 * it has when patience is over, or the stream.
 * @param kinds 1: sound or pictures, 2: both
 */
export async function awaitTracks(
  hub: Hub,
  path: string,
  kinds: number,
  { beginMs, completeMs }: TrackPatience,
): Promise<readonly TrackFormat[]> {
  const known = Promise.withResolvers<readonly TrackFormat[]>()
  await using watching = new AsyncDisposableStack()
  const after = (ms: number, formats: () => readonly TrackFormat[]) => {
    const timer = setTimeout(() => known.resolve(formats()), ms)
    watching.defer(() => clearTimeout(timer))
  }
  const watch = (stream: Stream) => {
    const formats = () => [...stream.formats.values()]
    const sink = {
      accessUnit() {},
      format() {
        if (kindsOf(formats()) >= kinds) known.resolve(formats())
      },
      ended: () => known.resolve(formats()),
    }
    after(completeMs, formats)
    watching.use(stream.attach(sink, { from: 'now', live: false }))
  }
  const stream = hub.get(path)
  if (stream !== undefined) watch(stream)
  else {
    watching.use(
      hub.streamStarted.listen((started) => {
        if (started.path === path) watch(started)
      }),
    )
    after(beginMs, () => {
      const begun = hub.get(path)
      return begun === undefined ? [] : [...begun.formats.values()]
    })
  }
  return await known.promise
}

/** Of how many kinds tracks are. */
export function kindsOf(formats: readonly TrackFormat[]): number {
  return new Set(formats.map(({ kind }) => kind)).size
}

import type { Hub } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import type { TrackFormat } from '#media/track.ts'
import type { Publication } from '#sessions/publication.ts'

/** A page that publishes sends within a second; what comes later is recorded whatever it is. */
const PATIENCE_MS = 3_000

/**
 * What a publication sends, once everything it has announced is there: a file's container has to be chosen before its
 * first byte. Undefined: it did not come in time, or has ended.
 */
export async function tracksKnown(publication: Publication, hub: Hub): Promise<readonly TrackFormat[] | undefined> {
  const wanted = Number(publication.hasAudio) + Number(publication.hasVideo)
  const known = Promise.withResolvers<readonly TrackFormat[] | undefined>()
  await using watching = new AsyncDisposableStack()
  const timer = setTimeout(() => known.resolve(undefined), PATIENCE_MS)
  watching.defer(() => clearTimeout(timer))
  const watch = (stream: Stream) => {
    const sink = {
      accessUnit() {},
      format() {
        const formats = [...stream.formats.values()]
        if (new Set(formats.map(({ kind }) => kind)).size >= wanted) known.resolve(formats)
      },
      ended: () => known.resolve(undefined),
    }
    watching.use(stream.attach(sink, { from: 'now', live: false }))
  }
  const { stream, path } = publication
  if (stream !== undefined) watch(stream)
  else {
    watching.use(
      hub.streamStarted.listen((started) => {
        if (started.path === path) watch(started)
      }),
    )
  }
  return await known.promise
}

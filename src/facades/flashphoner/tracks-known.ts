import type { Stream } from '#hub/stream.ts'

/**
 * Resolves once a stream has a picture and sound, has ended, or has had time for both: whatever it has by then is all
 * it will be named by.
 */
export async function tracksKnown(stream: Stream, patienceMs: number): Promise<void> {
  const known = Promise.withResolvers<void>()
  const kinds = new Set<string>()
  const sink = {
    accessUnit() {},
    format(format: { readonly kind: string }) {
      if (kinds.add(format.kind).size === 2) known.resolve()
    },
    ended: () => known.resolve(),
  }
  using _ = stream.attach(sink, { from: 'now', live: false })
  const timer = setTimeout(() => known.resolve(), patienceMs)
  await known.promise
  clearTimeout(timer)
}

import { useRef } from 'preact/hooks'
import { useApp } from '../state/context.ts'
import { useStore } from '../state/use-store.ts'
import { LibraryFilters } from './library-filters.tsx'
import { RecordingCard } from './recording-card.tsx'

/** All recordings, newest first, a page at a time. */
export function Library() {
  const { library, feed } = useApp()
  const { active } = useStore(feed.state)
  const view = useStore(library.state)
  const title = useRef<HTMLHeadingElement>(null)
  const { recordings, trail, nextCursor } = view
  const isFiltered = view.stream !== '' || view.state !== ''
  const turn = (go: () => void) => () => {
    go()
    title.current?.scrollIntoView()
    title.current?.focus()
  }
  return (
    <section aria-labelledby="library-title" class="library">
      <div class="section-head">
        <h1 id="library-title" ref={title} tabIndex={-1}>
          Library
        </h1>
        {(isFiltered || (recordings?.length ?? 0) > 0) && <LibraryFilters />}
      </div>
      {recordings === undefined && <div class="placeholder-row" aria-hidden="true" />}
      {recordings?.length === 0 && (
        <p class="empty">{isFiltered ? 'No recording matches.' : 'Nothing recorded yet.'}</p>
      )}
      {recordings !== undefined && recordings.length > 0 && (
        <ul class="grid recordings">
          {recordings.map((recording) => (
            <RecordingCard key={recording.id} recording={active.get(recording.id)?.recording ?? recording} />
          ))}
        </ul>
      )}
      {(trail.length > 0 || nextCursor !== undefined) && (
        <nav class="pager" aria-label="Pages of the library">
          <button type="button" disabled={trail.length === 0} onClick={turn(() => library.newer())}>
            Newer
          </button>
          <span class="muted">Page {trail.length + 1}</span>
          <button type="button" disabled={nextCursor === undefined} onClick={turn(() => library.older())}>
            Older
          </button>
        </nav>
      )}
    </section>
  )
}

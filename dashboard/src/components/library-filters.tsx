import type { RecordingState } from '../api/documents.ts'
import { useApp } from '../state/context.ts'
import { useStore } from '../state/use-store.ts'

const STATES: readonly RecordingState[] = ['ready', 'recording', 'waiting', 'finishing', 'failed']

/** Narrows the library to one stream or one state. */
export function LibraryFilters() {
  const { library, feed } = useApp()
  const view = useStore(library.state)
  const { streams } = useStore(feed.state)
  const known = new Set([
    ...(streams ?? []).map(({ path }) => path),
    ...(view.recordings ?? []).map(({ stream }) => stream),
  ])
  return (
    <form class="row filters" onSubmit={(event) => event.preventDefault()}>
      <label for="filter-stream">Stream</label>
      <input
        id="filter-stream"
        type="search"
        list="known-streams"
        placeholder="all"
        autocomplete="off"
        spellcheck={false}
        value={view.stream}
        onChange={(event) => library.filter({ stream: event.currentTarget.value.trim() })}
      />
      <datalist id="known-streams">
        {[...known].sort().map((path) => (
          <option key={path} value={path} />
        ))}
      </datalist>
      <label for="filter-state">State</label>
      <select
        id="filter-state"
        value={view.state}
        onChange={(event) =>
          library.filter({ state: STATES.find((state) => state === event.currentTarget.value) ?? '' })
        }
      >
        <option value="">all</option>
        {STATES.map((state) => (
          <option key={state} value={state}>
            {state}
          </option>
        ))}
      </select>
    </form>
  )
}

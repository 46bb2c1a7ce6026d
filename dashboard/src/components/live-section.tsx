import type { RecordingDocument } from '../api/documents.ts'
import type { SeenRecording } from '../state/active-recordings.ts'
import { useApp } from '../state/context.ts'
import { useStore } from '../state/use-store.ts'
import { ActiveRecording } from './active-recording.tsx'
import { PublishGuide } from './publish-guide.tsx'
import { StreamCard } from './stream-card.tsx'

/** Who publishes now, each with its recordings in progress; then recordings whose stream is away. */
export function LiveSection() {
  const { feed, library } = useApp()
  const { streams, active, server } = useStore(feed.state)
  const { recordings, stream, state } = useStore(library.state)
  const byStream = groupByStream([...active.values()])
  const paths = new Set(streams?.map(({ path }) => path))
  const withoutStream = [...active.values()].filter(({ recording }) => !paths.has(recording.stream))
  const isFirstRun = recordings?.length === 0 && stream === '' && state === ''
  return (
    <section aria-labelledby="live-title">
      <h1 id="live-title">Live</h1>
      {streams === undefined && <div class="placeholder-row" aria-hidden="true" />}
      {streams?.length === 0 && <PublishGuide server={server} isFirstRun={isFirstRun} />}
      {streams !== undefined && streams.length > 0 && (
        <ul class="grid streams">
          {streams.map((live, rank) => (
            <StreamCard key={live.id} rank={rank} stream={live} recordings={byStream.get(live.path) ?? []} />
          ))}
        </ul>
      )}
      {withoutStream.length > 0 && (
        <div class="panel">
          <h2>Waiting for their stream</h2>
          <ul class="active-list">
            {withoutStream.map((seen) => (
              <ActiveRecording key={seen.recording.id} seen={seen} isStreamLive={false} />
            ))}
          </ul>
        </div>
      )}
    </section>
  )
}

function groupByStream(all: readonly SeenRecording[]): ReadonlyMap<RecordingDocument['stream'], SeenRecording[]> {
  return Map.groupBy(
    [...all].sort((a, b) => (a.recording.id < b.recording.id ? -1 : 1)),
    ({ recording }) => recording.stream,
  )
}

import { containerName } from '../codec-names.ts'
import { formatBytes, formatDuration, isoDuration } from '../format.ts'
import { elapsedMs, type SeenRecording } from '../state/active-recordings.ts'
import { useApp } from '../state/context.ts'
import { recordingHref } from '../state/route.ts'
import { useCommand } from '../state/use-command.ts'
import { useMay } from '../state/use-may.ts'
import { useNowMs } from '../state/use-now.ts'
import { useStore } from '../state/use-store.ts'
import { StateBadge } from './state-badge.tsx'

/** One recording in progress: how long, how large, and its stop button; and of what, where no stream says so. */
export function ActiveRecording({ seen, isStreamLive }: { seen: SeenRecording; isStreamLive: boolean }) {
  const { client, feed, toasts } = useApp()
  const { isBusy, run } = useCommand()
  const nowMs = useNowMs(1_000)
  const { recording } = seen
  const { link } = useStore(feed.state)
  const mayRecord = useMay('record')
  const elapsed = elapsedMs(seen, nowMs, isStreamLive && link !== 'away')

  const stop = () =>
    run(async () => {
      const final = await client.stop(recording.id)
      feed.tell(final)
      if (final.state === 'ready') toasts.notice(`Recording of ${final.stream} is ready: ${formatBytes(final.bytes)}.`)
    })
  return (
    <li class="active" data-recording={recording.id}>
      <a
        class="active-facts"
        href={recordingHref(recording.id)}
        aria-label={`Recording of ${recording.stream} as ${containerName(recording.format)}, ${recording.state}: details`}
      >
        <StateBadge recording={recording} />
        {!isStreamLive && <strong>{recording.stream}</strong>}
        <span>{containerName(recording.format)}</span>
        <time class="figures" dateTime={isoDuration(elapsed)}>
          {formatDuration(elapsed)}
        </time>
        <span class="figures">{formatBytes(recording.bytes)}</span>
      </a>
      {mayRecord && (
        <button
          type="button"
          class="stop"
          aria-busy={isBusy}
          disabled={isBusy || recording.state === 'finishing'}
          aria-label={`Stop the ${containerName(recording.format)} recording of ${recording.stream}`}
          onClick={stop}
        >
          <span class="stop-square" aria-hidden="true" />
          Stop
        </button>
      )}
      {recording.error !== null && <p class="reason">{recording.error.message}</p>}
    </li>
  )
}

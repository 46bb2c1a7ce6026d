import { useEffect, useState } from 'preact/hooks'
import { containerName } from '../codec-names.ts'
import { formatBytes, formatDuration, formatMoment } from '../format.ts'
import { useRecording } from '../state/use-recording.ts'
import { CompletenessBadge } from './completeness-badge.tsx'
import { Icon } from './icon.tsx'
import { Ledger } from './ledger.tsx'
import { PartsTable } from './parts-table.tsx'
import { Player } from './player.tsx'
import { RecordingActions } from './recording-actions.tsx'
import { StateBadge } from './state-badge.tsx'

/** One recording: played, and everything known about it. */
export function RecordingPage({ id }: { id: string }) {
  const { recording, problem } = useRecording(id)
  const [partIndex, setPartIndex] = useState(1)
  useEffect(() => document.getElementById('recording-title')?.focus(), [recording === undefined])
  const back = (
    <a class="back" href="#/library">
      <Icon name="back" /> Library
    </a>
  )
  if (recording === undefined) {
    return (
      <section>
        {back}
        <p class="empty" role="status">
          {problem ?? 'Loading…'}
        </p>
      </section>
    )
  }
  const moment = recording.startedAt ?? recording.requestedAt
  return (
    <article class="recording-page" aria-labelledby="recording-title">
      {back}
      <h1 id="recording-title" tabIndex={-1}>
        {recording.stream}
      </h1>
      <p class="facts">
        <time dateTime={moment}>{formatMoment(moment, Date.now())}</time>
        <span>{formatDuration(recording.durationMs)}</span>
        <span>{formatBytes(recording.bytes)}</span>
        <span>{containerName(recording.format)}</span>
        <StateBadge recording={recording} />
        <CompletenessBadge recording={recording} />
      </p>
      {recording.error !== null && (
        <p class="reason">
          {recording.error.message} <code>{recording.error.code}</code>
        </p>
      )}
      <Player recording={recording} partIndex={partIndex} onPart={setPartIndex} />
      <RecordingActions recording={recording} />
      <PartsTable recording={recording} partIndex={partIndex} onPart={setPartIndex} />
      <Ledger recording={recording} />
    </article>
  )
}

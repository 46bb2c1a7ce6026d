import type { StreamDocument } from '../api/documents.ts'
import { describeTrack, inOrder, protocolName } from '../codec-names.ts'
import { encoderName } from '../encoder-name.ts'
import { formatBitrate, formatMoment } from '../format.ts'
import type { SeenRecording } from '../state/active-recordings.ts'
import { ActiveRecording } from './active-recording.tsx'
import { LivePicture } from './live-picture.tsx'
import { RecordControl } from './record-control.tsx'

/** One live stream: its picture, its facts, and what records it. */
export function StreamCard(props: {
  stream: StreamDocument
  /** Place on the page, from the top. */
  rank: number
  recordings: readonly SeenRecording[]
}) {
  const { stream, rank, recordings } = props
  const titleId = `stream-${stream.path}`
  return (
    <li class="card" aria-labelledby={titleId} data-stream={stream.path}>
      <LivePicture stream={stream} rank={rank} />
      <div class="card-body">
        <h2 id={titleId} class="card-title">
          {stream.path}
        </h2>
        <p class="facts">
          {inOrder(stream.tracks).map((track) => (
            <span key={track.trackId}>{describeTrack(track)}</span>
          ))}
          <span class="figures">{formatBitrate(stream.bitrateBps)}</span>
        </p>
        <p class="facts muted">
          <span>
            since <time dateTime={stream.since}>{formatMoment(stream.since, Date.now())}</time>
          </span>
          <span>
            {protocolName(stream.protocol)} from {stream.remoteAddress}
          </span>
          {stream.encoder !== '' && <span title={stream.encoder}>{encoderName(stream.encoder)}</span>}
        </p>
        {recordings.length > 0 && (
          <ul class="active-list" aria-label={`Recordings of ${stream.path} in progress`}>
            {recordings.map((seen) => (
              <ActiveRecording key={seen.recording.id} seen={seen} isStreamLive />
            ))}
          </ul>
        )}
        <RecordControl path={stream.path} isRecorded={recordings.length > 0} />
      </div>
    </li>
  )
}

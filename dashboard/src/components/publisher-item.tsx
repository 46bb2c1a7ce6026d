import type { StreamDocument } from '../api/documents.ts'
import { describeTrack, inOrder, protocolName } from '../codec-names.ts'
import { encoderName } from '../encoder-name.ts'
import { count, formatBitrate, formatMoment } from '../format.ts'

/** One stream that is published here: by what, from where, and what it carries. */
export function PublisherItem({ stream }: { stream: StreamDocument }) {
  const { path, protocol, encoder, recordings } = stream
  return (
    <li class="item" data-publisher={path}>
      <div class="item-body">
        <h3 class="item-title">
          <a href="#/" aria-label={`Look at ${path}`}>
            <code>{path}</code>
          </a>
          <span class="badge badge-pull-streaming">{protocolName(protocol)}</span>
        </h3>
        <p class="facts muted">
          {encoder !== '' && <span title={encoder}>{encoderName(encoder)}</span>}
          <span>from {stream.remoteAddress}</span>
          <span>
            since <time dateTime={stream.since}>{formatMoment(stream.since, Date.now())}</time>
          </span>
          {recordings.length > 0 && <span>{count(recordings.length, 'recording')} in progress</span>}
        </p>
        <p class="facts muted">
          {inOrder(stream.tracks).map((track) => (
            <span key={track.trackId}>{describeTrack(track)}</span>
          ))}
          <span class="figures">{formatBitrate(stream.bitrateBps)}</span>
        </p>
      </div>
    </li>
  )
}

import type { GapDocument, RecordingDocument } from '../api/documents.ts'
import { codecName, inOrder } from '../codec-names.ts'
import { formatDuration } from '../format.ts'

/** More than this fills the page and helps nobody; the manifest has all. */
const MAX_GAPS_SHOWN = 100

/** The proof: what arrived, what is in the files, what is missing, when and why. */
export function Ledger({ recording }: { recording: RecordingDocument }) {
  const { tracks, gaps } = recording.ledger
  return (
    <section aria-labelledby="ledger-title">
      <h2 id="ledger-title">Ledger</h2>
      <div class="scroll-x">
        <table>
          <caption class="visually-hidden">Access units received, written and lost, by track</caption>
          <thead>
            <tr>
              <th scope="col">Track</th>
              <th scope="col" class="figures">
                Received
              </th>
              <th scope="col" class="figures">
                Written
              </th>
              <th scope="col" class="figures">
                Lost
              </th>
            </tr>
          </thead>
          <tbody>
            {inOrder(tracks).map((track) => (
              <tr key={track.trackId}>
                <th scope="row">
                  {track.trackId} · {codecName(track.codec)} {track.kind}
                </th>
                <td class="figures">{track.received.toLocaleString('en')}</td>
                <td class="figures">{track.written.toLocaleString('en')}</td>
                <td class={track.lost > 0 ? 'figures lost' : 'figures'}>{track.lost.toLocaleString('en')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {gaps.length > 0 && <Gaps gaps={gaps} />}
    </section>
  )
}

function Gaps({ gaps }: { gaps: readonly GapDocument[] }) {
  return (
    <>
      <h3>Gaps</h3>
      <ul class="gaps">
        {gaps.slice(0, MAX_GAPS_SHOWN).map((gap) => (
          <li key={`${gap.track} ${gap.fromMs} ${gap.at}`}>
            <span class="figures">
              {formatDuration(gap.fromMs)} – {formatDuration(gap.toMs)}
            </span>{' '}
            {gap.track === 0 ? 'all tracks' : `track ${gap.track}`}, {CAUSES[gap.cause]}
            {gap.accessUnits > 0 && `, ${gap.accessUnits.toLocaleString('en')} access units lost`}
          </li>
        ))}
      </ul>
      {gaps.length > MAX_GAPS_SHOWN && <p class="muted">The manifest lists all {gaps.length}.</p>}
    </>
  )
}

const CAUSES: Readonly<Record<GapDocument['cause'], string>> = {
  network: 'network',
  publisher: 'the publisher was away or jumped in time',
  disk: 'the disk refused',
  restart: 'the server was restarted',
  overload: 'overload',
}

import type { ServerDocument } from '../api/documents.ts'
import { acceptsBrowsers } from '../live/publish-points.ts'
import { CopyField } from './copy-field.tsx'

/** Anything: every published stream is recorded under its own name. */
const EXAMPLE_STREAM = 'cam1'

/** How to send a first stream: shown whole while nothing was ever recorded, folded afterwards. */
export function PublishGuide({ server, isFirstRun }: { server: ServerDocument | undefined; isFirstRun: boolean }) {
  const points = server?.publish ?? []
  if (points.length === 0) return <p class="empty">Nobody publishes now.</p>
  if (isFirstRun) {
    return (
      <div class="panel guide">
        <h2>Send your first stream</h2>
        <p class="muted">It appears here within a second, and is recorded from its first key frame on.</p>
        <Ways points={points} />
      </div>
    )
  }
  return (
    <div class="panel guide">
      <p>Nobody publishes now.</p>
      <details>
        <summary>How to publish</summary>
        <Ways points={points} />
      </details>
    </div>
  )
}

function Ways({ points }: { points: ServerDocument['publish'] }) {
  const rtmp = points.find(({ protocol }) => protocol.startsWith('rtmp'))?.server
  const rtsp = points.find(({ protocol }) => protocol.startsWith('rtsp'))?.server
  const whip = acceptsBrowsers(points) ? new URL(`whip/live/${EXAMPLE_STREAM}`, document.baseURI).href : undefined
  const command =
    rtmp === undefined ? `-f rtsp -rtsp_transport tcp ${rtsp}/${EXAMPLE_STREAM}` : `-f flv ${rtmp}/${EXAMPLE_STREAM}`
  return (
    <div class="ways">
      <div>
        <h3>ffmpeg</h3>
        <CopyField name="ffmpeg command" value={`ffmpeg -re -i input.mp4 -c copy ${command}`} />
      </div>
      {rtmp !== undefined && (
        <div>
          <h3>OBS Studio</h3>
          <p class="muted">Settings → Stream → Service “Custom…”</p>
          <CopyField name="Server" value={rtmp} isLabelled />
          <CopyField name="Stream key" value={EXAMPLE_STREAM} isLabelled />
        </div>
      )}
      {whip !== undefined && (
        <div>
          <h3>Browsers, and OBS by WHIP</h3>
          <p class="muted">
            <a href="#/record">Record this browser</a>, or any page of yours with the client at{' '}
            <code>client/tapedeck.js</code>. In OBS: Settings → Stream → Service “WHIP”, with B-frames off (
            <code>bframes=0</code>); the token, if there is one, goes to “Bearer Token”.
          </p>
          <CopyField name="WHIP address" value={whip} isLabelled />
        </div>
      )}
      {rtsp !== undefined && (
        <div>
          <h3>Cameras and RTSP encoders</h3>
          <p class="muted">Those that publish by themselves (ANNOUNCE); others are fetched, see Sources.</p>
          <CopyField name="RTSP address" value={`${rtsp}/${EXAMPLE_STREAM}`} isLabelled />
        </div>
      )}
    </div>
  )
}

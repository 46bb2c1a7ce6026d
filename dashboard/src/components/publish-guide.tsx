import type { ServerDocument } from '../api/documents.ts'
import { CopyField } from './copy-field.tsx'

/** Anything: every published stream is recorded under its own name. */
const EXAMPLE_STREAM = 'cam1'

/** How to send a first stream: shown whole while nothing was ever recorded, folded afterwards. */
export function PublishGuide({ server, isFirstRun }: { server: ServerDocument | undefined; isFirstRun: boolean }) {
  const url = server?.publish[0]?.server
  if (url === undefined) return <p class="empty">Nobody publishes now.</p>
  if (isFirstRun) {
    return (
      <div class="panel guide">
        <h2>Send your first stream</h2>
        <p class="muted">It appears here within a second, and is recorded from its first key frame on.</p>
        <Ways url={url} />
      </div>
    )
  }
  return (
    <div class="panel guide">
      <p>Nobody publishes now.</p>
      <details>
        <summary>How to publish</summary>
        <Ways url={url} />
      </details>
    </div>
  )
}

function Ways({ url }: { url: string }) {
  const ffmpeg = `ffmpeg -re -i input.mp4 -c copy -f flv ${url}/${EXAMPLE_STREAM}`
  return (
    <div class="ways">
      <div>
        <h3>ffmpeg</h3>
        <CopyField name="ffmpeg command" value={ffmpeg} />
      </div>
      <div>
        <h3>OBS Studio</h3>
        <p class="muted">Settings → Stream → Service “Custom…”</p>
        <CopyField name="Server" value={url} isLabelled />
        <CopyField name="Stream key" value={EXAMPLE_STREAM} isLabelled />
      </div>
    </div>
  )
}

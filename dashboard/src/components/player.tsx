import { useEffect, useRef, useState } from 'preact/hooks'
import type { PartDocument, RecordingDocument } from '../api/documents.ts'
import { codecName, containerName } from '../codec-names.ts'
import { formatDuration } from '../format.ts'
import { canPlay, isBrowserContainer } from '../live/playability.ts'
import { useApp } from '../state/context.ts'
import { Icon } from './icon.tsx'

/** Plays a recording's parts one after the other; says so where a browser can't, and offers the file instead. */
export function Player(props: { recording: RecordingDocument; partIndex: number; onPart: (index: number) => void }) {
  const { recording, partIndex } = props
  const part = recording.parts.find(({ index }) => index === partIndex) ?? recording.parts[0]
  if (part === undefined) return <p class="empty">No file yet: {recording.state}.</p>
  if (part.state === 'open' && part.bytes === 0) return <p class="empty">Nothing is on disk yet.</p>
  const obstacle = obstacleTo(recording, part)
  if (obstacle !== undefined) return <Unplayable recording={recording} part={part} reason={obstacle} />
  return <PartPlayer key={recording.id} {...props} part={part} />
}

function PartPlayer({
  recording,
  part,
  onPart,
}: {
  recording: RecordingDocument
  part: PartDocument
  onPart: (index: number) => void
}) {
  const { client } = useApp()
  const video = useRef<HTMLVideoElement>(null)
  const [problem, setProblem] = useState('')
  const url = client.partUrl(recording.id, part.index)
  const next = recording.parts.find(({ index }) => index > part.index)
  useEffect(() => {
    setProblem('')
    // Rejects where the browser wants a click first; the controls are there for it.
    video.current?.play().catch(() => {})
  }, [url])
  useEffect(() => {
    // What was on disk when playing began has been shown: the finished file goes on.
    if (part.state === 'ready' && video.current?.ended === true) video.current.load()
  }, [part.state])
  const explain = async () => {
    const refusal = await client.mediaProblem(url)
    setProblem(refusal?.message ?? 'This browser could not play the file. Download it and try another player.')
  }
  return (
    <div class="player">
      {/* biome-ignore lint/a11y/useMediaCaption: recordings carry no captions */}
      <video
        ref={video}
        src={url}
        controls
        playsInline
        preload="metadata"
        aria-label={`Recording of ${recording.stream}, part ${part.index} of ${recording.parts.length}`}
        onEnded={() => next !== undefined && onPart(next.index)}
        onError={() => void explain()}
      />
      {problem !== '' && (
        <p class="reason" role="alert">
          {problem}
        </p>
      )}
      {recording.parts.length > 1 && (
        <p class="muted" aria-live="polite">
          Part {part.index} of {recording.parts.length}, begins at {formatDuration(part.startMs)}
        </p>
      )}
      {part.state === 'open' && <p class="muted">Still being written: this shows what is on disk so far.</p>}
    </div>
  )
}

function Unplayable({ recording, part, reason }: { recording: RecordingDocument; part: PartDocument; reason: string }) {
  const { client } = useApp()
  return (
    <div class="player unplayable">
      <p>{reason}</p>
      <a class="button primary" href={client.downloadUrl(recording.id, part.index)} download>
        <Icon name="download" /> Download {containerName(recording.format)}
      </a>
    </div>
  )
}

/** Why a browser can't play this part; undefined when it can. */
function obstacleTo(recording: RecordingDocument, part: PartDocument): string | undefined {
  if (!isBrowserContainer(recording.format)) {
    return `Browsers don't play ${containerName(recording.format)} files. VLC, mpv and ffplay do.`
  }
  const probe = document.createElement('video')
  const strings = part.tracks.map((track) => track.codecString)
  if (canPlay(recording.format, strings, (type) => probe.canPlayType(type))) return undefined
  return `This browser can't play ${part.tracks.map((track) => codecName(track.codec)).join(' with ')}.`
}

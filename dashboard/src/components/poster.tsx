import { useState } from 'preact/hooks'
import type { RecordingDocument } from '../api/documents.ts'
import { useApp } from '../state/context.ts'

/** The recording's first picture; a plain surface where there is none (yet). Keeps its place either way. */
export function Poster({ recording }: { recording: RecordingDocument }) {
  const { client } = useApp()
  const [isBroken, setBroken] = useState(false)
  const hasVideo = recording.parts.some((part) => part.tracks.some((track) => track.kind === 'video'))
  if (recording.state !== 'ready' || !hasVideo || isBroken) {
    return <div class="poster poster-none">{posterWord(recording, hasVideo)}</div>
  }
  return (
    <img
      class="poster"
      src={client.posterUrl(recording.id)}
      alt=""
      width="320"
      height="180"
      loading="lazy"
      decoding="async"
      onError={() => setBroken(true)}
    />
  )
}

function posterWord(recording: RecordingDocument, hasVideo: boolean): string {
  if (recording.state !== 'ready') return recording.state
  return hasVideo ? 'no picture' : 'sound only'
}

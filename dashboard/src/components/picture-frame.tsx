import type { RefObject } from 'preact'
import { useState } from 'preact/hooks'
import type { StreamDocument } from '../api/documents.ts'
import { Icon } from './icon.tsx'

/** How a live picture stands. */
export type PicturePhase = 'connecting' | 'playing' | 'interrupted'

const WORDS: Readonly<Record<PicturePhase, string>> = {
  connecting: 'Connecting…',
  playing: '',
  interrupted: 'Picture interrupted, reconnecting…',
}

/** A live picture's element, with what is said and done about it. */
export function PictureFrame(props: {
  stream: StreamDocument
  video: RefObject<HTMLVideoElement | null>
  phase: PicturePhase
  problem: string
  /** How it comes, in a word, and why it does not come better. */
  way: string
  reason: string | undefined
}) {
  const { stream, video, phase, problem, way, reason } = props
  const [isMuted, setMuted] = useState(true)
  const hasVideo = stream.tracks.some((track) => track.kind === 'video')
  const hasAudio = stream.tracks.some((track) => track.kind === 'audio')
  const { path } = stream
  return (
    <>
      <video ref={video} muted={isMuted} autoplay playsInline aria-label={`Live picture of ${path}`} />
      {!hasVideo && phase === 'playing' && <p class="picture-note">Sound only</p>}
      {phase !== 'playing' && <p class="picture-note">{problem !== '' ? problem : WORDS[phase]}</p>}
      <span class="live-badge" title={reason}>
        Live <span class="live-way">{way}</span>
      </span>
      {hasAudio && (
        <button
          type="button"
          class="icon-button sound"
          aria-label={isMuted ? `Hear ${path}` : `Mute ${path}`}
          onClick={() => setMuted(!isMuted)}
        >
          <Icon name={isMuted ? 'muted' : 'sound'} />
        </button>
      )}
    </>
  )
}

import { useEffect, useRef, useState } from 'preact/hooks'
import type { TapedeckError } from '../../../client/src/index.ts'
import type { StreamDocument } from '../api/documents.ts'
import { followWebRtc } from '../live/follow-webrtc.ts'
import { useApp } from '../state/context.ts'
import { PictureFrame, type PicturePhase } from './picture-frame.tsx'

/** A live picture by WebRTC: a fraction of a second behind. */
export function WebRtcPicture(props: { stream: StreamDocument; onImpossible: (error: TapedeckError) => void }) {
  const { stream } = props
  const { session, feed } = useApp()
  const video = useRef<HTMLVideoElement>(null)
  const [phase, setPhase] = useState<PicturePhase>('connecting')
  const { id, path } = stream
  // A ref: what to do about it changes with every rendering, and must not end the picture.
  const impossible = useRef(props.onImpossible)
  impossible.current = props.onImpossible

  useEffect(() => {
    const element = video.current
    if (element === null) return undefined
    return followWebRtc(element, session(), path, {
      onPlaying: () => setPhase('playing'),
      onInterrupted: () => setPhase('interrupted'),
      onImpossible: (error) => impossible.current(error),
      mayReconnect: () => feed.isStillLive(id),
    })
  }, [session, feed, id, path])

  return <PictureFrame stream={stream} video={video} phase={phase} problem="" way="WebRTC" reason={undefined} />
}

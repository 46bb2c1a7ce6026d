import { useEffect, useRef, useState } from 'preact/hooks'
import type { StreamDocument } from '../api/documents.ts'
import { followLive } from '../live/follow-live.ts'
import { useApp } from '../state/context.ts'
import { PictureFrame, type PicturePhase } from './picture-frame.tsx'

/** A live picture as endless MP4; `reason`: why not by WebRTC. */
export function Mp4Picture({ stream, reason }: { stream: StreamDocument; reason: string | undefined }) {
  const { client, feed } = useApp()
  const video = useRef<HTMLVideoElement>(null)
  const [phase, setPhase] = useState<PicturePhase>('connecting')
  const [problem, setProblem] = useState('')
  const { id, path } = stream

  useEffect(() => {
    const element = video.current
    if (element === null) return undefined
    const url = client.liveUrl(path)
    return followLive(element, url, {
      onPlaying: () => setPhase('playing'),
      onInterrupted: () => setPhase('interrupted'),
      async mayReconnect() {
        if (!(await feed.isStillLive(id))) return false
        const refusal = await client.mediaProblem(url)
        setProblem(refusal?.message ?? '')
        return refusal === undefined
      },
    })
  }, [client, feed, id, path])

  return <PictureFrame stream={stream} video={video} phase={phase} problem={problem} way="MP4" reason={reason} />
}

import { useCallback, useEffect, useState } from 'preact/hooks'
import type { RecordingDocument } from '../api/documents.ts'
import { ProblemError } from '../api/problem.ts'
import { useApp } from './context.ts'
import { afterTold } from './told-recording.ts'
import { useStore } from './use-store.ts'

/** Checksums of finished files are computed in the background and have no event. */
const CHECKSUM_POLL_MS = 3_000

/** One recording as it is now, or why there is none. Both undefined: not answered yet. */
export interface FollowedRecording {
  readonly recording: RecordingDocument | undefined
  readonly problem: string | undefined
}

/** Follows one recording: asked for, then by events and, while in progress, by the feed's listings. */
export function useRecording(id: string): FollowedRecording {
  const { client, feed } = useApp()
  const { active } = useStore(feed.state)
  const [told, setTold] = useState<FollowedRecording>({ recording: undefined, problem: undefined })
  const ask = useCallback(async () => {
    try {
      setTold({ recording: await client.recording(id), problem: undefined })
    } catch (error) {
      // Away: the header says so, and the feed resyncs when it is over.
      if (error instanceof ProblemError) setTold({ recording: undefined, problem: error.message })
    }
  }, [client, id])

  useEffect(() => {
    void ask()
    return feed.onResync(() => void ask())
  }, [ask, feed])
  useEffect(
    () =>
      feed.onRecording(({ type, recording }) => {
        if (recording.id !== id) return
        const isGone = type === 'recording.deleted'
        setTold((before) =>
          isGone
            ? { recording: undefined, problem: 'This recording was deleted.' }
            : { recording: afterTold(before.recording, recording), problem: undefined },
        )
      }),
    [feed, id],
  )
  const { recording } = told
  useEffect(() => {
    if (recording?.state !== 'ready' || recording.parts.every(({ sha256 }) => sha256 !== null)) return undefined
    const timer = setTimeout(() => void ask(), CHECKSUM_POLL_MS)
    return () => clearTimeout(timer)
  }, [ask, recording])
  return { ...told, recording: active.get(id)?.recording ?? recording }
}

import { useEffect, useRef } from 'preact/hooks'
import { watchLevel } from '../capture/level.ts'

/** How loud the captured sound is now. Written past the renderer: it changes twenty times a second. */
export function LevelMeter({ media }: { media: MediaStream | undefined }) {
  const meter = useRef<HTMLMeterElement>(null)
  const hasSound = (media?.getAudioTracks().length ?? 0) > 0
  useEffect(() => {
    if (media === undefined || !hasSound) return undefined
    const show = (level: number) => {
      if (meter.current !== null) meter.current.value = level
    }
    const stop = watchLevel(media, show)
    return () => {
      stop()
      show(0)
    }
  }, [media, hasSound])
  return (
    <div class="level">
      <label for="capture-level" class="level-label">
        {media !== undefined && !hasSound ? 'No sound' : 'Sound'}
      </label>
      <meter id="capture-level" ref={meter} class="level-bar" min={0} max={1} low={0.85} high={0.95} optimum={0.3} />
    </div>
  )
}
